//! One statement at a time: its kind, its target, its condition.

use super::Tokens;
use super::condition::truth;
use super::lex::{self, Backslash, Kind};
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

    fn select(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let table = tokens
            .find(0, &["FROM"])
            .and_then(|from| tokens.qualified(from + 1))
            .map(|(name, _)| name);
        if let Some(into) = tokens.find(0, &["INTO"]) {
            if tokens.is_any(into + 1, &["OUTFILE", "DUMPFILE"]) {
                if let Some((file, _)) = tokens.string(into + 2) {
                    self.path(ActionKind::DbWrite, file, &["file"], span);
                }
            } else if !tokens.is_op(into + 1, b'@') && !tokens.is_op(into + 1, b':') {
                let at = if tokens.is_any(into + 1, &["TABLE", "TEMP", "TEMPORARY", "UNLOGGED"]) {
                    into + 2
                } else {
                    into + 1
                };
                if let Some((name, _)) = tokens.qualified(at) {
                    if at > into + 1 && !tokens.is_any(into + 1, &["TABLE", "UNLOGGED"]) {
                        self.own.push(name.to_ascii_lowercase());
                    }
                    self.act(ActionKind::DbWrite, Some(&name), &[], span);
                }
            }
        }
        if self.depth == 0 || table.is_some() {
            self.act(ActionKind::DbRead, table.as_deref(), &[], span);
        }
    }

    fn insert(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let after = tokens
            .find(0, &["INTO", "TABLE", "DIRECTORY"])
            .unwrap_or_else(|| {
                let mut index = 0;
                while tokens.is_any(
                    index + 1,
                    &[
                        "OR",
                        "IGNORE",
                        "LOW_PRIORITY",
                        "DELAYED",
                        "HIGH_PRIORITY",
                        "REPLACE",
                        "ROLLBACK",
                        "ABORT",
                        "FAIL",
                        "OVERWRITE",
                    ],
                ) {
                    index += 1;
                }
                index
            });
        let table = tokens.qualified(after + 1).map(|(name, _)| name);
        self.act(ActionKind::DbWrite, table.as_deref(), &[], span);
    }

    fn update(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let mut index = 1;
        while tokens.is_any(
            index,
            &[
                "LOW_PRIORITY",
                "IGNORE",
                "ONLY",
                "OR",
                "REPLACE",
                "ABORT",
                "FAIL",
                "ROLLBACK",
                "TOP",
            ],
        ) || tokens.is_op(index, b'(')
        {
            index = if tokens.is_op(index, b'(') {
                tokens.closing(index).unwrap_or(index) + 1
            } else {
                index + 1
            };
        }
        let Some(set) = tokens.find(index, &["SET"]) else {
            if tokens.is_any(1, &["STATISTICS", "EXTENSIONS"]) {
                return;
            }
            self.unknown("an `UPDATE` that cannot be read", span);
            return;
        };
        let table = tokens.qualified(index).map(|(name, _)| name);
        let attributes = self.condition(tokens, set);
        self.act(ActionKind::DbWrite, table.as_deref(), &attributes, span);
    }

    fn delete(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let from = tokens.find(1, &["FROM"]);
        let mut index = from.map_or(1, |from| from + 1);
        while tokens.is_any(index, &["ONLY", "LOW_PRIORITY", "QUICK", "IGNORE"]) {
            index += 1;
        }
        let table = tokens.qualified(index).map(|(name, _)| name);
        if table.as_ref().is_some_and(|name| self.is_own(name)) {
            return;
        }
        let attributes = self.condition(tokens, index);
        self.act(ActionKind::DbDelete, table.as_deref(), &attributes, span);
    }

    /// `no_where`, `tautology` or neither, for what follows `from`.
    fn condition(&self, tokens: Tokens<'_>, from: usize) -> Vec<&'static str> {
        let Some(begin) = tokens.find(from, &["WHERE"]) else {
            // A join restricts rows as a condition does.
            let joined = tokens.find(from, &["JOIN", "USING"]).is_some();
            return if joined { Vec::new() } else { vec!["no_where"] };
        };
        let end = tokens
            .find(
                begin,
                &["ORDER", "LIMIT", "RETURNING", "OPTION", "GROUP", "ON"],
            )
            .unwrap_or(tokens.len());
        match truth(tokens.range(begin + 1, end), 0) {
            Some(true) => vec!["tautology"],
            _ => Vec::new(),
        }
    }

    fn is_own(&self, name: &str) -> bool {
        name.starts_with('#') || self.own.contains(&name.to_ascii_lowercase())
    }

    fn truncate(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let mut index = 1;
        while tokens.is_any(
            index,
            &["TABLE", "ONLY", "IF", "EXISTS", "DATABASE", "PARTITION"],
        ) {
            index += 1;
        }
        let attributes: &[&'static str] = if tokens.is_word(1, "DATABASE") {
            &["database"]
        } else {
            &[]
        };
        self.each_name(tokens, index, ActionKind::DbDrop, attributes, span);
    }

    /// One action for each name of a comma-separated list.
    fn each_name(
        &mut self,
        tokens: Tokens<'_>,
        mut index: usize,
        kind: ActionKind,
        attributes: &[&'static str],
        span: ByteSpan,
    ) {
        let mut any = false;
        while let Some((name, after)) = tokens.qualified(index) {
            any = true;
            if !self.is_own(&name) {
                self.act(kind, Some(&name), attributes, span);
            } else if tokens.is_word(0, "DROP") {
                // A second `DROP` of that name reaches the table that the temporary one hid.
                self.own.retain(|own| !own.eq_ignore_ascii_case(&name));
            }
            if !tokens.is_op(after, b',') {
                break;
            }
            index = after + 1;
        }
        if !any {
            self.act(kind, None, attributes, span);
        }
    }

    fn merge(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let table_at = if tokens.is_word(1, "INTO") { 2 } else { 1 };
        let table = tokens.qualified(table_at).map(|(name, _)| name);
        self.act(ActionKind::DbWrite, table.as_deref(), &[], span);
        if tokens.find(table_at, &["DELETE"]).is_some() {
            self.act(ActionKind::DbDelete, table.as_deref(), &[], span);
        }
    }

    fn drop(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let mut object = 1;
        while tokens.is_any(
            object,
            &[
                "TEMPORARY",
                "TEMP",
                "MATERIALIZED",
                "FOREIGN",
                "EXTERNAL",
                "ICEBERG",
                "RETENTION",
                "CACHED",
                "TRANSIENT",
            ],
        ) {
            object += 1;
        }
        let mut index = object + 1;
        if tokens.is_word(index, "IF") {
            index += 2;
        }
        let foreign = object > 1 && tokens.is_word(object - 1, "MATERIALIZED");
        let word = tokens.text(object).to_ascii_uppercase();
        let (kind, attributes): (_, &[&'static str]) = match word.as_str() {
            "DATABASE" | "KEYSPACE" | "CATALOG" | "WAREHOUSE" => {
                (ActionKind::DbDrop, &["database"])
            }
            "SCHEMA" => (ActionKind::DbDrop, &["schema"]),
            "USER" | "ROLE" | "LOGIN" | "OWNED" => (ActionKind::DbDrop, &["user"]),
            "TABLE" | "TABLES" | "TABLESPACE" | "COLLECTION" | "MEASUREMENT" | "SERIES"
            | "STREAM" | "STAGE" | "BUCKET" | "SHARD" => (ActionKind::DbDrop, &[]),
            _ if foreign => (ActionKind::DbAlter, &[]),
            "" => {
                self.unknown("a `DROP` of nothing", span);
                return;
            }
            _ => (ActionKind::DbAlter, &[]),
        };
        if word == "OWNED" && tokens.is_word(index, "BY") {
            index += 1;
        }
        self.each_name(tokens, index, kind, attributes, span);
    }

    fn alter(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let word = tokens.text(1).to_ascii_uppercase();
        let mut index = 2;
        while tokens.is_any(index, &["IF", "EXISTS", "ONLY"]) {
            index += 1;
        }
        let name = tokens.qualified(index).map(|(name, _)| name);
        let mut attributes = match word.as_str() {
            "USER" | "ROLE" | "LOGIN" | "DEFAULT" | "AUTHORIZATION" => vec!["user"],
            "DATABASE" => vec!["database"],
            "SCHEMA" => vec!["schema"],
            _ => Vec::new(),
        };
        let commands = [
            "archive_command",
            "restore_command",
            "ssl_passphrase_command",
            "session_preload_libraries",
            "shared_preload_libraries",
        ];
        if word == "SYSTEM" && (0..tokens.len()).any(|at| tokens.is_any(at, &commands)) {
            attributes.push("exec");
            if let Some(value) = (0..tokens.len()).find_map(|at| tokens.string(at)) {
                self.shell(value.0, value.1, span);
            }
        }
        if word == "TABLE" {
            if let Some(at) = tokens.find(index, &["DROP", "DELETE", "TRUNCATE"])
                && !tokens.is_any(
                    at + 1,
                    &[
                        "CONSTRAINT",
                        "INDEX",
                        "KEY",
                        "PRIMARY",
                        "FOREIGN",
                        "DEFAULT",
                        "CHECK",
                        "NOT",
                        "EXPRESSION",
                        "IDENTITY",
                    ],
                )
                && !tokens.is_any(at.saturating_sub(1), &["ON"])
                && tokens
                    .find(index, &["ALTER"])
                    .is_none_or(|inner| inner >= at)
            {
                if tokens.is_word(at, "DELETE") {
                    let attributes = self.condition(tokens, at);
                    self.act(ActionKind::DbDelete, name.as_deref(), &attributes, span);
                } else {
                    self.act(ActionKind::DbDrop, name.as_deref(), &["schema"], span);
                }
                return;
            }
            if tokens.find(index, &["DISABLE"]).is_some() {
                attributes.push("user");
            }
        }
        self.act(ActionKind::DbAlter, name.as_deref(), &attributes, span);
    }

    fn create(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let mut index = 1;
        let mut temporary = false;
        while tokens.is_any(
            index,
            &[
                "OR",
                "REPLACE",
                "TEMP",
                "TEMPORARY",
                "LOCAL",
                "GLOBAL",
                "UNLOGGED",
                "UNIQUE",
                "MATERIALIZED",
                "EXTERNAL",
                "VIRTUAL",
                "FOREIGN",
                "TRUSTED",
                "AGGREGATE",
                "DEFINER",
                "EVENT",
            ],
        ) {
            temporary |= tokens.is_any(index, &["TEMP", "TEMPORARY"]);
            index += 1;
            if tokens.is_op(index, b'=') {
                index += 2;
            }
        }
        let word = tokens.text(index).to_ascii_uppercase();
        let mut at = index + 1;
        if tokens.is_word(at, "IF") {
            at += 3;
        }
        let name = tokens.qualified(at).map(|(name, _)| name);
        // Only what ends with the session is this text's own: a plain `CREATE` may fail on a table that is there.
        let own = temporary || name.as_ref().is_some_and(|name| name.starts_with('#'));
        if word == "TABLE" && own {
            self.own.extend(name.map(|name| name.to_ascii_lowercase()));
            return;
        }
        let languages = [
            "C",
            "plpythonu",
            "plpython3u",
            "plperlu",
            "pltclu",
            "plsh",
            "JAVA",
            "plv8u",
        ];
        let language = tokens.find(at, &["LANGUAGE"]).is_some_and(|found| {
            tokens.is_any(found + 1, &languages)
                || tokens.string(found + 1).is_some_and(|(name, _)| {
                    languages
                        .iter()
                        .any(|known| known.eq_ignore_ascii_case(name))
                })
        });
        let library = tokens.find(at, &["SONAME"]).is_some();
        let attributes: &[&'static str] = match word.as_str() {
            "USER" | "ROLE" | "LOGIN" => &["user"],
            "DATABASE" => &["database"],
            "SCHEMA" => &["schema"],
            "EXTENSION"
                if name.as_ref().is_some_and(|name| {
                    languages
                        .iter()
                        .any(|known| known.eq_ignore_ascii_case(name))
                        || name.eq_ignore_ascii_case("file_fdw")
                        || name.eq_ignore_ascii_case("dblink")
                }) =>
            {
                &["exec"]
            }
            "FUNCTION" | "PROCEDURE" | "ASSEMBLY" | "LANGUAGE"
                if language || library || word == "ASSEMBLY" =>
            {
                &["exec"]
            }
            _ => &[],
        };
        self.act(ActionKind::DbAlter, name.as_deref(), attributes, span);
        if matches!(
            word.as_str(),
            "FUNCTION" | "PROCEDURE" | "PROC" | "TRIGGER" | "RULE" | "EVENT" | "PACKAGE" | "TASK"
        ) {
            self.body(tokens, span, false);
        }
    }

    fn grant(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let to = tokens.find(1, &["TO", "FROM"]);
        let mut attributes = vec!["user"];
        let all = tokens.is_word(1, "ALL")
            || (1..tokens.len())
                .any(|index| tokens.is_op(index, b'*') && tokens.is_op(index + 1, b'.'))
            || tokens
                .find(1, &["SUPERUSER", "sysadmin", "DBA"])
                .is_some_and(|found| to.is_none_or(|to| found < to));
        if all {
            attributes.push("all");
        }
        let who = to
            .and_then(|to| tokens.qualified(to + 1))
            .map(|(name, _)| name);
        self.act(ActionKind::DbAlter, who.as_deref(), &attributes, span);
    }

    fn copy(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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

    fn load(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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

    fn file_after(&mut self, tokens: Tokens<'_>, word: &str, span: ByteSpan) {
        let at = (0..tokens.len()).find(|index| tokens.is_word(*index, word));
        if let Some((file, _)) =
            at.and_then(|at| (at + 1..tokens.len()).find_map(|index| tokens.string(index)))
        {
            self.path(ActionKind::DbWrite, file, &["file"], span);
        }
    }

    fn execute(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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

    fn prepare(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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
    fn body(&mut self, tokens: Tokens<'_>, span: ByteSpan, runs: bool) {
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
    fn nested(&mut self, tokens: Tokens<'_>) {
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
    fn nested_after(&mut self, tokens: Tokens<'_>) {
        if tokens.len() > 2 {
            self.nested(tokens);
        }
    }

    /// Functions that reach out of the database, wherever they stand.
    fn functions(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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
