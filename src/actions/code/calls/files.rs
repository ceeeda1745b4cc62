//! Functions that open files.

use crate::actions::code::Language;
use crate::actions::code::value::{Kind, Origin, Val};
use crate::actions::code::walk::{Args, Walker};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

impl Walker<'_> {
    pub(super) fn open(
        &mut self,
        name: &str,
        this: Option<Val>,
        path: usize,
        mode: usize,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Val {
        let path = match this {
            Some(this) if path == 9 => this,
            _ => args
                .pos
                .get(path)
                .or_else(|| args.option(&["file", "path", "filename", "description"]))
                .cloned()
                .unwrap_or_else(|| Val::opaque("argument")),
        };
        let mode = args
            .pos
            .get(mode)
            .or_else(|| args.option(&["mode", "flags", "open"]));
        if is_address(&path) && !path.exact().is_some_and(|path| path.starts_with("php://")) {
            return self.request(name, Some(&path), None, false, args, span);
        }
        if let Some(filter) = path.exact().filter(|path| path.starts_with("php://")) {
            let inner = filter
                .rsplit("resource=")
                .next()
                .filter(|_| filter.contains("resource="))
                .map(Val::text);
            if let Some(inner) = inner {
                self.path_act(ActionKind::FsRead, Some(&inner), vec![], span);
            }
            return Val::opaque("");
        }
        if matches!(path.kind, Kind::Number(_)) {
            return Val::opaque("");
        }
        let text = mode.and_then(Val::exact).unwrap_or("");
        let unknown_mode = mode.is_some_and(|mode| mode.exact().is_none())
            && matches!(name, "os.open" | "sysopen" | "fs.openSync" | "fs.open");
        let read_only = mode
            .is_some_and(|mode| matches!(&mode.kind, Kind::Name(flag) if flag.ends_with("RDONLY")));
        let attributes = if text.contains('a') || text.contains(">>") {
            Some(vec!["append"])
        } else if text.contains('w') || text.contains('>') {
            Some(vec!["truncate"])
        } else if text.contains('x') {
            Some(vec!["create"])
        } else if text.contains('+') || (unknown_mode && !read_only) {
            Some(vec![])
        } else {
            None
        };
        match attributes {
            Some(attributes) => {
                self.path_act(ActionKind::FsWrite, Some(&path), attributes, span);
                self.opened = Some(path.clone());
                Val::object("file", vec![path])
            }
            None => {
                self.path_act(ActionKind::FsRead, Some(&path), vec![], span);
                let of = Origin::File(path.as_value());
                Val::object("file", vec![path]).from(of)
            }
        }
    }

    /// Perl's and Ruby's `open`, where a bar makes the file a program.
    pub(super) fn open_or_pipe(&mut self, args: &Args, span: Option<ByteSpan>) -> Val {
        let (mode, rest) = if self.language == Language::Ruby {
            (args.pos.first(), args.pos.get(1..).unwrap_or(&[]))
        } else {
            (args.pos.get(1), args.pos.get(2..).unwrap_or(&[]))
        };
        let Some(mode) = mode else {
            return Val::opaque("");
        };
        let text = mode.exact().unwrap_or("").trim();
        if self.language == Language::Perl && !rest.is_empty() {
            if text.starts_with("-|") || text.starts_with("|-") {
                let inner = Args {
                    pos: rest.to_vec(),
                    named: Vec::new(),
                };
                return self.shell_or_words(0, &inner, span);
            }
            if text.contains('&') {
                self.redirected |= !self.connections.is_empty();
                return Val::opaque("");
            }
            let inner = Args {
                pos: vec![rest[0].clone(), Val::text(text)],
                named: Vec::new(),
            };
            return self.open("open", None, 0, 1, &inner, span);
        }
        if let Some(command) = text.strip_prefix('|') {
            self.shell(Value::Exact(command.trim().to_owned()), None, span);
            return Val::opaque("");
        }
        if let Some(command) = text
            .strip_suffix('|')
            .filter(|_| self.language == Language::Perl)
        {
            self.shell(Value::Exact(command.trim().to_owned()), None, span);
            return Val::opaque("");
        }
        if let Kind::Text(Value::Prefix(begin, why), _) = &mode.kind
            && let Some(command) = begin.trim_start().strip_prefix('|')
        {
            self.shell(Value::Prefix(command.to_owned(), why.clone()), None, span);
            return Val::opaque("");
        }
        if self.language == Language::Ruby {
            return self.open("open", None, 0, 1, args, span);
        }
        if text.contains(">&") || text.contains("<&") {
            self.redirected |= !self.connections.is_empty();
            return Val::opaque("");
        }
        let file = text.trim_start_matches(['<', '>', '+', ' ']);
        let sign = &text[..text.len() - file.len()];
        let inner = if mode.exact().is_some() {
            Args {
                pos: vec![Val::text(file), Val::text(sign)],
                named: Vec::new(),
            }
        } else {
            // What is not known may begin with a sign or end with a bar.
            Args {
                pos: vec![mode.clone(), Val::text("+")],
                named: Vec::new(),
            }
        };
        self.open("open", None, 0, 1, &inner, span)
    }
}

pub(super) fn mode_attributes(value: &Val) -> Vec<&'static str> {
    let mut attributes = Vec::new();
    let mode = match &value.kind {
        Kind::Number(mode) => *mode,
        Kind::Text(Value::Exact(text), _) => {
            if text.contains("o+w") || text.contains("a+w") || text.contains("a=rwx") {
                attributes.push("world_writable");
            }
            if text.contains("+s") {
                attributes.push("setuid");
            }
            i64::from_str_radix(text, 8).unwrap_or(0)
        }
        _ => 0,
    };
    if mode & 0o002 != 0 && mode <= 0o7777 {
        attributes.push("world_writable");
    }
    if mode & 0o6000 != 0 && mode <= 0o7777 {
        attributes.push("setuid");
    }
    attributes
}

/// Whether a path is an address on the network, as far as it is known.
pub(super) fn is_address(path: &Val) -> bool {
    match path.as_value() {
        Value::Exact(text) => text.contains("://"),
        Value::Prefix(text, _) => ["http://", "https://", "ftp://"]
            .iter()
            .any(|scheme| text.starts_with(scheme)),
        _ => false,
    }
}
