//! Statements inside of statements and of strings.

use super::{CHANGING, MAX_DEPTH, OPENERS, Reader};
use crate::actions::code::sql::Tokens;
use crate::actions::code::sql::lex::{self, Backslash, Kind};
use crate::actions::code::{Language, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

impl Reader {
    pub(super) fn execute(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let mut index = 1;
        if tokens.is_word(index, "IMMEDIATE") {
            index += 1;
        }
        if tokens.is_op(index, b'(') {
            index += 1;
        }
        if let Some(Kind::Text(text, at)) = tokens.kind(index) {
            let more = tokens.is_op(index + 1, b'|') || tokens.is_op(index + 1, b'+');
            if more {
                self.concatenated(tokens.from(index), span);
            } else {
                self.code(Language::Sql, Some((text, *at)), span);
            }
            return;
        }
        let Some((name, after)) = tokens.qualified(index) else {
            self.unknown("a statement that is computed", span);
            return;
        };
        let procedure = name.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
        let argument = (after..tokens.len()).find_map(|at| match tokens.kind(at) {
            Some(Kind::Text(text, verbatim)) => Some((text.as_str(), *verbatim)),
            _ => None,
        });
        match procedure.as_str() {
            "sp_executesql" if argument.is_some() => self.code(Language::Sql, argument, span),
            "xp_cmdshell" => {
                self.act(ActionKind::DbWrite, Some("xp_cmdshell"), &["exec"], span);
                self.code(Language::Cmd, argument, span);
            }
            "sp_configure" => {
                let name = argument.map(|(name, _)| name);
                let risky = name.is_some_and(|name| {
                    [
                        "xp_cmdshell",
                        "ole automation procedures",
                        "clr enabled",
                        "external scripts enabled",
                    ]
                    .contains(&name.to_ascii_lowercase().as_str())
                });
                let attributes: &[&'static str] = if risky { &["exec"] } else { &[] };
                self.act(ActionKind::DbAlter, name, attributes, span);
            }
            "sp_oacreate"
            | "sp_oamethod"
            | "sp_execute_external_script"
            | "sp_add_job"
            | "sp_add_jobstep"
            | "xp_regwrite"
            | "sys_exec"
            | "sys_eval" => {
                self.act(ActionKind::DbWrite, Some(&procedure), &["exec"], span);
            }
            "xp_dirtree" | "xp_fileexist" | "xp_regread" => {
                self.act(ActionKind::DbRead, Some(&procedure), &["file"], span);
            }
            "sp_help" | "sp_helptext" | "sp_who" | "sp_who2" | "sp_columns" | "sp_tables"
            | "sp_databases" | "sp_spaceused" | "sp_helpdb" => {
                self.act(ActionKind::DbRead, Some(&procedure), &[], span);
            }
            "sp_addsrvrolemember" | "sp_addrolemember" | "sp_addlogin" | "sp_password" => {
                self.act(
                    ActionKind::DbAlter,
                    argument.map(|(name, _)| name),
                    &["user"],
                    span,
                );
            }
            _ if self
                .prepared
                .iter()
                .any(|held| held.eq_ignore_ascii_case(&name)) => {}
            _ if name.starts_with('@') => self.unknown("a statement that is computed", span),
            _ => self.unknown(&format!("the stored procedure `{name}`"), span),
        }
    }

    /// `'DROP ' || 'TABLE x'`: joined when every part is a string.
    fn concatenated(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let mut text = String::new();
        for index in 0..tokens.len() {
            match tokens.kind(index) {
                Some(Kind::Text(part, _)) => text.push_str(part),
                Some(Kind::Op(b'|' | b'+' | b')')) => {}
                _ => {
                    let known = Value::Prefix(
                        text,
                        crate::shell::command::Why::RunTimeValue(String::from("statement")),
                    );
                    self.push(
                        What::Code {
                            language: Language::Sql,
                            text: known,
                            verbatim_at: None,
                        },
                        span,
                    );
                    return;
                }
            }
        }
        self.code(Language::Sql, Some((&text, None)), span);
    }

    pub(super) fn prepare(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        if let Some(name) = tokens.name(1) {
            self.prepared.push(name.to_owned());
        }
        if tokens.is_word(2, "FROM") {
            if let Some(Kind::Text(text, at)) = tokens.kind(3) {
                self.code(Language::Sql, Some((text, *at)), span);
            } else {
                self.unknown("a prepared statement that is computed", span);
            }
        } else if let Some(at) = tokens.find(2, &["AS"]) {
            self.depth += 1;
            self.statement(tokens.from(at + 1));
            self.depth -= 1;
        }
    }

    /// The body of a function or a `DO` block: a string, or statements in place.
    pub(super) fn body(&mut self, tokens: Tokens<'_>, span: ByteSpan, runs: bool) {
        let certain = self.certain;
        self.certain &= runs;
        let body = (0..tokens.len()).find_map(|index| match tokens.kind(index) {
            Some(Kind::Text(text, at)) if text.contains(char::is_whitespace) => {
                Some((text.as_str(), *at))
            }
            _ => None,
        });
        match body {
            Some((text, _)) if self.depth < MAX_DEPTH => self.inner(text, span),
            Some(_) => self.unknown(crate::actions::code::LIMIT_REASON, span),
            None => self.nested(tokens.from(1)),
        }
        self.certain = certain;
    }

    fn inner(&mut self, text: &str, span: ByteSpan) {
        let outer = self.inside;
        self.inside = Some(outer.unwrap_or(span));
        self.depth += 1;
        let tokens = lex::tokens(text, Backslash::Literal);
        let mut begin = 0;
        for index in 0..=tokens.len() {
            if tokens
                .get(index)
                .is_none_or(|token| token.kind == Kind::End)
            {
                self.statement(Tokens::new(text, &tokens[begin..index]));
                begin = index + 1;
            }
        }
        self.depth -= 1;
        self.inside = outer;
    }

    /// Statements that begin after `BEGIN`, `THEN`, `ELSE`, … inside of another one.
    pub(super) fn nested(&mut self, tokens: Tokens<'_>) {
        let start = (0..tokens.len())
            .find(|index| tokens.is_any(*index, OPENERS) && tokens.is_any(index + 1, CHANGING));
        let start = start.or_else(|| {
            (1..tokens.len())
                .find(|index| {
                    tokens.is_any(*index, &["EXECUTE", "EXEC", "TRUNCATE"])
                        && !tokens.is_word(index + 1, "ON")
                        && !tokens.is_any(index - 1, &["GRANT"])
                })
                .map(|found| found - 1)
        });
        if let Some(start) = start {
            let certain = self.certain;
            self.certain &= tokens.is_word(0, "BEGIN");
            self.depth += 1;
            self.statement(tokens.from(start + 1));
            self.depth -= 1;
            self.certain = certain;
        }
    }

    /// A harmless first word may hide an opener: `DECLARE x int BEGIN DELETE …`.
    pub(super) fn nested_after(&mut self, tokens: Tokens<'_>) {
        if tokens.len() > 2 {
            self.nested(tokens);
        }
    }
}
