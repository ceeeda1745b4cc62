//! Lists, and-or lists, pipelines, simple commands, assignments, redirects.

use super::tree::{
    Assign, Assigned, Element, Link, Node, Part, Redir, RedirOp, Simple, Slice, Word,
};
use super::word::{Tildes, is_name, is_name_start};
use super::{MAX_SUBSCRIPT, Parser};

/// Programs whose arguments may be assignments, arrays included.
const DECLARATIONS: [&str; 6] = ["declare", "typeset", "local", "export", "readonly", "alias"];

impl Parser<'_> {
    /// A whole text: lists, and over whatever closes nothing.
    pub(super) fn script(&mut self) -> Node {
        let mut all = Vec::new();
        loop {
            match self.list() {
                Node::List(mut nodes) if all.is_empty() => std::mem::swap(&mut all, &mut nodes),
                Node::List(nodes) => all.extend(nodes),
                node => all.push(node),
            }
            if self.at_end() {
                break;
            }
            // A closing word or parenthesis that nothing opened.
            self.trouble(self.pos);
            self.skip_token();
        }
        if !self.pending.is_empty() {
            // A here-document announced on the last line has no body.
            self.pending.clear();
        }
        Node::List(all)
    }

    /// Goes over one token that fits nowhere; always moves.
    pub(super) fn skip_token(&mut self) {
        if self.at_end() {
            return;
        }
        let before = self.pos;
        if self.looking_at(";;&") {
            self.pos += 3;
        } else if self.looking_at(";;") || self.looking_at(";&") {
            self.pos += 2;
        } else if matches!(self.byte(), b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>') {
            self.pos += 1;
        } else if let Some(word) = self.reserved() {
            self.pos += word.len();
        }
        if self.pos == before {
            self.pos += self.char_len(before);
        }
    }

    /// Commands up to the end or to something that closes a list: `)`, `;;`, or a reserved word such as `fi`.
    pub(super) fn list(&mut self) -> Node {
        let mut nodes = Vec::new();
        loop {
            self.skip_newlines();
            self.steps += 1;
            if self.at_end() || self.at_closer() {
                break;
            }
            if matches!(self.byte(), b';' | b'&' | b'|') && !self.looking_at("&>") {
                self.trouble(self.pos);
                self.skip_token();
                continue;
            }
            let before = self.pos;
            let node = self.and_or();
            self.skip_blanks();
            let node = if self.byte() == b'&' && !self.looking_at("&&") && !self.at_end() {
                self.pos += 1;
                Node::Background(Box::new(node))
            } else {
                if self.byte() == b';' && !self.looking_at(";;") && !self.looking_at(";&") {
                    self.pos += 1;
                } else if !self.at_end() && self.byte() != b'\n' && !self.at_closer() {
                    self.trouble(self.pos);
                }
                node
            };
            nodes.push(node);
            if self.pos == before {
                self.skip_token();
            }
        }
        if nodes.len() == 1 {
            nodes.pop().unwrap_or(Node::List(Vec::new()))
        } else {
            Node::List(nodes)
        }
    }

    /// Whether the position is at something that ends a list.
    fn at_closer(&self) -> bool {
        match self.byte() {
            b')' => true,
            b';' => self.looking_at(";;") || self.looking_at(";&"),
            b't' | b'd' | b'f' | b'e' | b'}' => matches!(
                self.reserved(),
                Some("then" | "do" | "done" | "fi" | "elif" | "else" | "esac" | "}")
            ),
            _ => false,
        }
    }

    fn and_or(&mut self) -> Node {
        let first = self.pipeline();
        let mut rest = Vec::new();
        loop {
            self.skip_blanks();
            let link = if self.looking_at("&&") {
                Link::And
            } else if self.looking_at("||") {
                Link::Or
            } else {
                break;
            };
            self.pos += 2;
            let operator = self.pos - 2;
            self.skip_newlines();
            if self.nothing_to_run() {
                self.trouble(operator);
                break;
            }
            rest.push((link, self.pipeline()));
        }
        if rest.is_empty() {
            return first;
        }
        rest.insert(0, (Link::First, first));
        Node::AndOr(rest)
    }

    /// After an operator that wants a command: whether none can begin here.
    fn nothing_to_run(&self) -> bool {
        self.at_end()
            || self.at_closer()
            || (matches!(self.byte(), b';' | b'&' | b'|') && !self.looking_at("&>"))
    }

    fn pipeline(&mut self) -> Node {
        let mut negated = false;
        loop {
            self.skip_blanks();
            match self.reserved() {
                Some("!") => {
                    self.pos += 1;
                    negated = !negated;
                }
                Some("time") => {
                    self.pos += 4;
                    self.skip_blanks();
                    if self.looking_at("-p") && matches!(self.byte_at(self.pos + 2), b' ' | b'\t') {
                        self.pos += 2;
                    }
                }
                _ => break,
            }
        }
        if self.nothing_to_run() || self.byte() == b'\n' {
            // `time` and `!` may stand alone.
            return Node::List(Vec::new());
        }
        let first = self.command();
        let mut rest = Vec::new();
        loop {
            self.skip_blanks();
            if self.byte() != b'|' || self.looking_at("||") || self.at_end() {
                break;
            }
            let operator = self.pos;
            self.pos += if self.looking_at("|&") { 2 } else { 1 };
            self.skip_newlines();
            if self.nothing_to_run() {
                self.trouble(operator);
                break;
            }
            rest.push(self.command());
        }
        let pipeline = if rest.is_empty() {
            first
        } else {
            rest.insert(0, first);
            Node::Pipeline(rest)
        };
        if negated {
            Node::Negated(Box::new(pipeline))
        } else {
            pipeline
        }
    }

    pub(super) fn command(&mut self) -> Node {
        match self.compound_with_redirects() {
            Some(node) => node,
            None => self.simple(),
        }
    }

    /// A compound command and the redirects after it; `None`: a simple one stands here.
    pub(super) fn compound_with_redirects(&mut self) -> Option<Node> {
        if !self.enter() {
            return Some(Node::List(Vec::new()));
        }
        let node = self.compound();
        self.leave();
        let node = node?;
        let mut redirs = Vec::new();
        loop {
            self.skip_blanks();
            match self.redirect() {
                Some(redir) => redirs.push(redir),
                None => break,
            }
        }
        Some(if redirs.is_empty() {
            node
        } else {
            Node::Redirected(Box::new(node), redirs)
        })
    }

    pub(super) fn simple(&mut self) -> Node {
        let start = self.pos;
        let mut simple = Simple::default();
        let mut declares = false;
        let mut last = start;
        loop {
            self.skip_blanks();
            if self.at_end() {
                break;
            }
            if let Some(redir) = self.redirect() {
                simple.redirs.push(redir);
                last = self.pos;
                continue;
            }
            match self.byte() {
                b'\n' | b';' | b'&' | b'|' | b')' => break,
                b'(' => {
                    if simple.words.len() == 1
                        && simple.assigns.is_empty()
                        && simple.redirs.is_empty()
                        && self.accept_empty_parens()
                    {
                        let name = simple.words[0].span;
                        return self.function_body(name, start);
                    }
                    self.trouble(self.pos);
                    break;
                }
                _ => {}
            }
            if simple.words.is_empty()
                && let Some(assign) = self.assignment()
            {
                simple.assigns.push(assign);
                last = self.pos;
                continue;
            }
            let word = if declares {
                self.declaration()
            } else {
                self.word(Tildes::Start)
            };
            if self.pos == word.span.start {
                self.trouble(self.pos);
                self.skip_token();
                continue;
            }
            last = self.pos;
            if simple.words.is_empty() {
                declares = word.parts.is_empty() && DECLARATIONS.contains(&word.span.of(self.text));
            }
            simple.words.push(word);
        }
        simple.span = Slice::new(start, last.max(start));
        Node::Simple(Box::new(simple))
    }

    /// `( )` with nothing inside; not taken when there is something.
    fn accept_empty_parens(&mut self) -> bool {
        let mut at = self.pos + 1;
        while matches!(self.byte_at(at), b' ' | b'\t') {
            at += 1;
        }
        let empty = self.byte_at(at) == b')';
        if empty {
            self.pos = at + 1;
        }
        empty
    }

    /// `name=`, `name+=`, `name[..]=` at the position: the end of the name, of the subscript, and of the operator.
    fn assignment_head(&mut self) -> Option<(Slice, Option<Word>, bool)> {
        let start = self.pos;
        if !is_name_start(self.byte()) {
            return None;
        }
        let mut at = start;
        while is_name(self.byte_at(at)) {
            at += 1;
        }
        let name = Slice::new(start, at);
        let mut index = None;
        if self.byte_at(at) == b'[' {
            // The subscript must close and be followed by `=`; looked ahead, so that `[` in a glob costs nothing.
            let mut depth = 0_usize;
            let mut close = at;
            loop {
                match self.byte_at(close) {
                    b'[' => depth += 1,
                    b']' => depth -= 1,
                    b'\n' | 0 => return None,
                    _ => {}
                }
                self.steps += 1;
                if depth == 0 {
                    break;
                }
                close += 1;
                if close > at + MAX_SUBSCRIPT {
                    return None;
                }
            }
            let after = self.byte_at(close + 1);
            if after != b'=' && !(after == b'+' && self.byte_at(close + 2) == b'=') {
                return None;
            }
            let end = self.end;
            (self.pos, self.end) = (at + 1, close);
            index = Some(self.subscript());
            (self.pos, self.end) = (start, end);
            at = close + 1;
        }
        let append = self.byte_at(at) == b'+' && self.byte_at(at + 1) == b'=';
        if append {
            at += 1;
        }
        if self.byte_at(at) != b'=' {
            return None;
        }
        self.pos = at + 1;
        Some((name, index, append))
    }

    /// Everything up to the end as one word, blanks included.
    fn subscript(&mut self) -> Word {
        let start = self.pos;
        let mut parts = super::word::Parts::new(start);
        while !self.at_end() {
            self.steps += 1;
            match self.byte() {
                b'\\' | b'\'' | b'"' | b'$' | b'`' => self.quoting(&mut parts, false),
                _ => self.pos += 1,
            }
        }
        Word {
            span: Slice::new(start, self.pos),
            parts: parts.finish(self.pos),
            braces: false,
        }
    }

    fn assignment(&mut self) -> Option<Assign> {
        let start = self.pos;
        let (name, index, append) = self.assignment_head()?;
        let value = if self.byte() == b'(' && !self.at_end() {
            Assigned::Array(self.array())
        } else {
            Assigned::Scalar(self.word(Tildes::Colons))
        };
        Some(Assign {
            span: Slice::new(start, self.pos),
            name,
            index,
            append,
            value,
        })
    }

    /// An argument of `declare` and kin: a word, or `name=(..)`.
    fn declaration(&mut self) -> Word {
        let start = self.pos;
        if self.assignment_head().is_some() {
            let head = self.pos;
            if self.byte() == b'(' && !self.at_end() {
                let elements = self.array();
                return Word {
                    span: Slice::new(start, self.pos),
                    parts: vec![
                        Part::Literal(Slice::new(start, head)),
                        Part::Array(elements),
                    ],
                    braces: false,
                };
            }
            let value = self.word(Tildes::Colons);
            let mut parts = vec![Part::Literal(Slice::new(start, head))];
            if value.parts.is_empty() {
                parts.push(Part::Literal(value.span));
            } else {
                parts.extend(value.parts);
            }
            return Word {
                span: Slice::new(start, self.pos),
                parts,
                braces: false,
            };
        }
        self.word(Tildes::Start)
    }

    /// `( element .. )` of an array.
    fn array(&mut self) -> Vec<Element> {
        let opened = self.pos;
        self.pos += 1;
        let mut elements = Vec::new();
        loop {
            self.skip_newlines();
            if self.at_end() {
                self.trouble(opened);
                break;
            }
            if self.byte() == b')' {
                self.pos += 1;
                break;
            }
            let key = self.element_key();
            let value = self.word(Tildes::Start);
            if self.pos == value.span.start && key.is_none() {
                self.trouble(self.pos);
                self.skip_token();
                continue;
            }
            elements.push(Element { key, value });
        }
        elements
    }

    fn element_key(&mut self) -> Option<Word> {
        if self.byte() != b'[' {
            return None;
        }
        let start = self.pos;
        let rest = &self.bytes[start..self.end];
        let limit = rest.len().min(MAX_SUBSCRIPT);
        let close = start + memchr::memmem::find(&rest[..limit], b"]=")?;
        let end = self.end;
        (self.pos, self.end) = (start + 1, close);
        let key = self.subscript();
        (self.pos, self.end) = (close + 2, end);
        Some(key)
    }

    /// A redirect at the position, if there is one.
    pub(super) fn redirect(&mut self) -> Option<Redir> {
        let start = self.pos;
        let mut at = start;
        let (mut fd, mut name) = (None, None);
        match self.byte() {
            b'0'..=b'9' => {
                while self.byte_at(at).is_ascii_digit() && at < start + 9 {
                    at += 1;
                }
                fd = self.text.get(start..at).and_then(|text| text.parse().ok());
            }
            b'{' => {
                at += 1;
                if !is_name_start(self.byte_at(at)) {
                    return None;
                }
                while is_name(self.byte_at(at)) {
                    at += 1;
                }
                if self.byte_at(at) != b'}' {
                    return None;
                }
                at += 1;
                name = Some(Slice::new(start + 1, at - 1));
                fd = Some(10);
            }
            b'<' | b'>' | b'&' => {}
            _ => return None,
        }
        let (first, second, third) = (self.byte_at(at), self.byte_at(at + 1), self.byte_at(at + 2));
        if at >= self.end {
            return None;
        }
        let (op, length) = match (first, second, third) {
            (b'&', b'>', b'>') if fd.is_none() => (RedirOp::BothAppend, 3),
            (b'&', b'>', _) if fd.is_none() => (RedirOp::Both, 2),
            (b'<', b'<', b'<') => (RedirOp::HereString, 3),
            (b'<', b'<', b'-') => (RedirOp::Here(1), 3),
            (b'<', b'<', _) => (RedirOp::Here(0), 2),
            (b'<', b'&', _) => (RedirOp::Duplicate, 2),
            (b'<', b'>', _) => (RedirOp::ReadWrite, 2),
            // Without a descriptor before it, `<(` is a word.
            (b'<' | b'>', b'(', _) => return None,
            (b'<', _, _) => (RedirOp::Read, 1),
            (b'>', b'>', _) => (RedirOp::Append, 2),
            (b'>', b'&', _) => (RedirOp::Duplicate, 2),
            (b'>', b'|', _) => (RedirOp::Write, 2),
            (b'>', _, _) => (RedirOp::Write, 1),
            _ => return None,
        };
        let reads = first == b'<';
        self.pos = at + length;
        if let RedirOp::Here(strip) = op {
            let (index, target) = self.heredoc_start(strip == 1);
            return Some(Redir {
                span: Slice::new(start, self.pos),
                fd,
                name,
                op: RedirOp::Here(index),
                target,
            });
        }
        self.skip_blanks();
        let target = self.word(Tildes::Start);
        let numeric = target
            .span
            .of(self.text)
            .bytes()
            .all(|byte| byte.is_ascii_digit());
        // In make `$<` is a word; where nothing follows it, that is what it must be.
        let made = op == RedirOp::Read
            && target.span.start == target.span.end
            && (self.at_end() || self.byte() == b'\n')
            && self.bytes[..start].ends_with(b" $");
        if (target.span.start == target.span.end && !made)
            || (numeric
                && op != RedirOp::Duplicate
                && matches!(self.byte(), b'<' | b'>')
                && !self.at_end())
        {
            // A number before `<` or `>` belongs to the next redirect, which leaves this one without a target.
            self.trouble(start);
        }
        let op = if op == RedirOp::Duplicate {
            self.duplicate(&target, reads, fd)
        } else {
            op
        };
        let fd = if op == RedirOp::Duplicate && fd.is_none() {
            Some(u32::from(!reads))
        } else {
            fd
        };
        Some(Redir {
            span: Slice::new(start, self.pos),
            fd,
            name,
            op,
            target,
        })
    }

    /// `>&` with anything but a descriptor or `-` sends both streams to a file.
    fn duplicate(&self, target: &Word, reads: bool, fd: Option<u32>) -> RedirOp {
        let text = target.span.of(self.text);
        let descriptor = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
        let expanded = text.starts_with('$');
        if descriptor || expanded || reads || fd.is_some_and(|fd| fd != 1) {
            RedirOp::Duplicate
        } else {
            RedirOp::Both
        }
    }
}
