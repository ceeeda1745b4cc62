//! Text in UTF-16 as UTF-8, so that files of Windows tools are read instead of taken for binary.

use std::collections::VecDeque;
use std::io::{self, Read};

/// The order of the bytes in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The lower byte first.
    Little,
    /// The higher byte first.
    Big,
}

impl Order {
    /// What the mark at the start of a text says; `None` when there is none.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            // UTF-32 starts so too.
            [0xFF, 0xFE, 0, 0, ..] => None,
            [0xFF, 0xFE, ..] => Some(Self::Little),
            [0xFE, 0xFF, ..] => Some(Self::Big),
            _ => None,
        }
    }
}

/// Reads UTF-16 as UTF-8. What is not valid becomes U+FFFD.
#[derive(Debug)]
pub struct Utf16<R> {
    inner: R,
    order: Order,
    raw: Vec<u8>,
    /// A first half of a pair that waits for the second.
    high: Option<u16>,
    ready: VecDeque<u8>,
    ended: bool,
}

impl<R: Read> Utf16<R> {
    /// Reads `inner`, mark included.
    pub const fn new(inner: R, order: Order) -> Self {
        Self {
            inner,
            order,
            raw: Vec::new(),
            high: None,
            ready: VecDeque::new(),
            ended: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        const CHUNK: u64 = 32 << 10;
        let got = self.inner.by_ref().take(CHUNK).read_to_end(&mut self.raw)?;
        self.ended = got == 0;
        let mut units: Vec<u16> = self.high.take().into_iter().collect();
        units.extend(self.raw.chunks_exact(2).map(|pair| match self.order {
            Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
            Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
        }));
        let odd = self.raw.len() % 2;
        self.raw.drain(..self.raw.len() - odd);
        if self.ended {
            // Half a unit at the end.
            units.extend(self.raw.drain(..).map(|_| 0xFFFD));
        } else if units
            .last()
            .is_some_and(|unit| (0xD800..0xDC00).contains(unit))
        {
            self.high = units.pop();
        }
        let mut utf8 = [0; 4];
        for character in char::decode_utf16(units) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.ready
                .extend(character.encode_utf8(&mut utf8).as_bytes());
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && !self.ended && !into.is_empty() {
            self.refill()?;
        }
        self.ready.read(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let mut text = String::new();
        let order = Order::of(bytes).unwrap();
        Utf16::new(bytes, order).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn both_orders_pairs_and_broken_units_are_read() {
        let text = "\u{feff}key \u{e9} \u{1f511}\n".repeat(20_000);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(read(&little) == text && read(&big) == text);
        assert_eq!(
            read(b"\xff\xfea\0\x00\xd8b\0c"),
            "\u{feff}a\u{fffd}b\u{fffd}"
        );
    }

    #[test]
    fn only_a_mark_says_that_it_is_utf_16() {
        assert_eq!(Order::of(b"a\0b\0"), None);
        assert_eq!(Order::of(b"\xff\xfe\0\0a\0\0\0"), None);
    }
}
