//! What programs print that stands among their words: formats of `date` and `find`, string literals of `jq`. They may
//! print more, but a file that holds it holds this.

use super::{Engine, Situation};
use crate::actions::line::{Line, Truth};
use crate::actions::word::{Data, FlowText, Word};
use crate::shell;
use crate::shell::command::Value;

/// How many bytes are looked at.
const MOST: usize = 64 * 1024;

/// How many string literals of a program are told apart.
const MOST_STRINGS: usize = 64;

impl Engine<'_> {
    /// Adds the text among the words of a command that it prints to its output.
    pub(super) fn prints(&self, line: &Line<'_>, output: &mut Data, here: &Situation) {
        let entry = line.entry;
        if entry.prints.is_none() && entry.prints_strings.is_none()
            // What is decoded is another text.
            || output.decoded
            || line.all(&entry.prints_when) == Truth::No
        {
            return;
        }
        let mut texts = Vec::new();
        if let Some(selector) = &entry.prints {
            let words = line.select(selector);
            texts.extend(words.iter().filter_map(Word::exact).map(plain));
        }
        if let Some(selector) = &entry.prints_strings {
            for word in line.select(selector) {
                texts.extend(word.exact().map_or_else(Vec::new, strings));
            }
        }
        texts.retain(|text| !text.trim().is_empty());
        let text = texts.join("\n");
        if !text.is_empty() && text.len() <= MOST {
            let mut printed = Data::opaque();
            printed.printed = Some(Box::new(FlowText {
                value: Value::Exact(text),
                origin: here.origin.clone(),
            }));
            output.merge(&printed);
        }
    }
}

/// Says what a command prints that does nothing else, when nobody asked the shell for it: `timeout 5 echo TEXT`.
pub(super) fn shows(words: &[Word], output: &mut Data, here: &Situation) {
    if output.text.is_some() {
        return;
    }
    let values: Vec<&Value> = words.iter().map(|word| &word.value).collect();
    let (value, made) = match shell::printed(&values) {
        Some(value @ Value::Exact(_)) => (value, false),
        // What is known of it; there is more.
        Some(Value::Prefix(text, _)) => (Value::Exact(text), true),
        Some(_) => {
            output.made = true;
            return;
        }
        None => return,
    };
    let text = Box::new(FlowText {
        value,
        origin: here.origin.clone(),
    });
    output.some = true;
    output.made = made;
    if made {
        output.printed = Some(text);
    } else {
        output.text = Some(text);
    }
}

/// A format, with line ends where it writes them; `+` only says that it is one.
fn plain(text: &str) -> String {
    let text = text.strip_prefix('+').unwrap_or(text);
    text.replace("\\n", "\n").replace("\\t", "\t")
}

/// The string literals of a program: those that are added to one another as one, and where they are joined all of them in a
/// line as well. Where a program has none, texts in brackets are (`dc`).
fn strings(program: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if program.len() > MOST {
        return found;
    }
    let mut rest = program;
    while let Some(at) = rest.find('"') {
        let adds = !found.is_empty() && rest[..at].trim() == "+";
        let (text, length) = literal(&rest[at + 1..]);
        rest = rest.get(at + 1 + length..).unwrap_or_default();
        if adds && let Some(last) = found.last_mut() {
            last.push_str(&text);
        } else if found.len() < MOST_STRINGS {
            found.push(text);
        } else {
            break;
        }
    }
    if found.is_empty() {
        let brackets = program.split('[').skip(1);
        let inside = brackets.filter_map(|text| Some(text.split_once(']')?.0));
        let texts = inside.filter(|text| text.contains(' ')).take(MOST_STRINGS);
        return texts.map(str::to_owned).collect();
    }
    if found.len() > 1 && program.contains("join(") {
        found.push(found.join(" "));
    }
    found
}

/// A string literal behind its quotation mark, with its length; what is put into it is left out.
fn literal(text: &str) -> (String, usize) {
    let mut result = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (result, at + 1),
            '\\' => match characters.next() {
                Some((_, 'n')) => result.push('\n'),
                Some((_, 't')) => result.push('\t'),
                Some((_, 'r')) => result.push('\r'),
                Some((from, 'u')) => {
                    let digits = text.get(from + 1..from + 5).unwrap_or_default();
                    let code = u32::from_str_radix(digits, 16).ok();
                    if let Some(character) = code.and_then(char::from_u32) {
                        result.push(character);
                        // The digits are read.
                        characters.nth(3);
                    }
                }
                Some((_, '(')) => {
                    let mut depth = 1_usize;
                    for (_, character) in characters.by_ref() {
                        match character {
                            '(' => depth += 1,
                            ')' => depth -= 1,
                            _ => {}
                        }
                        if depth == 0 {
                            break;
                        }
                    }
                }
                Some((_, other)) => result.push(other),
                None => {}
            },
            other => result.push(other),
        }
    }
    (result, text.len())
}

#[cfg(test)]
mod tests {
    use super::strings;

    #[test]
    fn literals_are_told_with_what_they_are_added_to() {
        assert_eq!(strings(r#""a b""#), ["a b"]);
        assert_eq!(strings(r#""a" + " b" , "c""#), ["a b", "c"]);
        assert_eq!(strings(r#"["a","b"]|join(" ")"#), ["a", "b", " ", "a b  "]);
        assert_eq!(strings(r#""a \(.x | f("y")) b\u0063\n""#), ["a  bc\n"]);
        assert_eq!(strings("[a b]p"), ["a b"]);
        assert_eq!(strings(".a[0]"), Vec::<String>::new());
        assert_eq!(strings("\"open"), ["open"]);
    }
}
