//! Scanning of values: each string with its member's name, which often is what gives a secret away.

use super::{Finding, Scanner, redaction};
use crate::call::Surface;
use crate::json::{Value, pointer_push};

/// Longest string that is scanned together with its name; a longer one is a document of its own.
const LONGEST_NAMED: usize = 8 * 1_024;

pub(super) fn scan(scanner: &Scanner, value: &Value, surface: Surface) -> Vec<Finding> {
    let mut walk = Walk {
        scanner,
        surface,
        pointer: String::with_capacity(64),
        buffer: Vec::new(),
        out: Vec::new(),
    };
    walk.value(value, "");
    walk.out
}

struct Walk<'a> {
    scanner: &'a Scanner,
    surface: Surface,
    pointer: String,
    buffer: Vec<u8>,
    out: Vec<Finding>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, name: &str) {
        match value {
            Value::String(text) => self.string(text, name),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let length = self.pointer.len();
                    pointer_push(&mut self.pointer, &index.to_string());
                    // `["--password", "x"]`: an option names what follows.
                    let before = index
                        .checked_sub(1)
                        .and_then(|before| items[before].as_str());
                    let name = before.filter(|text| text.starts_with('-')).unwrap_or(name);
                    self.value(item, name);
                    self.pointer.truncate(length);
                }
            }
            Value::Object(members) => {
                // `{"name": "API_KEY", "value": "…"}`: the name is a value itself.
                let named = value.text("name").or_else(|| value.text("key"));
                for (name, member) in members {
                    let length = self.pointer.len();
                    pointer_push(&mut self.pointer, name);
                    self.pointer.push_str(redaction::NAME);
                    self.plain(name);
                    self.pointer
                        .truncate(self.pointer.len() - redaction::NAME.len());
                    let name = match named {
                        Some(named) if name == "value" => named,
                        _ => name,
                    };
                    self.value(member, name);
                    self.pointer.truncate(length);
                }
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
        }
    }

    fn plain(&mut self, text: &str) {
        let found = self
            .scanner
            .scan_at(text.as_bytes(), self.surface, 0, &self.pointer);
        self.out.extend(found);
    }

    fn string(&mut self, text: &str, name: &str) {
        if name.is_empty() || text.len() > LONGEST_NAMED || text.len() < 4 {
            self.plain(text);
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let name = name.trim_start_matches('-');
        let cut = name.char_indices().nth(64).map_or(name.len(), |(at, _)| at);
        buffer.extend_from_slice(&name.as_bytes()[..cut]);
        // Quoted like in JSON when the text allows it, so that the value ends where the string does.
        let quote = [b'"', b'\'', b'`']
            .into_iter()
            .find(|quote| !text.as_bytes().contains(quote));
        buffer.push(b'=');
        buffer.extend(quote);
        let from = buffer.len();
        buffer.extend_from_slice(text.as_bytes());
        let end = buffer.len();
        buffer.extend(quote);
        let found = self
            .scanner
            .scan_at(&buffer, self.surface, from, &self.pointer);
        self.out.extend(
            found
                .into_iter()
                .filter(|finding| finding.span.end() + from <= end),
        );
        self.buffer = buffer;
    }
}
