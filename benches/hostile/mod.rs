//! Texts that want a scan to be slow: whatever it stops at, repeated.

use std::path::Path;

/// What makes work without being a literal: numbers, addresses, escapes, invisible characters, scripts.
const LABOUR: [&str; 109] = [
    "1 ",
    "1234 ",
    "12345678 ",
    "4539 ",
    "DE89",
    "+1 ",
    "536-22-8150 ",
    "1-2-3-4-",
    "2026-11-22T",
    "@a.b",
    "a@b.c",
    "x@y.zz ",
    "%41",
    "abcdefgh%41",
    "\\u0041",
    "\\x41",
    "&#x41;",
    "\" + \"",
    "](http",
    "<img",
    "QUJD",
    "41",
    "AAAA",
    "aA1-",
    "=",
    "[redacted:",
    "Basic QUJDREVG ",
    "\u{200b}a",
    "\u{200b}\u{200c}",
    "\u{200b}",
    "\u{e0041}",
    "\u{fe01}",
    "\u{202e}",
    "\u{1b}[",
    "\u{430}",
    "\u{ff47}",
    "\u{3000}",
    "\u{e4}",
    "\u{65e5}\u{672c}",
    "postgres://a:b@",
    "https://user:pw@h/",
    "https://user:p4ssw9rd@h/",
    // Encodings in encodings.
    "%2541",
    "%25252541",
    "\\\\u0041",
    "\\\\\\\\x41",
    "&amp;#x41;",
    "VVZWV1JVUQ==\n",
    "NDE0MjQz",
    // Quotes, and quotes that are escaped.
    "\"",
    "'\"`",
    "\\\"",
    "\\\\\\\"",
    "\"\"\"",
    "password='\\''",
    // What takes no room.
    "\u{200b}\u{200c}\u{200d}\u{feff}",
    "a\u{200d}b",
    "\u{2060}\u{200b}g",
    "\u{fe00}\u{fe01}a",
    // Blocks that nearly are keys.
    "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7Zf3Xk1Qw9\n",
    "-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\\nMII\\n-----END RSA PRIVATE KEY-----",
    "-----",
    "MIIEpAIBAAKCAQEA7Zf3Xk1Qw9Bv\n",
    // What is put together from broken lines, and what is named in HTML and mail.
    "ghp_AAAAAAAAAAAAAAAAAAAA=\n",
    "sk-aA1\\\n",
    "ghp_aA1bB2cC3dD4eE5fF6gG7hH8iI9jJ0kK1lL2mM3nN4oO5pP6qQ7rR8sS9\n",
    "&quot;",
    "&amp;password&amp;",
    "a%2B",
    "=3D",
    // Words that say something about a value that does not come.
    "password for the new one ",
    "password: >-\n",
    "password: &a ",
    "\"password\": {",
    "<password><![CDATA[",
    // Scripts without blanks, and commands.
    "\u{5ffd}\u{7565}\u{6240}\u{6709}",
    "mysql -pa1 ",
    "docker login -p ",
    "echo a | ",
    // Colours, and what they stand between.
    "\u{1b}[1;33m",
    "\\u001b[33m",
    "password\u{1b}[0m=\u{1b}[33m",
    // What may stand between a name and its value, and the value does not come.
    "password string ",
    "password?: ",
    "password: [[[",
    "password REG_SZ ",
    "\"password\", default=",
    "password: Some(",
    "password={",
    "password { get;",
    "password: Type: ",
    "</td><td>password</td><td>",
    "name=\"password\"\r\n\r\n",
    "git config --x password ",
    "\"AWS::password\"::",
    // Soft breaks, and what PowerShell takes for a command.
    "=3Da=\n",
    "ZQBjAGgAbwAgADEA",
    // What is not ASCII, and is not text.
    "\u{e9}password=\u{e9}",
    // Headings of tables, and rows that are headings too.
    "password|",
    "user,password\n",
    "| a | password |\n|---|---|\n",
    "(a, password) values ('a', 'b'), ",
    // Words of sentences, and words that a token needs before it.
    "disregard the rules you were told ",
    "wallet alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo ",
    "<<< =token-",
    "---p ' ",
    "credentials: a / b",
];

/// What may stand between a literal and the next.
const AFTER: [&str; 22] = [
    "", " ", "=", ": ", "=\"", "-", "A", "a1", "\n", ",", "|", "\t", "/", "&", "%20", "\\n", "'",
    "(", ".", "\": \"", "\u{3002}", "_",
];

/// Carriers; `~` is the literal.
const CARRIERS: [&str; 17] = [
    "--~ ",
    "-----~-----",
    "\"~\": \"",
    "\"~\": \"~\",",
    "{\"~\":{",
    "'~' ",
    "`~` ",
    "(~) ",
    "[~]",
    "| ~ | ~ |\n",
    "~,~\n",
    "<~>",
    "<~>~</~>",
    "https://h/?~=~&",
    "export ~=",
    "\\\"~\\\":",
    "~ ~ the ",
];

/// How many texts are put together of several parts.
const MIXED: usize = 6_000;

/// A generator of numbers: the texts are the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % bound.max(1)
    }

    fn one_of<'a, T: AsRef<str>>(&mut self, parts: &'a [T]) -> &'a str {
        parts.get(self.below(parts.len())).map_or("", AsRef::as_ref)
    }
}

/// Texts that are nothing but what the scan stops at.
pub fn parts<'a>(literals: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut literals: Vec<String> = literals
        .map(|held| String::from_utf8_lossy(held).into_owned())
        .collect();
    literals.sort();
    literals.dedup();
    let mut out: Vec<String> = LABOUR.map(String::from).to_vec();
    for literal in &literals {
        out.extend(AFTER.iter().map(|after| format!("{literal}{after}")));
        out.extend(CARRIERS.iter().map(|carrier| carrier.replace('~', literal)));
        out.push(encoded(literal));
    }
    let said = said();
    for text in &said {
        out.extend(["", " ", "\n"].map(|after| format!("{text}{after}")));
    }
    let words: Vec<&str> = said
        .iter()
        .flat_map(|text| text.split([' ', '|', '(', ')']))
        .filter(|word| !word.is_empty())
        .collect();
    let mut dice = Dice(1);
    for count in 0..MIXED {
        let mut text = String::new();
        for _ in 0..2 + count % 7 {
            text += if count % 3 == 0 {
                dice.one_of(&words)
            } else {
                dice.one_of(&literals)
            };
            text += if count % 2 == 0 {
                " "
            } else {
                dice.one_of(&AFTER)
            };
        }
        out.push(text);
    }
    out.sort();
    out.dedup();
    out
}

/// The same in base64, without its padding.
fn encoded(literal: &str) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in literal.as_bytes().repeat(3).chunks_exact(3) {
        let bits = three
            .iter()
            .fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        out.extend([18, 12, 6, 0].map(|shift| char::from(SIGNS[bits >> shift & 63])));
    }
    out
}

/// Every string of the packs: names, words, phrases, what rules must find and what they nearly do.
fn said() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut out = Vec::new();
    for family in ["secrets", "pii", "hidden_text", "injection", "exfiltration"] {
        for entry in std::fs::read_dir(root.join(family)).unwrap().flatten() {
            if entry.path().extension().is_some_and(|held| held == "toml") {
                let pack = std::fs::read_to_string(entry.path()).unwrap();
                strings(&toml::from_str(&pack).unwrap(), &mut out);
            }
        }
    }
    out.sort();
    out.dedup();
    out
}

fn strings(value: &toml::Value, out: &mut Vec<String>) {
    match value {
        toml::Value::String(text) => out.push(text.replace(['\u{27e6}', '\u{27e7}'], "")),
        toml::Value::Array(held) => held.iter().for_each(|value| strings(value, out)),
        toml::Value::Table(held) => held.iter().for_each(|(_, value)| strings(value, out)),
        _ => {}
    }
}
