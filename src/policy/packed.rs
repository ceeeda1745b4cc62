//! Small values as bytes of one length each, so that any of a list is found and read where it lies.
//!
//! A hook loads its policy at every start, and asks a few of its conditions: decoding all of them would take most of that
//! time.

use std::marker::PhantomData;

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

            #[inline]
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

    #[inline]
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

    #[inline]
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

/// A structure whose stored form is its members, one after the other.
macro_rules! fixed_struct {
    (
        $(#[$about:meta])*
        $seen:vis struct $name:ident {
            $($(#[$about_member:meta])* $seen_member:vis $member:ident: $kind:ty),+ $(,)?
        }
    ) => {
        $(#[$about])*
        $seen struct $name {
            $($(#[$about_member])* $seen_member $member: $kind),+
        }

        impl $crate::policy::packed::Fixed for $name {
            const SIZE: usize = 0 $(+ <$kind as $crate::policy::packed::Fixed>::SIZE)+;

            fn put(&self, out: &mut Vec<u8>) {
                $($crate::policy::packed::Fixed::put(&self.$member, out);)+
            }

            #[inline]
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

            #[inline]
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

            #[inline]
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

/// Stored values, read where they lie and when they are asked for.
#[derive(Debug)]
pub(super) struct Values<'a, T> {
    bytes: &'a [u8],
    kind: PhantomData<fn() -> T>,
}

impl<'a, T> Values<'a, T> {
    /// The values in those bytes.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            kind: PhantomData,
        }
    }
}

impl<T: Fixed> Iterator for Values<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        // Of a length that is known, so that the parts of a value need no look at it.
        let (own, rest) = self.bytes.split_at_checked(T::SIZE)?;
        let (value, _) = T::take(own)?;
        self.bytes = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fixed_struct! {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        struct Both {
            small: u8,
            maybe: Option<u32>,
        }
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Either {
        One(u64),
        Two(u8, Both),
    }

    fixed_enum!(Either {
        0 => One(number: u64),
        1 => Two(number: u8, both: Both),
    });

    #[test]
    fn a_list_is_read_as_it_was_stored_and_a_damaged_one_ends_there() {
        let both = |small, maybe| Both { small, maybe };
        let list = [
            Either::One(u64::MAX),
            Either::Two(7, both(9, Some(1 << 20))),
            Either::Two(0, both(0, None)),
        ];
        assert_eq!(Either::SIZE, 9);
        let mut bytes = Vec::new();
        for value in list {
            value.put(&mut bytes);
        }
        assert_eq!(bytes.len(), 3 * Either::SIZE);
        let read = |bytes: &[u8]| Values::<Either>::new(bytes).collect::<Vec<_>>();
        assert_eq!(read(&bytes), list);
        assert_eq!(read(&bytes[..bytes.len() - 1]), list[..2]);
        bytes[Either::SIZE] = 2;
        assert_eq!(read(&bytes), list[..1]);
    }
}
