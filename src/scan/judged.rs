//! What was said of values and tokens by their bytes alone: the same ones stand in a text again and again, and are judged
//! once.

use std::ops::Range;

use crate::rules::shape::{Matched, Shape};
use crate::scan::Checksum;

/// How many of each are kept: as many as may take turns in a text that says nothing else.
const KEPT: usize = 8;

/// Values given to names, the last ones in a text.
#[derive(Debug, Default)]
pub(super) struct Values {
    held: Vec<Value>,
    next: usize,
}

/// What is known of a value; nothing yet where it is `None`.
#[derive(Debug, Default)]
pub(super) struct Value {
    place: (usize, usize),
    /// Whether it may be a name with a value of its own.
    pub(super) refers: Option<bool>,
    /// Whether it looks like a secret: one that machines make or people choose, without quotes or in them.
    pub(super) looks: [Option<bool>; 4],
    /// Whether it is a password as the second of two.
    pub(super) second: Option<bool>,
}

impl Values {
    /// What is known of the value at `[start, end)`.
    pub(super) fn of(&mut self, bytes: &[u8], (start, end): (usize, usize)) -> &mut Value {
        let known = self.held.iter().position(|held| {
            let (from, to) = held.place;
            to - from == end - start && bytes[from..to] == bytes[start..end]
        });
        let place = known.unwrap_or_else(|| {
            let place = place_of(&mut self.next);
            let fresh = Value {
                place: (start, end),
                ..Value::default()
            };
            match self.held.get_mut(place) {
                Some(oldest) => *oldest = fresh,
                None => self.held.push(fresh),
            }
            place
        });
        &mut self.held[place]
    }
}

/// Where the next one is kept: in the place of the oldest.
const fn place_of(next: &mut usize) -> usize {
    let place = *next % KEPT;
    *next += 1;
    place
}

/// Tokens of rules, the last ones in a text: what their bytes say, and nothing that stands beside them.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    held: Vec<Token>,
    next: usize,
}

#[derive(Debug)]
struct Token {
    rule: usize,
    /// Which of the rule's: only compared.
    shape: *const Shape,
    matched: Matched,
    told: Told,
}

/// Whether a token is plausible and has its structure, and what its checksum says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) good: bool,
    pub(super) checksum: Option<Checksum>,
}

impl Tokens {
    /// What was told of the same token of the same rule.
    pub(super) fn get(
        &self,
        bytes: &[u8],
        (rule, shape): (usize, &Shape),
        matched: &Matched,
    ) -> Option<Told> {
        let same = |held: &&Token| {
            held.rule == rule
                && std::ptr::eq(held.shape, shape)
                && is_same(bytes, &held.matched, matched)
        };
        self.held.iter().find(same).map(|held| held.told)
    }

    pub(super) fn add(&mut self, (rule, shape): (usize, &Shape), matched: &Matched, told: Told) {
        let fresh = Token {
            rule,
            shape,
            matched: matched.clone(),
            told,
        };
        let place = place_of(&mut self.next);
        match self.held.get_mut(place) {
            Some(oldest) => *oldest = fresh,
            None => self.held.push(fresh),
        }
    }
}

/// Places at which no phrase of a literal begins, the last one of each in a text as far as there is room: what was read
/// there, and of which literal.
#[derive(Debug, Default)]
pub(super) struct Refused([Option<(usize, usize, usize, usize)>; KEPT]);

impl Refused {
    /// Whether the same was refused at a place before: all that was read there stands here too.
    pub(super) fn has(&self, bytes: &[u8], (rule, index): (usize, usize), start: usize) -> bool {
        self.0[(rule + index) % KEPT].is_some_and(|(held, literal, from, to)| {
            (held, literal) == (rule, index)
                && bytes.get(start..start + (to - from)) == bytes.get(from..to)
        })
    }

    pub(super) fn add(&mut self, (rule, index): (usize, usize), read: Range<usize>) {
        self.0[(rule + index) % KEPT] = Some((rule, index, read.start, read.end));
    }
}

/// Whether two matches have the same bytes, each part as long in one as in the other.
fn is_same(bytes: &[u8], left: &Matched, right: &Matched) -> bool {
    let from = |matched: &Matched, place: usize| place - matched.start;
    let edges = |matched: &Matched| {
        (
            from(matched, matched.end),
            from(matched, matched.secret_start),
            from(matched, matched.secret_end),
        )
    };
    edges(left) == edges(right)
        && left.ends.len() == right.ends.len()
        && left
            .ends
            .iter()
            .zip(&right.ends)
            .all(|(one, other)| from(left, *one) == from(right, *other))
        && bytes[left.start..left.end] == bytes[right.start..right.end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Surface;

    #[test]
    fn a_value_is_known_again_by_its_bytes_and_forgotten_behind_as_many_others() {
        let bytes = b"alpha beta alpha gamma";
        let mut values = Values::default();
        values.of(bytes, (0, 5)).looks[1] = Some(true);
        assert_eq!(values.of(bytes, (11, 16)).looks[1], Some(true));
        assert_eq!(values.of(bytes, (6, 10)).looks[1], None);
        for end in 1..=KEPT {
            values.of(bytes, (6, 6 + end));
        }
        assert_eq!(values.of(bytes, (11, 16)).looks[1], None);
    }

    #[test]
    fn a_token_is_known_again_by_its_rule_its_bytes_and_its_parts() {
        let bytes = b"ab_cd ab_cd ab_ce";
        let matched = |start: usize, ends: [usize; 2]| Matched {
            start,
            end: start + 5,
            secret_start: start,
            secret_end: start + 5,
            ends: ends.map(|end| start + end).to_vec(),
        };
        let told = Told {
            good: true,
            checksum: Some(Checksum::Valid),
        };
        let shape = || Shape {
            parts: Vec::new(),
            secret: (0, 0),
            anchor: None,
        };
        let (own, other) = (Box::new(shape()), Box::new(shape()));
        let mut tokens = Tokens::default();
        tokens.add((3, &own), &matched(0, [3, 5]), told);
        let get = |rule: usize, shape: &Shape, matched: Matched| {
            tokens.get(bytes, (rule, shape), &matched)
        };
        assert_eq!(get(3, &own, matched(6, [3, 5])), Some(told));
        assert_eq!(get(4, &own, matched(6, [3, 5])), None);
        assert_eq!(get(3, &other, matched(6, [3, 5])), None);
        assert_eq!(get(3, &own, matched(6, [2, 5])), None);
        assert_eq!(get(3, &own, matched(12, [3, 5])), None);
    }

    #[test]
    fn what_was_refused_is_refused_where_all_that_was_read_stands_again() {
        let bytes = b"ignore the box. ignore the rules";
        let mut refused = Refused::default();
        refused.add((1, 2), 0..11);
        assert!(refused.has(bytes, (1, 2), 16));
        assert!(!refused.has(bytes, (1, 3), 16) && !refused.has(bytes, (0, 2), 16));
        refused.add((4, 0), 0..12);
        assert!(!refused.has(bytes, (4, 0), 16) && !refused.has(bytes, (4, 0), 30));
    }

    #[test]
    fn the_same_value_is_found_wherever_it_stands_and_however_often() {
        let value = ["k7Gh2mQp", "9XvR4tLs", "8WzB"].concat();
        let token = ["gh", "p_9fK2mQx7Rv4LtZs8WbNc3YhJd6GpVa1Te5Uo"].concat();
        let text = format!(
            "api_key={value}\napi_key=your-api-key\napi_key: \"{value}\"\nx {token} y {token}\n"
        );
        let found = |text: &str| {
            let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
            let told = |found: crate::scan::Finding| (found.rule.to_string(), found.span);
            found.into_iter().map(told).collect::<Vec<_>>()
        };
        let once = found(&text);
        assert_eq!(once.len(), 4);
        let often = found(&text.repeat(40));
        assert_eq!(often.len(), 160);
        for (index, (rule, span)) in often.into_iter().enumerate() {
            let (first, place) = &once[index % 4];
            let from = index / 4 * text.len();
            assert_eq!(
                (rule.as_str(), span.start(), span.end()),
                (first.as_str(), place.start() + from, place.end() + from)
            );
        }
    }
}
