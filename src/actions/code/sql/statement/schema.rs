//! Statements about tables, roles and databases.

use super::Reader;
use crate::actions::code::sql::Tokens;
use crate::actions::kinds::ActionKind;
use crate::span::ByteSpan;

impl Reader {
    pub(super) fn drop(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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

    pub(super) fn alter(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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

    pub(super) fn create(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let mut index = 1;
        let mut temporary = false;
        let mut replaces = false;
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
            replaces |= tokens.is_word(index, "REPLACE");
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
            "DATABASE" => &["create", "database"],
            "SCHEMA" => &["create", "schema"],
            "TABLE" | "INDEX" | "SEQUENCE" | "VIEW" if !replaces => &["create"],
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

    pub(super) fn grant(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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
}
