//! A text made from another, and where each of its bytes came from.

use crate::span::ByteSpan;

/// How a view was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    /// A run of base64.
    Base64,
    /// A run of hexadecimal digits.
    Hex,
    /// `%41`
    Percent,
    /// `\u0041`, `\x41`
    Escape,
    /// `&#65;`
    Entity,
    /// String literals that are joined: `"ab" + "cd"`.
    Joined,
    /// Compatibility forms folded, invisible characters dropped.
    Unicode,
    /// Tag characters or variation selectors that spell something.
    Hidden,
}

impl ViewKind {
    /// The name in findings and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Percent => "percent",
            Self::Escape => "escape",
            Self::Entity => "entity",
            Self::Joined => "joined",
            Self::Unicode => "unicode",
            Self::Hidden => "hidden",
        }
    }
}

/// A text made from a part of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// How.
    pub kind: ViewKind,
    /// The text.
    pub bytes: Vec<u8>,
    /// The part it was made from.
    pub source: ByteSpan,
    /// Where each byte came from, relative to the start of `source`, `[first, end)`; empty when only the whole is
    /// known.
    map: Vec<(u32, u32)>,
}

impl View {
    /// A view that is one with its source: a decoded run.
    #[must_use]
    pub const fn whole(kind: ViewKind, bytes: Vec<u8>, source: ByteSpan) -> Self {
        Self {
            kind,
            bytes,
            source,
            map: Vec::new(),
        }
    }

    /// An empty view to push to.
    #[must_use]
    pub const fn mapped(kind: ViewKind, source: ByteSpan) -> Self {
        Self::whole(kind, Vec::new(), source)
    }

    /// Adds a byte that was made from `[start, end)` of the original.
    pub fn push(&mut self, byte: u8, start: usize, end: usize) {
        let base = self.source.start();
        self.bytes.push(byte);
        self.map.push((
            start.saturating_sub(base) as u32,
            end.saturating_sub(base) as u32,
        ));
    }

    /// Adds the bytes `[start, end)` of the original as they are.
    pub fn push_plain(&mut self, bytes: &[u8], start: usize, end: usize) {
        let base = self.source.start();
        self.bytes.extend_from_slice(&bytes[start..end]);
        let places = start.saturating_sub(base)..end.saturating_sub(base);
        self.map
            .extend(places.map(|place| (place as u32, place as u32 + 1)));
    }

    /// The bytes of the original behind `[start, end)` of the view.
    #[must_use]
    pub fn original(&self, start: usize, end: usize) -> Option<ByteSpan> {
        if self.map.is_empty() {
            return Some(self.source);
        }
        let first = self.map.get(start)?.0 as usize;
        let last = self.map.get(end.checked_sub(1)?)?.1 as usize;
        ByteSpan::new(self.source.start() + first, self.source.start() + last)
    }

    /// Whether `[start, end)` of the view differs from what it was made from.
    #[must_use]
    pub fn changed(&self, start: usize, end: usize) -> bool {
        self.original(start, end)
            .is_none_or(|span| span.len() != end - start)
            || self.map.is_empty()
    }
}
