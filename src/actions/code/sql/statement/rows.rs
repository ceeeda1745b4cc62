//! Statements about rows.

use super::Reader;
use crate::actions::code::sql::Tokens;
use crate::actions::code::sql::condition::truth;
use crate::actions::kinds::ActionKind;
use crate::span::ByteSpan;

impl Reader {
    pub(super) fn select(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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

    pub(super) fn insert(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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

    pub(super) fn update(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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

    pub(super) fn delete(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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
    pub(super) fn condition(&self, tokens: Tokens<'_>, from: usize) -> Vec<&'static str> {
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

    pub(super) fn truncate(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
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
    pub(super) fn each_name(
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

    pub(super) fn merge(&mut self, tokens: Tokens<'_>, span: ByteSpan) {
        let table_at = if tokens.is_word(1, "INTO") { 2 } else { 1 };
        let table = tokens.qualified(table_at).map(|(name, _)| name);
        self.act(ActionKind::DbWrite, table.as_deref(), &[], span);
        if tokens.find(table_at, &["DELETE"]).is_some() {
            self.act(ActionKind::DbDelete, table.as_deref(), &[], span);
        }
    }
}
