//! Values in their stored form, decoded when they are first asked for. A leaf.
//!
//! A hook that lives for a millisecond asks for few of the values that it has.

use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that may not be decoded yet. It borrows from what it was read from.
#[derive(Debug, Clone)]
pub struct Held<'a, T> {
    stored: &'a [u8],
    decoded: OnceLock<Box<T>>,
}

impl<'a, T> Held<'a, T> {
    /// The value that those bytes hold.
    #[must_use]
    pub const fn stored(stored: &'a [u8]) -> Self {
        Self {
            stored,
            decoded: OnceLock::new(),
        }
    }
}

impl<T> From<T> for Held<'_, T> {
    fn from(value: T) -> Self {
        Self {
            stored: &[],
            decoded: OnceLock::from(Box::new(value)),
        }
    }
}

impl<'a, T: Deserialize<'a>> Held<'a, T> {
    /// The value; `None` where the bytes hold none.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        match self.decoded.get() {
            Some(value) => Some(value),
            None => self.decode(),
        }
    }

    #[cold]
    fn decode(&self) -> Option<&T> {
        let value = postcard::from_bytes(self.stored).ok()?;
        Some(self.decoded.get_or_init(|| Box::new(value)))
    }
}

impl<'a, T: Serialize + Deserialize<'a>> Held<'a, T> {
    /// The stored form.
    ///
    /// # Errors
    /// Where the value has none.
    pub fn to_stored(&self) -> Result<Vec<u8>, postcard::Error> {
        match self.decoded.get() {
            Some(value) => postcard::to_allocvec(value),
            None => Ok(self.stored.to_vec()),
        }
    }
}

impl<'a, T: Serialize + Deserialize<'a>> Serialize for Held<'a, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = self.to_stored().map_err(serde::ser::Error::custom)?;
        serializer.serialize_bytes(&stored)
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for Held<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Self::stored)
    }
}

/// How many slots are made at once, when the first of them is needed.
const CHUNK: usize = 32;

/// Slots that follow one another.
type Chunk<T> = OnceLock<Box<[OnceLock<T>; CHUNK]>>;

/// Places for values that are known by their number, each made at most once.
#[derive(Debug)]
pub struct Slots<T> {
    count: usize,
    chunks: Box<[Chunk<T>]>,
}

impl<T> Slots<T> {
    /// So many places.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self {
            count,
            chunks: (0..count.div_ceil(CHUNK))
                .map(|_| OnceLock::new())
                .collect(),
        }
    }

    /// How many places there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no place.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The value at that place, made now if it was not; `None` where there is no such place.
    pub fn get_or_init(&self, number: usize, make: impl FnOnce() -> T) -> Option<&T> {
        if number >= self.count {
            return None;
        }
        let chunk = self.chunks.get(number / CHUNK)?;
        let slots = chunk.get_or_init(|| Box::new(std::array::from_fn(|_| OnceLock::new())));
        Some(slots.get(number % CHUNK)?.get_or_init(make))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_filled_once_and_there_are_as_many_as_were_wanted() {
        let slots = Slots::new(CHUNK + 1);
        assert_eq!(slots.len(), CHUNK + 1);
        assert_eq!(slots.get_or_init(CHUNK, || 7), Some(&7));
        assert_eq!(slots.get_or_init(CHUNK, || 8), Some(&7));
        assert_eq!(slots.get_or_init(0, || 9), Some(&9));
        assert_eq!(slots.get_or_init(CHUNK + 1, || 1), None);
        assert_eq!(Slots::new(0).get_or_init(0, || 1), None);
    }

    #[test]
    fn a_value_comes_back_when_it_is_asked_for() {
        let list = vec![Held::from(vec!["a", "b"]), Held::from(Vec::new())];
        let stored = postcard::to_allocvec(&list).unwrap();
        let read: Vec<Held<'_, Vec<&str>>> = postcard::from_bytes(&stored).unwrap();
        let values: Vec<Option<&Vec<&str>>> = read.iter().map(Held::get).collect();
        assert_eq!(values, [Some(&vec!["a", "b"]), Some(&Vec::new())]);
        assert_eq!(postcard::to_allocvec(&read).unwrap(), stored);
    }

    #[test]
    fn bytes_that_hold_no_value_are_none() {
        let held: Held<'_, Vec<&str>> = Held::stored(&[1, 9, b'a']);
        assert!(held.get().is_none());
        assert!(held.clone().get().is_none());
    }
}
