//! Text in UTF-16 as UTF-8 and back, so that files of Windows tools are read instead of taken for binary.
//!
//! Lossless for any units: half a surrogate pair becomes the three bytes that UTF-8 would give it if it could (as WTF-8
//! does), and turns back into what it was.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

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

    fn unit(self, pair: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(pair),
            Self::Big => u16::from_be_bytes(pair),
        }
    }

    fn bytes(self, unit: u16) -> [u8; 2] {
        match self {
            Self::Little => unit.to_le_bytes(),
            Self::Big => unit.to_be_bytes(),
        }
    }
}

/// Reads UTF-16 as UTF-8.
#[derive(Debug)]
pub struct FromUtf16<R> {
    inner: R,
    order: Order,
    raw: Vec<u8>,
    /// A first half of a pair that waits for the second.
    high: Option<u16>,
    ready: VecDeque<u8>,
    ended: bool,
}

impl<R: Read> FromUtf16<R> {
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

    /// The half unit that the input ended with, once it has.
    pub fn rest(&self) -> &[u8] {
        &self.raw
    }

    fn refill(&mut self) -> io::Result<()> {
        const CHUNK: u64 = 32 << 10;
        let got = self.inner.by_ref().take(CHUNK).read_to_end(&mut self.raw)?;
        self.ended = got == 0;
        let mut units: Vec<u16> = self.high.take().into_iter().collect();
        units.extend(
            self.raw
                .chunks_exact(2)
                .map(|pair| self.order.unit([pair[0], pair[1]])),
        );
        self.raw.drain(..self.raw.len() & !1);
        if !self.ended
            && units
                .last()
                .is_some_and(|unit| (0xD800..0xDC00).contains(unit))
        {
            self.high = units.pop();
        }
        let mut utf8 = [0; 4];
        for character in char::decode_utf16(units) {
            match character {
                Ok(character) => self
                    .ready
                    .extend(character.encode_utf8(&mut utf8).as_bytes()),
                Err(half) => {
                    let half = half.unpaired_surrogate();
                    let [high, low] = (half & 0xFFF).to_be_bytes();
                    self.ready
                        .extend([0xED, 0x80 | high << 2 | low >> 6, 0x80 | low & 0x3F]);
                }
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for FromUtf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && !self.ended && !into.is_empty() {
            self.refill()?;
        }
        self.ready.read(into)
    }
}

/// Writes as UTF-16 what was read by [`FromUtf16`], whatever whole characters were replaced in between.
#[derive(Debug)]
pub struct ToUtf16<W> {
    inner: W,
    order: Order,
    /// The start of a character whose end has not come yet.
    held: Vec<u8>,
}

impl<W: Write> ToUtf16<W> {
    /// Writes to `inner`.
    pub const fn new(inner: W, order: Order) -> Self {
        Self {
            inner,
            order,
            held: Vec::new(),
        }
    }

    /// Writes bytes as they are: the half unit at the end.
    ///
    /// # Errors
    /// What the inner writer fails with.
    pub fn finish(mut self, rest: &[u8]) -> io::Result<()> {
        self.inner.write_all(rest)?;
        self.inner.flush()
    }
}

/// How many bytes the character has that starts so.
const fn length(first: u8) -> usize {
    match first {
        0x00..=0xBF => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xFF => 4,
    }
}

impl<W: Write> Write for ToUtf16<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // In small pieces, because each is held twice.
        let bytes = &bytes[..bytes.len().min(64 << 10)];
        self.held.extend_from_slice(bytes);
        let mut out = Vec::with_capacity(self.held.len() * 2);
        let mut at = 0;
        while let Some(character) = self
            .held
            .get(at)
            .and_then(|first| self.held.get(at..at + length(*first)))
        {
            let bits = |index: usize| u32::from(character[index] & 0x3F);
            let code = match character.len() {
                1 => u32::from(character[0]),
                2 => u32::from(character[0] & 0x1F) << 6 | bits(1),
                3 => u32::from(character[0] & 0x0F) << 12 | bits(1) << 6 | bits(2),
                _ => u32::from(character[0] & 0x07) << 18 | bits(1) << 12 | bits(2) << 6 | bits(3),
            };
            at += character.len();
            match u16::try_from(code) {
                // Halves of pairs included, which are no characters.
                Ok(unit) => out.extend_from_slice(&self.order.bytes(unit)),
                Err(_) => {
                    let above = code.wrapping_sub(0x1_0000) & 0xF_FFFF;
                    for half in [0xD800 | above >> 10, 0xDC00 | above & 0x3FF] {
                        let half = u16::try_from(half).unwrap_or_default();
                        out.extend_from_slice(&self.order.bytes(half));
                    }
                }
            }
        }
        self.held.drain(..at);
        self.inner.write_all(&out)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf8(bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        let order = Order::of(bytes).unwrap();
        FromUtf16::new(bytes, order).read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn both_orders_are_read() {
        let text = "\u{feff}key \u{e9} \u{1f511}\n".repeat(20_000);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(utf8(&little) == text.as_bytes() && utf8(&big) == text.as_bytes());
    }

    #[test]
    fn any_units_come_back_as_they_were() {
        let mut state = 7_u64;
        for round in 0..300 {
            let mut bytes = vec![0xFF, 0xFE];
            for _ in 0..round {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let [unit, kind, ..] = state.to_be_bytes();
                // Halves of pairs, in order and not, more often than chance would have them.
                bytes.extend([unit, [0x00, 0xD8, 0xDC, 0xDF, kind][usize::from(kind % 5)]]);
            }
            bytes.extend([0x61].iter().take(round % 2));
            let mut reader = FromUtf16::new(bytes.as_slice(), Order::Little);
            let mut text = Vec::new();
            reader.read_to_end(&mut text).unwrap();
            let mut back = Vec::new();
            let mut writer = ToUtf16::new(&mut back, Order::Little);
            for piece in text.chunks(3) {
                writer.write_all(piece).unwrap();
            }
            writer.finish(reader.rest()).unwrap();
            assert_eq!(back, bytes);
        }
    }

    #[test]
    fn only_a_mark_says_that_it_is_utf_16() {
        assert_eq!(Order::of(b"a\0b\0"), None);
        assert_eq!(Order::of(b"\xff\xfe\0\0a\0\0\0"), None);
    }
}
