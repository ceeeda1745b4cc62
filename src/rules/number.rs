//! Numbers about people that carry check digits: what a pack says about one, and whether the digits hold.

use serde::Deserialize;

use super::rule::{Check, Checked, DateOrder, Number};
use super::shape::{Part, Shape};
use super::verify::luhn;

/// Least letters and digits of a number that can be told.
pub const LEAST: usize = 8;
/// Most letters and digits of a number: none is longer than what is looked at.
const MOST_SIGNS: usize = 64;

/// A number as a pack says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberSpec {
    /// Shapes of fixed length made of digits, upper-case letters and separators, told by themselves.
    #[serde(default)]
    pub shapes: Vec<String>,
    /// Shapes that are told only when one of `words` stands near.
    #[serde(default)]
    pub named: Vec<String>,
    /// Words that name the number, lower case.
    #[serde(default)]
    pub words: Vec<String>,
    /// What its check digits must satisfy, all of it.
    pub checks: Vec<CheckSpec>,
    /// What letters count for in sums; zero by default.
    #[serde(default)]
    pub letters: std::collections::BTreeMap<char, i32>,
    /// A date of birth in it.
    pub date: Option<DateSpec>,
}

/// A sum over letters and digits, or a published algorithm by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    /// `luhn`, `verhoeff`, `iso7064-mod11-10`, `codice-fiscale`; otherwise the fields below.
    pub algorithm: Option<String>,
    /// How many letters and digits at the beginning are left out.
    #[serde(default)]
    pub from: u8,
    /// Whether letters are left out of the sum.
    #[serde(default)]
    pub digits: bool,
    /// What each letter or digit counts, from the first; those after the last weight count nothing.
    #[serde(default)]
    pub weights: Vec<i32>,
    /// What the sum is divided by.
    #[serde(default)]
    pub modulus: i32,
    /// Remainders that are right; `[0]` by default.
    #[serde(default)]
    pub remainders: Vec<i32>,
    /// Instead of remainders: the letter or digit that each remainder asks for, `-` for none.
    pub expects: Option<String>,
    /// Where that stands among the letters and digits; the last by default.
    pub at: Option<u8>,
}

/// Where a date stands.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateSpec {
    /// The digit it begins with, from zero, among letters and digits.
    pub at: u8,
    /// Its order.
    pub order: DateOrder,
}

impl NumberSpec {
    /// The rule's form.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn compile(&self) -> Result<Number, String> {
        let mut shapes = Vec::new();
        for (texts, named) in [(&self.shapes, false), (&self.named, true)] {
            for text in texts {
                for shape in super::shape::parse(text)? {
                    class_of(&shape)
                        .ok_or_else(|| format!("`{text}` is not of fixed length, or has under {LEAST} letters and digits"))?;
                    shapes.push((shape, named));
                }
            }
        }
        if shapes.is_empty() || self.checks.is_empty() {
            return Err(String::from("a number has shapes and checks"));
        }
        if self.named.is_empty() != self.words.is_empty() {
            return Err(String::from("`named` and `words` belong together"));
        }
        let checks = self.checks.iter().map(CheckSpec::compile);
        Ok(Number {
            shapes,
            words: self.words.clone(),
            checks: checks.collect::<Result<_, _>>()?,
            letters: self
                .letters
                .iter()
                .map(|(letter, value)| (*letter as u32 as u8, *value))
                .collect(),
            date: self.date.map(|date| (date.at, date.order)),
        })
    }
}

impl CheckSpec {
    fn compile(&self) -> Result<Checked, String> {
        Ok(Checked {
            from: self.from,
            digits: self.digits,
            check: self.check()?,
        })
    }

    fn check(&self) -> Result<Check, String> {
        if let Some(name) = &self.algorithm {
            return Ok(match name.as_str() {
                "luhn" => Check::Luhn,
                "verhoeff" => Check::Verhoeff,
                "iso7064-mod11-10" => Check::Mod11_10,
                "codice-fiscale" => Check::CodiceFiscale,
                _ => return Err(format!("no check `{name}`")),
            });
        }
        if self.modulus < 2 || self.weights.is_empty() {
            return Err(String::from(
                "a sum has `weights` and a `modulus` of two at least",
            ));
        }
        let expects = self.expects.as_ref().map(|text| text.as_bytes().to_vec());
        if expects
            .as_ref()
            .is_some_and(|held| held.len() != self.modulus as usize)
        {
            return Err(String::from("`expects` has one sign for each remainder"));
        }
        Ok(Check::Sum {
            weights: self.weights.clone(),
            modulus: self.modulus,
            remainders: if self.remainders.is_empty() {
                vec![0]
            } else {
                self.remainders.clone()
            },
            expects: expects.unwrap_or_default(),
            at: self.at,
        })
    }
}

/// The class of a byte in a number: a digit, a letter, or itself.
#[must_use]
pub const fn class(byte: u8) -> u8 {
    if byte.is_ascii_digit() {
        b'9'
    } else if byte.is_ascii_alphabetic() {
        b'A'
    } else {
        byte
    }
}

/// Adds a class to the name of a row of classes.
#[must_use]
pub const fn add(name: u32, class: u8) -> u32 {
    (name ^ class as u32).wrapping_mul(0x0100_0193)
}

/// The name of no classes.
pub const EMPTY: u32 = 0x811c_9dc5;

/// The name of a shape's classes; `None` when it is no number's.
#[must_use]
pub fn class_of(shape: &Shape) -> Option<u32> {
    let mut name = EMPTY;
    let mut signs = 0;
    let mut put = |byte: u8| {
        signs += usize::from(byte.is_ascii_alphanumeric());
        name = add(name, class(byte));
    };
    for part in &shape.parts {
        match part {
            Part::Literal(bytes) => bytes.iter().copied().for_each(&mut put),
            Part::Run(alphabet, least, most) if least == most => {
                let classes: Vec<u8> = alphabet.set().bytes().map(class).collect();
                let one = classes.first().copied()?;
                if classes.iter().any(|held| *held != one) {
                    return None;
                }
                (0..*least).for_each(|_| put(one));
            }
            Part::Run(..) => return None,
        }
    }
    (signs >= LEAST).then_some(name)
}

impl Number {
    /// Whether the letters and digits of `text` hold what is said about them.
    #[must_use]
    pub fn holds(&self, text: &[u8]) -> bool {
        // Asked about every number, and nearly always in vain: nothing is allocated for it.
        let mut held = [0; MOST_SIGNS];
        let mut count = 0;
        for byte in text.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
            let Some(place) = held.get_mut(count) else {
                return false;
            };
            *place = *byte;
            count += 1;
        }
        let signs = &held[..count];
        is_issued(signs)
            && self.date.is_none_or(|(at, order)| {
                signs
                    .get(usize::from(at)..)
                    .is_some_and(|rest| order.holds(rest))
            })
            && self.checks.iter().all(|checked| {
                signs
                    .get(usize::from(checked.from)..)
                    .is_some_and(|signs| checked.holds(signs, &self.letters))
            })
    }
}

/// Whether the digits are not one again and again, or counted up, as in forms and documentation.
fn is_issued(signs: &[u8]) -> bool {
    let digits = || signs.iter().filter(|sign| sign.is_ascii_digit());
    let seen = digits().fold(0_u16, |seen, digit| seen | 1 << (digit - b'0'));
    seen.count_ones() >= 3 && !digits().take(8).eq(b"12345678") && !digits().take(8).eq(b"01234567")
}

impl DateOrder {
    /// Whether a date begins here. Months and days to which some countries add a constant are taken for what they mean.
    fn holds(self, digits: &[u8]) -> bool {
        let two = |at: usize| match digits.get(at..at + 2) {
            Some([tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => {
                Some((tens - b'0') * 10 + ones - b'0')
            }
            _ => None,
        };
        let (month, day) = match self {
            Self::Ymd => (two(2), two(4)),
            Self::Dmy => (two(2), two(0)),
            Self::Y4md => (two(4), two(6)),
        };
        let plausible_year = match self {
            Self::Y4md => matches!(digits.get(..2), Some(b"19" | b"20")),
            Self::Ymd | Self::Dmy => true,
        };
        // Poland adds 20 to 80 to the month for other centuries, the Czech Republic 50 for women; Sweden adds 60, Norway
        // 40 to the day for people without a permanent number.
        let month_holds = month.is_some_and(|month| {
            (1..=12).contains(&(month % 20)) || (1..=12).contains(&(month % 50))
        });
        let day_holds = day.is_some_and(|day| {
            let plain = match day {
                61.. => day - 60,
                41.. => day - 40,
                _ => day,
            };
            (1..=31).contains(&plain)
        });
        plausible_year && month_holds && day_holds
    }
}

impl Checked {
    fn holds(&self, signs: &[u8], letters: &[(u8, i32)]) -> bool {
        match &self.check {
            Check::Luhn => luhn(signs),
            Check::Verhoeff => verhoeff(signs),
            Check::Mod11_10 => mod11_10(signs),
            Check::CodiceFiscale => codice_fiscale(signs),
            Check::Sum {
                weights,
                modulus,
                remainders,
                expects,
                at,
            } => {
                let value = |sign: u8| {
                    if sign.is_ascii_digit() {
                        i64::from(sign - b'0')
                    } else {
                        letters
                            .iter()
                            .find(|(letter, _)| *letter == sign)
                            .map_or(0, |(_, value)| i64::from(*value))
                    }
                };
                let sum: i64 = weights
                    .iter()
                    .zip(
                        signs
                            .iter()
                            .filter(|sign| !self.digits || sign.is_ascii_digit()),
                    )
                    .map(|(weight, sign)| i64::from(*weight) * value(*sign))
                    .sum();
                let remainder = sum.rem_euclid(i64::from(*modulus));
                if expects.is_empty() {
                    return remainders.iter().any(|held| i64::from(*held) == remainder);
                }
                let place = at.map_or(signs.len().wrapping_sub(1), usize::from);
                signs.get(place).is_some() && signs.get(place) == expects.get(remainder as usize)
            }
        }
    }
}

/// The dihedral check of Verhoeff (1969).
fn verhoeff(digits: &[u8]) -> bool {
    // The product in the group of the pentagon's symmetries.
    let product = |left: u8, right: u8| match (left / 5, right / 5) {
        (0, 0) => (left + right) % 5,
        (0, _) => (left + right - 5) % 5 + 5,
        (_, 0) => (left - 5 + 5 - right) % 5 + 5,
        _ => (5 + left - right) % 5,
    };
    const STEP: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let mut sum = 0;
    for (place, digit) in digits.iter().rev().enumerate() {
        if !digit.is_ascii_digit() {
            return false;
        }
        let mut value = digit - b'0';
        for _ in 0..place % 8 {
            value = STEP[usize::from(value)];
        }
        sum = product(sum, value);
    }
    digits.len() > 1 && sum == 0
}

/// ISO 7064, MOD 11,10.
fn mod11_10(digits: &[u8]) -> bool {
    let Some((last, body)) = digits.split_last() else {
        return false;
    };
    let mut product = 10_u32;
    for digit in body {
        if !digit.is_ascii_digit() {
            return false;
        }
        let sum = (product + u32::from(digit - b'0')) % 10;
        product = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    last.is_ascii_digit() && (11 - product) % 10 == u32::from(last - b'0')
}

/// The last letter of an Italian tax code: sums over tables that differ for odd and even places (D.M. 23 December 1976).
fn codice_fiscale(signs: &[u8]) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let Some((last, body)) = signs.split_last() else {
        return false;
    };
    let sum: u32 = body
        .iter()
        .enumerate()
        .map(|(place, sign)| {
            let value = if sign.is_ascii_digit() {
                sign - b'0'
            } else {
                sign.to_ascii_uppercase().wrapping_sub(b'A') % 26
            };
            if place % 2 == 0 {
                ODD[usize::from(value)]
            } else {
                u32::from(value)
            }
        })
        .sum();
    u32::from(*last) == sum % 26 + u32::from(b'A')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_digit_and_two_that_changed_places_are_seen() {
        // The worked examples of the publications.
        assert!(verhoeff(b"2363") && !verhoeff(b"2364") && !verhoeff(b"2633"));
        assert!(mod11_10(b"07945") && !mod11_10(b"07954"));
        assert!(codice_fiscale(b"RSSMRA85T10A562S") && !codice_fiscale(b"RSSMRA85T10A562T"));
    }
}
