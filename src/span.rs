//! Positions in a text. A leaf: everything that points at bytes depends on it.

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

/// A half-open range `[start, end)` of **bytes**.
///
/// Never empty, so whatever carries one always points at something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct ByteSpan {
    start: usize,
    end: usize,
}

/// In the order of canonical JSON, in which members need not be sorted then.
impl Serialize for ByteSpan {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut members = to.serialize_struct("ByteSpan", 2)?;
        members.serialize_field("end", &self.end)?;
        members.serialize_field("start", &self.start)?;
        members.end()
    }
}

impl ByteSpan {
    /// `None` when the range would be empty or backwards.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Option<Self> {
        if start < end {
            Some(Self { start, end })
        } else {
            None
        }
    }

    /// First byte, counted from zero.
    #[must_use]
    pub const fn start(self) -> usize {
        self.start
    }

    /// One past the last byte.
    #[must_use]
    pub const fn end(self) -> usize {
        self.end
    }

    /// How many bytes the span covers; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a span is never empty")]
    pub const fn len(self) -> usize {
        self.end - self.start
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// Whether every byte of `other` lies inside `self`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the two share a byte.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The same span, `by` bytes further on.
    #[must_use]
    pub const fn shifted(self, by: usize) -> Self {
        Self {
            start: self.start + by,
            end: self.end + by,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_backward_range_is_no_span() {
        assert_eq!(ByteSpan::new(3, 3), None);
        assert_eq!(ByteSpan::new(4, 3), None);
        assert_eq!(ByteSpan::new(3, 4).map(ByteSpan::len), Some(1));
    }
}
