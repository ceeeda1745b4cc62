//! Lists of small values as bytes of one length each: read in one pass, without a decision for each number.
//!
//! A hook loads its policy at every start; numbers of varying length would take most of that time.

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

/// A value that is always as many bytes. Numbers are little-endian.
pub(super) trait Fixed: Sized {
    /// How many bytes.
    const SIZE: usize;

    /// Appends exactly that many bytes.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads the value from the beginning of `bytes`, and says what follows; `None` when it is none.
    fn take(bytes: &[u8]) -> Option<(Self, &[u8])>;
}

macro_rules! fixed_number {
    ($($number:ty),+) => {$(
        impl Fixed for $number {
            const SIZE: usize = size_of::<$number>();

            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let (own, rest) = bytes.split_first_chunk()?;
                Some((Self::from_le_bytes(*own), rest))
            }
        }
    )+};
}

fixed_number!(u8, u16, u32, u64, u128, i64);

impl Fixed for bool {
    const SIZE: usize = 1;

    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (byte, rest) = bytes.split_first()?;
        match byte {
            0 => Some((false, rest)),
            1 => Some((true, rest)),
            _ => None,
        }
    }
}

impl<T: Fixed> Fixed for Option<T> {
    const SIZE: usize = 1 + T::SIZE;

    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        match self {
            Some(value) => value.put(out),
            None => out.resize(out.len() + T::SIZE, 0),
        }
    }

    fn take(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (some, rest) = bool::take(bytes)?;
        if some {
            let (value, rest) = T::take(rest)?;
            Some((Some(value), rest))
        } else {
            Some((None, rest.get(T::SIZE..)?))
        }
    }
}

/// The members of a structure, one after the other.
macro_rules! fixed_struct {
    ($name:ident { $($member:ident: $kind:ty),+ $(,)? }) => {
        impl $crate::policy::packed::Fixed for $name {
            const SIZE: usize = 0 $(+ <$kind as $crate::policy::packed::Fixed>::SIZE)+;

            fn put(&self, out: &mut Vec<u8>) {
                $($crate::policy::packed::Fixed::put(&self.$member, out);)+
            }

            fn take(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let rest = bytes;
                $(let ($member, rest) = <$kind as $crate::policy::packed::Fixed>::take(rest)?;)+
                Some((Self { $($member),+ }, rest))
            }
        }
    };
}

/// A byte that says which variant, its members, and zeros up to the length of the longest.
macro_rules! fixed_enum {
    ($name:ident { $($number:literal => $variant:ident($($member:ident: $kind:ty),+)),+ $(,)? }) => {
        impl $crate::policy::packed::Fixed for $name {
            const SIZE: usize = {
                let mut longest = 0;
                $({
                    let own = 0 $(+ <$kind as $crate::policy::packed::Fixed>::SIZE)+;
                    if own > longest {
                        longest = own;
                    }
                })+
                1 + longest
            };

            fn put(&self, out: &mut Vec<u8>) {
                let end = out.len() + <Self as $crate::policy::packed::Fixed>::SIZE;
                match self {
                    $(Self::$variant($($member),+) => {
                        out.push($number);
                        $($crate::policy::packed::Fixed::put($member, out);)+
                    })+
                }
                out.resize(end, 0);
            }

            fn take(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let (own, after) =
                    bytes.split_at_checked(<Self as $crate::policy::packed::Fixed>::SIZE)?;
                let (variant, rest) = own.split_first()?;
                let value = match variant {
                    $($number => {
                        $(let ($member, rest) =
                            <$kind as $crate::policy::packed::Fixed>::take(rest)?;)+
                        let _ = rest;
                        Self::$variant($($member),+)
                    })+
                    _ => return None,
                };
                Some((value, after))
            }
        }
    };
}

/// Variants without members, as a byte.
macro_rules! fixed_word {
    ($name:ident { $($number:literal => $variant:ident),+ $(,)? }) => {
        impl $crate::policy::packed::Fixed for $name {
            const SIZE: usize = 1;

            fn put(&self, out: &mut Vec<u8>) {
                out.push(match self {
                    $(Self::$variant => $number,)+
                });
            }

            fn take(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let (byte, rest) = bytes.split_first()?;
                let value = match byte {
                    $($number => Self::$variant,)+
                    _ => return None,
                };
                Some((value, rest))
            }
        }
    };
}

pub(super) use {fixed_enum, fixed_struct, fixed_word};

/// Stores a list; for `#[serde(with = "packed")]`.
pub(super) fn serialize<T: Fixed, S: Serializer>(list: &[T], to: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(list.len() * T::SIZE);
    for value in list {
        value.put(&mut bytes);
    }
    to.serialize_bytes(&bytes)
}

/// Reads a list; for `#[serde(with = "packed")]`.
pub(super) fn deserialize<'de, T: Fixed, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    struct List<T>(std::marker::PhantomData<T>);

    impl<T: Fixed> Visitor<'_> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(out, "values of {} bytes each", T::SIZE)
        }

        fn visit_bytes<E: Error>(self, mut bytes: &[u8]) -> Result<Vec<T>, E> {
            let length = bytes.len();
            let mut list = Vec::with_capacity(length / T::SIZE);
            while !bytes.is_empty() {
                let (value, rest) =
                    T::take(bytes).ok_or_else(|| E::invalid_length(length, &self))?;
                list.push(value);
                bytes = rest;
            }
            Ok(list)
        }
    }

    from.deserialize_bytes(List(std::marker::PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Both {
        small: u8,
        maybe: Option<u32>,
    }

    fixed_struct!(Both { small: u8, maybe: Option<u32> });

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Either {
        One(u64),
        Two(u8, Both),
    }

    fixed_enum!(Either {
        0 => One(number: u64),
        1 => Two(number: u8, both: Both),
    });

    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Held {
        #[serde(with = "crate::policy::packed")]
        list: Vec<Either>,
    }

    #[test]
    fn a_list_is_read_as_it_was_stored_and_a_damaged_one_is_refused() {
        let held = Held {
            list: vec![
                Either::One(u64::MAX),
                Either::Two(
                    7,
                    Both {
                        small: 9,
                        maybe: Some(1 << 20),
                    },
                ),
                Either::Two(
                    0,
                    Both {
                        small: 0,
                        maybe: None,
                    },
                ),
            ],
        };
        assert_eq!(Either::SIZE, 9);
        let bytes = postcard::to_allocvec(&held).unwrap();
        assert_eq!(bytes.len(), 1 + 3 * Either::SIZE);
        assert_eq!(postcard::from_bytes::<Held>(&bytes).unwrap(), held);
        let mut damaged = bytes.clone();
        damaged[1] = 2;
        assert!(postcard::from_bytes::<Held>(&damaged).is_err());
        let mut short = bytes;
        short.pop();
        short[0] -= 1;
        assert!(postcard::from_bytes::<Held>(&short).is_err());
    }
}
