//! What modules are imported, and under which names.

use super::Walker;
use crate::actions::code::lex::{Part, Tok};
use crate::actions::code::value::Val;
use crate::actions::code::{Language, What, sinks};

impl Walker<'_> {
    pub(super) fn python_import(&mut self) {
        if self.word() == "import" {
            loop {
                self.at += 1;
                let module = self.dotted();
                let first = module.split('.').next().unwrap_or("").to_owned();
                if self.is_key(self.at, "as") {
                    let alias = self.word_at(self.at + 1);
                    self.at += 2;
                    self.bind(alias, Val::name(super::super::calls::canonical(&module)));
                } else {
                    self.vars.remove(&first);
                }
                self.loads(&module);
                if !self.is_op(self.at, ",") {
                    return;
                }
            }
        }
        self.at += 1;
        let module = self.dotted();
        if !self.is_key(self.at, "import") {
            return;
        }
        self.at += 1;
        if self.is_op(self.at, "(") {
            self.at += 1;
        }
        if self.is_op(self.at, "*") {
            self.at += 1;
            self.loads(&module);
            self.stars.push(module);
            return;
        }
        self.loads(&module);
        while self.is_ident(self.at) {
            let name = self.word();
            self.at += 1;
            let mut alias = name;
            if self.is_key(self.at, "as") {
                alias = self.word_at(self.at + 1);
                self.at += 2;
            }
            if module.starts_with('.') {
                self.loads(&format!("{module}.{name}"));
            }
            self.bind(
                alias,
                Val::name(super::super::calls::canonical(&format!("{module}.{name}"))),
            );
            if self.is_op(self.at, ",") {
                self.at += 1;
            }
        }
        if self.is_op(self.at, ")") {
            self.at += 1;
        }
    }

    fn dotted(&mut self) -> String {
        let mut out = String::new();
        while self.is_ident(self.at)
            || self.is_op(self.at, ".")
            || self.is_op(self.at, "...")
            || self.is_op(self.at, "..")
        {
            if self.is_ident(self.at) && !out.is_empty() && !out.ends_with('.') {
                break;
            }
            if out.len() < 256 {
                out.push_str(self.word());
            }
            self.at += 1;
        }
        out
    }

    /// `import x, {y as z} from 'm'`, `import * as x from 'm'`, `import 'm'`.
    pub(super) fn script_import(&mut self) {
        self.at += 1;
        let begin = self.at;
        while !self.done()
            && !self.is_text(self.at)
            && !self.is_op(self.at, ";")
            && self.at < begin + 512
        {
            self.at += 1;
        }
        let Some(module) = self.plain_text(self.at) else {
            return;
        };
        let end = self.at;
        self.loads(&module);
        let module = super::super::calls::canonical(&module);
        self.at += 1;
        let mut index = begin;
        let mut inside = false;
        while index < end {
            if self.is_op(index, "{") {
                inside = true;
            } else if self.is_ident(index) && !matches!(self.word_at(index), "from" | "as" | "type")
            {
                let name = self.word_at(index);
                let mut alias = name;
                if self.is_key(index + 1, "as") {
                    alias = self.word_at(index + 2);
                    index += 2;
                }
                let full = if inside && name != "default" {
                    super::super::calls::canonical(&format!("{module}.{name}"))
                } else {
                    module.clone()
                };
                self.bind(alias, Val::name(full));
            }
            index += 1;
        }
    }

    /// Code of a module that may be a file which the call wrote: not one that a library is known to be.
    pub fn loads(&mut self, module: &str) {
        let by_path = matches!(
            self.language,
            Language::JavaScript | Language::Ruby | Language::Perl
        );
        let name = if by_path {
            module
                .strip_prefix("file://")
                .unwrap_or(module)
                .replace("::", "/")
        } else {
            module.trim_matches('.').replace('.', "/")
        };
        // Packages are found by a name, files of a project by a path.
        let is_package = match self.language {
            Language::JavaScript => !name.starts_with(['.', '/']),
            _ => name.is_empty() || sinks::is_module(self.language, &name),
        };
        if !is_package {
            let span = self.span_from(self.at.saturating_sub(1));
            self.push(What::Load { name }, span);
        }
    }

    /// The text of a literal without expressions.
    fn plain_text(&self, index: usize) -> Option<String> {
        match &self.tokens.get(index)?.tok {
            Tok::Text(text) => match text.parts.as_slice() {
                [Part::Plain(text, _)] => Some(text.clone()),
                _ => None,
            },
            _ => None,
        }
    }
}
