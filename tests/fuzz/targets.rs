//! What must hold for any bytes. Each target states its property; none may panic.

use std::rc::Rc;

use armorer_guard_core::actions::code::{Language, analyse};
use armorer_guard_core::actions::url;
use armorer_guard_core::call::{Call, Caller, Context, Surface};
use armorer_guard_core::guard::{Guard, Options};
use armorer_guard_core::json::{self, Value};
use armorer_guard_core::scan::NoTags;
use armorer_guard_core::shell::command::{Scope, Start};
use armorer_guard_core::wire::{self, Origin};
use armorer_guard_core::{builtin, record, scan as scanning, shell as shells};

/// Any text is parsed, and every span lies inside it.
pub fn shell(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let resolution = shells::resolve(
        &text,
        &Start {
            cwd: Some(String::from("/work/project")),
            home: Some(String::from("/home/user")),
            user: Some(String::from("user")),
            scope: Rc::new(Scope::default()),
            workspace: Some(String::from("/work/project")),
            usual: Some(builtin::catalogue().usual()),
        },
    );
    for command in &resolution.commands {
        assert!(command.span.end() <= text.len());
        for word in &command.words {
            assert!(word.span.end() <= text.len());
            assert!(
                word.from
                    .iter()
                    .all(|index| *index < resolution.commands.len())
            );
        }
    }
    for unresolved in &resolution.unresolved {
        assert!(unresolved.span.end() <= text.len());
    }
}

/// Any text is code of any language, and what is told of it stands in it.
pub fn code(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (_, language) = Language::ALL[data.len() % Language::ALL.len()];
    for effect in analyse(language, &text) {
        assert!(effect.span.end() <= text.len());
    }
}

/// Any text is a URL of some kind, and the same text always of the same.
pub fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let once = format!("{:?}", url::classify(&text));
    assert_eq!(once, format!("{:?}", url::classify(&text)));
}

/// Findings lie inside the text; redaction changes their spans and nothing else, a second time nothing at all, leaves no
/// planted secret, and keeps JSON what it was.
pub fn scan(data: &[u8]) {
    redacts_exactly(data);
    // A token that verifies, in two pieces here so that no scanner takes this file for a leak.
    let token = format!("{}{}", "gh", "o_16C7e42F292c6912E7710c838347Ae4H2Y7G");
    let middle = data.len() / 2;
    let planted = [
        &data[..middle],
        b" ",
        token.as_bytes(),
        b"\n",
        &data[middle..],
    ]
    .concat();
    let redacted = redacts_exactly(&planted);
    assert!(memchr::memmem::find(&redacted, token.as_bytes()).is_none());
    if let Ok(value) = json::parse(data) {
        let text = json::canonical(&value);
        let back = json::parse(&redacts_exactly(&text)).expect("still JSON");
        // A float without a fraction is written as an integer.
        let value = json::parse(&text).expect("canonical");
        assert_eq!(structure(&back), structure(&value));
    }
}

fn redacts_exactly(data: &[u8]) -> Vec<u8> {
    let scanner = builtin::scanner();
    let findings = scanner.scan(data, Surface::ToolResult);
    for finding in &findings {
        assert!(finding.span.end() <= data.len());
    }
    let (once, marks) = scanning::redact(data, &findings, &NoTags);
    // Every mark taken out again and the old bytes put back gives the text.
    let (mut from, mut at) = (0, 0);
    for mark in &marks {
        let kept = mark.span.start() - from;
        assert_eq!(once[at..at + kept], data[from..mark.span.start()]);
        at += kept;
        let brackets = usize::from(once[at] == b'[');
        assert!(once[at + brackets..].starts_with(b"redacted:"));
        at += b"redacted:".len() + mark.class.len() + 2 * brackets;
        from = mark.span.end();
    }
    assert_eq!(once[at..], data[from..]);
    let again = scanner.scan(&once, Surface::ToolResult);
    let (twice, _) = scanning::redact(&once, &again, &NoTags);
    assert_eq!(
        String::from_utf8_lossy(&once),
        String::from_utf8_lossy(&twice)
    );
    once
}

/// Lengths and kinds, without the strings and their names.
fn structure(value: &Value) -> String {
    let all = |each: Vec<String>| each.join(",");
    match value {
        Value::String(_) => String::from("s"),
        Value::Array(items) => format!("[{}]", all(items.iter().map(structure).collect())),
        Value::Object(members) => format!(
            "{{{}}}",
            all(members
                .iter()
                .map(|(_, member)| structure(member))
                .collect())
        ),
        other => format!("{other:?}"),
    }
}

fn origin() -> Origin {
    Origin {
        context: Context::default(),
        caller: Caller::default(),
        surface: Surface::ToolResult,
    }
}

/// Any bytes are a hook event, a request, or an error; and a value that was read has canonical bytes that read back.
pub fn hook(data: &[u8]) {
    let contract = builtin::runtime("claude-code").expect("the contract ships");
    let Ok((value, _)) = json::parse_repaired(data) else {
        assert!(wire::read(data, &origin()).is_err());
        return;
    };
    let bytes = json::canonical(&value);
    assert_eq!(json::canonical(&json::parse(&bytes).unwrap()), bytes);
    if let Err(refused) = wire::read(data, &origin()) {
        assert!(!refused.message.is_empty());
    }
    if let Err(refused) = contract.read(value) {
        assert!(!refused.error.message.is_empty());
    }
}

/// Any bytes are a log, a torn log, or an error.
pub fn record(data: &[u8]) {
    assert!(record::fuzz_read(data), "the reader went past the input");
}

/// The whole line: any command is understood, judged and answered, and what is kept can be read back.
pub fn line(data: &[u8]) {
    let command = String::from_utf8_lossy(data).into_owned();
    let length = command.len();
    let args = vec![(String::from("command"), Value::String(command))];
    judged("Bash", args, length);
}

/// The same of any text that is written to a file which something runs.
pub fn files(data: &[u8]) {
    const NAMES: [&str; 10] = [
        "a.sh",
        "Makefile",
        "Dockerfile",
        ".github/workflows/a.yml",
        "package.json",
        "tasks.json",
        "a.service",
        "crontab",
        "a.ipynb",
        "justfile",
    ];
    let text = String::from_utf8_lossy(data).into_owned();
    let name = NAMES[data.len() % NAMES.len()].to_owned();
    let length = text.len().max(name.len());
    let args = vec![
        (String::from("file_path"), Value::String(name)),
        (String::from("content"), Value::String(text)),
    ];
    judged("Write", args, length);
}

fn judged(tool: &str, args: Vec<(String, Value)>, length: usize) {
    thread_local! {
        static GUARD: Guard = Guard::open(&Options::default());
    }
    let decision = GUARD.with(|guard| {
        guard.check(Call {
            tool: tool.to_owned(),
            args: Value::Object(args),
            pin: None,
            definition: None,
            context: Context {
                cwd: Some(String::from("/work/project")),
                workspace: Some(String::from("/work/project")),
                home: Some(String::from("/home/user")),
                ..Context::default()
            },
            caller: Caller {
                runtime: String::from("fuzz"),
                ..Caller::default()
            },
        })
    });
    for action in &decision.facts.actions {
        assert!(action.span.is_none_or(|span| span.end() <= length));
    }
    assert!(
        !decision.verdict.determining.is_empty(),
        "every decision says why"
    );
}
