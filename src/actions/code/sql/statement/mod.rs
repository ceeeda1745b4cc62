//! One statement at a time: its kind, its target, its condition.
//!
//! Rooms: `rows`, `schema` and `server` by what a statement is about, `inner` for those inside of others.

mod inner;
mod rows;
mod schema;
mod server;

use super::Tokens;
use super::lex::Kind;
use crate::actions::code::{CodeEffect, Language, TargetRole, What, run_time};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// Bodies of functions and blocks nested deeper than this are `unknown`.
const MAX_DEPTH: usize = 6;

/// How far the arguments of a function are looked through.
const MAX_ARGUMENT_TOKENS: usize = 64;

/// Changing statements inside of one `WITH`, each of which is read by itself.
const MAX_INNER_STATEMENTS: usize = 64;

/// Collects effects over the statements of one text, which know of each other only what they created.
pub(super) struct Reader {
    pub effects: Vec<CodeEffect>,
    /// Tables that this text created: dropping them takes nothing away.
    own: Vec<String>,
    /// Names of prepared statements, whose text was read where they were prepared.
    prepared: Vec<String>,
    depth: usize,
    certain: bool,
    /// Where the text of the statement stands, when it is a string inside of another one.
    inside: Option<ByteSpan>,
}

/// Statements that change nothing but the session.
const SESSION: &[&str] = &[
    "USE",
    "START",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "SHOW",
    "DESCRIBE",
    "DESC",
    "LOCK",
    "UNLOCK",
    "ANALYZE",
    "VACUUM",
    "REINDEX",
    "OPTIMIZE",
    "CHECKPOINT",
    "DISCARD",
    "LISTEN",
    "UNLISTEN",
    "NOTIFY",
    "DEALLOCATE",
    "CLOSE",
    "FETCH",
    "MOVE",
    "DECLARE",
    "PRINT",
    "RAISE",
    "RETURN",
    "CHECK",
    "CHECKSUM",
    "HELP",
    "DETACH",
    "END",
    "SAVE",
    "TRAN",
    "TRANSACTION",
    "WORK",
    "ABORT",
    "LIST",
    "LS",
    "EXISTS",
    "CONNECT",
    "QUIT",
    "EXIT",
    "CONSISTENCY",
    "RESET",
    "SET",
    "VALUES",
    "COMMENT",
    "REFRESH",
    "FLUSH",
    "GET_LOCK",
    "LEAVE",
    "ITERATE",
    "SIGNAL",
    "OPEN",
    "CLUSTER",
    "WAITFOR",
    "NULL",
    "ELSE",
    "WHEN",
    "PERFORM",
    "CASE",
];

/// Words that open a block or a branch, after which a statement begins.
const OPENERS: &[&str] = &[
    "BEGIN",
    "THEN",
    "ELSE",
    "LOOP",
    "TRY",
    "CATCH",
    "DO",
    "EXCEPTION",
    "ATOMIC",
];

/// First words of statements that change or run something.
const CHANGING: &[&str] = &[
    "DELETE", "UPDATE", "INSERT", "DROP", "TRUNCATE", "ALTER", "GRANT", "REVOKE", "CREATE",
    "EXECUTE", "EXEC", "MERGE", "CALL", "COPY", "REPLACE", "PERFORM",
];

impl Reader {
    pub fn new() -> Self {
        Self {
            effects: Vec::new(),
            own: Vec::new(),
            prepared: Vec::new(),
            depth: 0,
            certain: true,
            inside: None,
        }
    }

    pub fn push(&mut self, mut what: What, span: ByteSpan) {
        if let What::Act { attributes, .. } = &mut what {
            attributes.sort_unstable();
            attributes.dedup();
        }
        let effect = CodeEffect {
            what,
            span: self.inside.unwrap_or(span),
            certain: self.certain,
        };
        if self.effects.last() != Some(&effect) {
            self.effects.push(effect);
        }
    }

    pub fn unknown(&mut self, reason: &str, span: ByteSpan) {
        let reason = reason.to_owned();
        self.push(What::Unknown { reason }, span);
    }

    pub fn act(
        &mut self,
        kind: ActionKind,
        target: Option<&str>,
        attributes: &[&'static str],
        span: ByteSpan,
    ) {
        let target = target.filter(|name| !name.is_empty());
        self.push(
            What::Act {
                kind,
                target: target.map(|name| Value::Exact(name.to_owned())),
                role: TargetRole::Name,
                attributes: attributes.to_vec(),
            },
            span,
        );
    }

    pub fn path(
        &mut self,
        kind: ActionKind,
        path: &str,
        attributes: &[&'static str],
        span: ByteSpan,
    ) {
        self.push(
            What::Act {
                kind,
                target: Some(Value::Exact(path.to_owned())),
                role: TargetRole::Path,
                attributes: attributes.to_vec(),
            },
            span,
        );
    }

    pub fn shell(&mut self, text: &str, at: Option<usize>, span: ByteSpan) {
        let verbatim_at = if self.inside.is_some() { None } else { at };
        let text = Value::Exact(text.to_owned());
        self.push(What::Shell { text, verbatim_at }, span);
    }

    fn code(&mut self, language: Language, string: Option<(&str, Option<usize>)>, span: ByteSpan) {
        let what = match string {
            Some((text, at)) => What::Code {
                language,
                text: Value::Exact(text.to_owned()),
                verbatim_at: if self.inside.is_some() { None } else { at },
            },
            None => What::Code {
                language,
                text: run_time("statement"),
                verbatim_at: None,
            },
        };
        self.push(what, span);
    }

    /// Reads one statement.
    pub fn statement(&mut self, tokens: Tokens<'_>) {
        // Labels, stray comment ends and opening parentheses stand before some statements.
        let begin = (0..tokens.len())
            .find(|index| matches!(tokens.kind(*index), Some(Kind::Word)))
            .unwrap_or(tokens.len());
        let mut tokens = tokens.from(begin);
        // A statement that goes on after an opener is that statement; each is looked at once.
        while tokens.is_any(0, OPENERS) && tokens.len() > 1 {
            if tokens.is_word(0, "DO") && matches!(tokens.kind(1), Some(Kind::Text(..)))
                || tokens.is_word(1, "LANGUAGE")
            {
                break;
            }
            if tokens.is_any(
                1,
                &[
                    "TRANSACTION",
                    "TRAN",
                    "WORK",
                    "DEFERRED",
                    "IMMEDIATE",
                    "EXCLUSIVE",
                ],
            ) {
                break;
            }
            tokens = tokens.from(1);
        }
        let Some(span) = tokens.span() else {
            return;
        };
        if self.depth > MAX_DEPTH {
            self.unknown(crate::actions::code::LIMIT_REASON, span);
            return;
        }
        self.functions(tokens, span);
        self.run_on(tokens);
        let word = tokens.text(0).to_ascii_uppercase();
        match word.as_str() {
            "EXPLAIN" => self.explain(tokens),
            "WITH" => self.with(tokens, span),
            "SELECT" | "TABLE" | "FROM" => self.select(tokens, span),
            "INSERT" | "REPLACE" | "UPSERT" => self.insert(tokens, span),
            "UPDATE" => self.update(tokens, span),
            "DELETE" => self.delete(tokens, span),
            "TRUNCATE" => self.truncate(tokens, span),
            "MERGE" => self.merge(tokens, span),
            "DROP" => self.drop(tokens, span),
            "ALTER" => self.alter(tokens, span),
            "CREATE" => self.create(tokens, span),
            "GRANT" | "REVOKE" | "DENY" => self.grant(tokens, span),
            "COPY" => self.copy(tokens, span),
            "LOAD" | "IMPORT" => self.load(tokens, span),
            "EXEC" | "EXECUTE" | "CALL" => self.execute(tokens, span),
            "PREPARE" => self.prepare(tokens, span),
            "DO" => self.body(tokens, span, true),
            _ => self.other(&word, tokens, span),
        }
    }

    /// T-SQL needs no semicolon: `SELECT 1 DROP TABLE x` and `IF … DELETE FROM x` are two statements.
    fn run_on(&mut self, tokens: Tokens<'_>) {
        if tokens.is_any(
            0,
            &[
                "CREATE", "ALTER", "GRANT", "REVOKE", "WITH", "EXPLAIN", "MERGE", "DO", "PREPARE",
            ],
        ) {
            return;
        }
        let found = (1..tokens.len()).find(|index| {
            let second = match tokens.text(*index).len() {
                4 if tokens.is_word(*index, "DROP") => tokens.is_any(
                    index + 1,
                    &["TABLE", "DATABASE", "SCHEMA", "USER", "LOGIN", "ROLE"],
                ),
                6 if tokens.is_word(*index, "DELETE") => tokens.is_word(index + 1, "FROM"),
                8 if tokens.is_word(*index, "TRUNCATE") => tokens.is_word(index + 1, "TABLE"),
                _ => false,
            };
            second && !tokens.is_any(index - 1, OPENERS) && !tokens.is_op(index - 1, b'.')
        });
        if let Some(found) = found
            && self.depth < MAX_DEPTH
        {
            let certain = self.certain;
            self.certain &= !tokens.is_any(0, &["IF", "WHILE"]);
            self.depth += 1;
            self.statement(tokens.from(found));
            self.depth -= 1;
            self.certain = certain;
        }
    }

    fn other(&mut self, word: &str, tokens: Tokens<'_>, span: ByteSpan) {
        match word {
            "IF" | "WHILE" | "FOR" | "FOREACH" | "ELSIF" | "ELSEIF" | "REPEAT" | "BEGIN"
            | "CASE" | "WHEN" | "EXCEPTION" => {
                self.nested(tokens);
            }
            "ATTACH" => {
                let at = if tokens.is_word(1, "DATABASE") { 2 } else { 1 };
                if let Some((file, _)) = tokens.string(at) {
                    self.path(ActionKind::DbWrite, file, &["file"], span);
                }
            }
            "VACUUM" if tokens.find(1, &["INTO"]).is_some() => {
                self.file_after(tokens, "INTO", span)
            }
            "PRAGMA" if tokens.is_word(1, "writable_schema") => {
                self.act(
                    ActionKind::DbAlter,
                    Some("writable_schema"),
                    &["schema"],
                    span,
                );
            }
            "BACKUP" => {
                self.act(
                    ActionKind::DbRead,
                    tokens.name(2),
                    &["database", "file"],
                    span,
                );
                self.file_after(tokens, "DISK", span);
            }
            "RESTORE" => self.act(
                ActionKind::DbWrite,
                tokens.name(2),
                &["database", "file"],
                span,
            ),
            "SHUTDOWN" => self.act(
                ActionKind::SystemService,
                Some("database server"),
                &[],
                span,
            ),
            "KILL" => self.act(ActionKind::ProcessKill, Some("database session"), &[], span),
            "RENAME" | "UNDROP" | "EXCHANGE" => {
                self.act(ActionKind::DbAlter, tokens.name(2), &[], span);
            }
            "PURGE" => self.act(ActionKind::SystemLog, Some("binary logs"), &[], span),
            "RESET" if tokens.is_any(1, &["MASTER", "BINARY", "REPLICA", "SLAVE"]) => {
                self.act(ActionKind::SystemLog, Some("binary logs"), &[], span);
            }
            "SET"
                if tokens.is_any(1, &["GLOBAL", "PERSIST", "PERSIST_ONLY"])
                    || tokens.text(1) == "@@global" =>
            {
                self.act(ActionKind::DbAlter, tokens.name(2), &[], span);
            }
            "SET" if tokens.is_word(1, "PASSWORD") => {
                self.act(ActionKind::DbAlter, None, &["user"], span);
            }
            "INSTALL" | "UNINSTALL" => {
                self.act(ActionKind::DbAlter, tokens.name(2), &["exec"], span)
            }
            "REASSIGN" | "SECURITY" => self.act(ActionKind::DbAlter, None, &["user"], span),
            "SYSTEM" => self.act(ActionKind::DbAlter, tokens.name(1), &[], span),
            "RECONFIGURE" => self.act(ActionKind::DbAlter, Some("server settings"), &[], span),
            "PUT" | "REMOVE" | "RM" => self.act(ActionKind::DbWrite, None, &["file"], span),
            "MATCH" | "OPTIONAL" | "UNWIND" => self.graph(tokens, span),
            "PRAGMA" | "DBCC" | "GET" => {}
            word if SESSION.contains(&word) => self.nested_after(tokens),
            "" => {}
            word => {
                // The rest of a declaration or a branch: only what it runs matters.
                let before = self.effects.len();
                self.nested(tokens);
                let assigns =
                    tokens.is_op(1, b':') || tokens.is_op(1, b'=') || tokens.is_op(1, b'.');
                let declared = self.depth > 0 && before == self.effects.len();
                if before == self.effects.len() && !assigns && !declared {
                    self.unknown(&format!("the statement `{word}` is not known"), span);
                }
            }
        }
    }

    /// Cypher: `MATCH (n) DETACH DELETE n`.
    fn graph(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        if tokens.find(0, &["DELETE"]).is_some() {
            let attributes: &[&'static str] = if tokens.find(0, &["WHERE"]).is_some() {
                &[]
            } else {
                &["no_where"]
            };
            self.act(ActionKind::DbDelete, None, attributes, span);
        } else if tokens
            .find(0, &["SET", "CREATE", "MERGE", "REMOVE"])
            .is_some()
        {
            self.act(ActionKind::DbWrite, None, &[], span);
        } else {
            self.act(ActionKind::DbRead, None, &[], span);
        }
    }

    fn explain(&mut self, tokens: Tokens<'_>) {
        let mut index = 1;
        let mut runs = false;
        if tokens.is_op(1, b'(') {
            let close = tokens.closing(1).unwrap_or(1);
            runs = (1..close).any(|inner| {
                tokens.is_word(inner, "ANALYZE") && !tokens.is_any(inner + 1, &["FALSE", "OFF"])
            });
            index = close + 1;
        }
        while tokens.is_any(
            index,
            &[
                "ANALYZE", "VERBOSE", "QUERY", "PLAN", "FORMAT", "EXTENDED", "FOR",
            ],
        ) {
            runs |= tokens.is_word(index, "ANALYZE");
            index += 1;
        }
        if runs {
            self.depth += 1;
            self.statement(tokens.from(index));
            self.depth -= 1;
        }
    }

    fn with(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        // Every parenthesis that opens a changing statement is one; nested ones are found by the same walk.
        let mut main = None;
        let mut depth = 0usize;
        let mut inner = 0;
        for index in 1..tokens.len() {
            if tokens.is_op(index, b'(') {
                depth += 1;
                if tokens.is_any(index + 1, &["DELETE", "UPDATE", "INSERT", "MERGE"]) {
                    inner += 1;
                    if inner > MAX_INNER_STATEMENTS {
                        self.unknown(crate::actions::code::LIMIT_REASON, span);
                        return;
                    }
                    let close = tokens.closing(index).unwrap_or(tokens.len());
                    self.simple(tokens.range(index + 1, close));
                }
            } else if tokens.is_op(index, b')') {
                depth = depth.saturating_sub(1);
            } else if depth == 0
                && main.is_none()
                && tokens.is_any(
                    index,
                    &[
                        "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "TABLE", "VALUES",
                    ],
                )
            {
                main = Some(index);
            }
        }
        match main {
            Some(main) if tokens.is_any(main, &["SELECT", "TABLE", "VALUES"]) => {
                self.select(tokens.from(main), span)
            }
            Some(main) => self.simple(tokens.from(main)),
            None => {}
        }
    }

    fn simple(&mut self, tokens: Tokens<'_>) {
        let Some(span) = tokens.span() else {
            return;
        };
        match tokens.text(0).to_ascii_uppercase().as_str() {
            "DELETE" => self.delete(tokens, span),
            "UPDATE" => self.update(tokens, span),
            "MERGE" => self.merge(tokens, span),
            _ => self.insert(tokens, span),
        }
    }
}
