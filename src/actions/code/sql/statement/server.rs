//! Statements and functions that reach files and programs of the server.

use super::{MAX_ARGUMENT_TOKENS, Reader};
use crate::actions::code::sql::Tokens;
use crate::actions::code::sql::lex::Kind;
use crate::actions::code::{Language, TargetRole, What, run_time};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

impl Reader {
    pub(super) fn copy(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let table = tokens.qualified(1).map(|(name, _)| name);
        let direction = tokens.find(1, &["FROM", "TO", "INTO"]);
        let Some(at) = direction else {
            self.unknown("a `COPY` that cannot be read", span);
            return;
        };
        let writes = tokens.is_word(at, "FROM") || tokens.is_word(at, "INTO");
        let kind = if writes {
            ActionKind::DbWrite
        } else {
            ActionKind::DbRead
        };
        if tokens.is_word(at + 1, "PROGRAM") {
            self.act(kind, table.as_deref(), &["exec"], span);
            match tokens.string(at + 2) {
                Some((text, verbatim)) => self.shell(text, verbatim, span),
                None => self.unknown("the program of a `COPY` is not known", span),
            }
            return;
        }
        self.act(kind, table.as_deref(), &[], span);
        if let Some(Kind::Text(file, _)) = tokens.kind(at + 1) {
            let kind = if writes {
                ActionKind::DbRead
            } else {
                ActionKind::DbWrite
            };
            self.path(kind, file, &["file"], span);
        }
    }

    pub(super) fn load(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        if let Some(file) = tokens
            .find(0, &["INFILE"])
            .and_then(|at| tokens.string(at + 1))
        {
            self.path(ActionKind::DbRead, file.0, &["file"], span);
            let table = tokens
                .find(0, &["TABLE"])
                .and_then(|at| tokens.qualified(at + 1));
            self.act(
                ActionKind::DbWrite,
                table.as_ref().map(|(name, _)| name.as_str()),
                &["file"],
                span,
            );
        } else if let Some((library, _)) = tokens.string(1) {
            self.path(ActionKind::DbAlter, library, &["exec"], span);
        } else {
            self.act(ActionKind::DbWrite, None, &["file"], span);
        }
    }

    pub(super) fn file_after(&mut self, tokens: Tokens<'_>, word: &str, span: ByteSpan) {
        let at = (0..tokens.len()).find(|index| tokens.is_word(*index, word));
        if let Some((file, _)) =
            at.and_then(|at| (at + 1..tokens.len()).find_map(|index| tokens.string(index)))
        {
            self.path(ActionKind::DbWrite, file, &["file"], span);
        }
    }

    /// Functions that reach out of the database, wherever they stand.
    pub(super) fn functions(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        for index in 0..tokens.len() {
            if !tokens.is_op(index + 1, b'(') {
                continue;
            }
            let Some(name) = tokens.name(index) else {
                continue;
            };
            let Some((_, reach)) = FUNCTIONS
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
            else {
                continue;
            };
            let close = tokens
                .closing(index + 1)
                .unwrap_or(tokens.len())
                .min(index + MAX_ARGUMENT_TOKENS);
            let argument = (index + 2..close).find_map(|at| tokens.string(at));
            let file = argument.map(|(text, _)| text);
            match reach {
                Reach::ReadFile => self.server_file(ActionKind::DbRead, file, span),
                Reach::WriteFile => self.server_file(ActionKind::DbWrite, file, span),
                Reach::Shell => {
                    self.act(ActionKind::DbWrite, Some(name), &["exec"], span);
                    if let Some((text, at)) = argument {
                        self.shell(text, at, span);
                    }
                }
                Reach::Library => self.act(ActionKind::DbAlter, file, &["exec"], span),
                Reach::Statement => {
                    let statement = (index + 2..close).rev().find_map(|at| tokens.string(at));
                    self.code(Language::Sql, statement, span);
                }
                Reach::Network => self.push(
                    What::Act {
                        kind: ActionKind::NetSend,
                        target: file.map(|text| Value::Exact(text.to_owned())),
                        role: if file.is_some_and(|text| text.contains("://")) {
                            TargetRole::Url
                        } else {
                            TargetRole::Host
                        },
                        attributes: Vec::new(),
                    },
                    span,
                ),
                Reach::Kill => {
                    self.act(ActionKind::ProcessKill, Some("database session"), &[], span)
                }
                Reach::Setting => self.act(ActionKind::DbAlter, file, &[], span),
            }
        }
    }

    fn server_file(&mut self, kind: ActionKind, file: Option<&str>, span: ByteSpan) {
        self.push(
            What::Act {
                kind,
                target: Some(
                    file.map_or_else(|| run_time("file"), |file| Value::Exact(file.to_owned())),
                ),
                role: TargetRole::Path,
                attributes: vec!["file"],
            },
            span,
        );
    }
}

#[derive(Clone, Copy)]
enum Reach {
    ReadFile,
    WriteFile,
    Shell,
    Library,
    Statement,
    Network,
    Kill,
    Setting,
}

/// Functions of PostgreSQL, MySQL, SQLite and Oracle that do more than compute.
const FUNCTIONS: &[(&str, Reach)] = &[
    ("pg_read_file", Reach::ReadFile),
    ("pg_read_binary_file", Reach::ReadFile),
    ("pg_ls_dir", Reach::ReadFile),
    ("pg_stat_file", Reach::ReadFile),
    ("lo_import", Reach::ReadFile),
    ("load_file", Reach::ReadFile),
    ("readfile", Reach::ReadFile),
    ("read_text", Reach::ReadFile),
    ("read_blob", Reach::ReadFile),
    ("openrowset", Reach::ReadFile),
    ("lo_export", Reach::WriteFile),
    ("pg_file_write", Reach::WriteFile),
    ("pg_file_unlink", Reach::WriteFile),
    ("pg_file_rename", Reach::WriteFile),
    ("writefile", Reach::WriteFile),
    ("sys_exec", Reach::Shell),
    ("sys_eval", Reach::Shell),
    ("edit", Reach::Shell),
    ("load_extension", Reach::Library),
    ("query_to_xml", Reach::Statement),
    ("dblink_exec", Reach::Statement),
    ("dblink", Reach::Statement),
    ("dblink_connect", Reach::Network),
    ("http_get", Reach::Network),
    ("http_post", Reach::Network),
    ("http_request", Reach::Network),
    ("remote", Reach::Network),
    ("pg_terminate_backend", Reach::Kill),
    ("pg_cancel_backend", Reach::Kill),
    ("set_config", Reach::Setting),
];
