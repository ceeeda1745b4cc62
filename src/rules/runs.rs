//! How far runs of alphabets reach in a text, remembered: a text that repeats what begins a token is read once for each
//! alphabet, not once for each beginning.

use super::alphabet::{Alphabet, ByteSet, NAMED};

/// Alphabets that rules write out themselves of which the last run is remembered.
const OWN: usize = 4;

/// What is known of one alphabet: every byte of `[start, end)` belongs to it, and the byte at `end` does not if `closed`.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    start: usize,
    end: usize,
    closed: bool,
}

/// Runs of one text.
#[derive(Debug, Default)]
pub struct Runs {
    named: [Run; NAMED.len()],
    own: [(Option<ByteSet>, Run); OWN],
    next_own: usize,
    /// Room for the ends of a shape's parts, so that a candidate that fails allocates nothing.
    pub(super) ends: Vec<usize>,
}

impl Runs {
    /// How many of the bytes from `at` on belong to the alphabet, at most `most`.
    pub fn length(&mut self, bytes: &[u8], alphabet: Alphabet, at: usize, most: usize) -> usize {
        let set = alphabet.set();
        let run = self.run(alphabet);
        let want = bytes.len().min(at.saturating_add(most));
        let within = |from: usize, to: usize| {
            bytes.get(from..to).map_or(0, |held| {
                held.iter().take_while(|byte| set.has(**byte)).count()
            })
        };
        let mut start = at;
        let mut end = at;
        let known = run.start..run.end;
        if !known.contains(&at) {
            // Up to what is known already, if that lies ahead.
            let stop = if known.is_empty() || known.start < at {
                want
            } else {
                want.min(known.start)
            };
            end += within(at, stop);
            if end < stop || end != known.start || known.is_empty() {
                *run = Run {
                    start,
                    end,
                    closed: end < want,
                };
                return end.saturating_sub(at);
            }
        } else {
            start = known.start;
        }
        end = known.end;
        if end < want && !run.closed {
            end += within(end, want);
            run.closed = end < want;
        }
        run.start = start;
        run.end = end;
        end.min(want).saturating_sub(at)
    }

    fn run(&mut self, alphabet: Alphabet) -> &mut Run {
        let set = match alphabet {
            Alphabet::Named(index) => return &mut self.named[usize::from(index) % NAMED.len()],
            Alphabet::Own(set) => set,
        };
        let place = match self.own.iter().position(|(held, _)| *held == Some(set)) {
            Some(place) => place,
            None => {
                let place = self.next_own;
                self.next_own = (place + 1) % OWN;
                self.own[place] = (Some(set), Run::default());
                place
            }
        };
        &mut self.own[place].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    #[test]
    fn what_is_remembered_is_what_is_counted_wherever_it_is_asked() {
        let text = b"abc_def-ghi jkl--mno pqrstuvwxyz0123456789ABCDEF";
        let alphabets = [
            "base62",
            "base64url",
            "hex",
            "[a-m]",
            "[a-z]",
            "[0-9]",
            "[x-z]",
            "[-_]",
        ];
        let mut dice = Dice(7);
        let mut random = |below: usize| dice.below(below);
        let mut runs = Runs::default();
        for _ in 0..20_000 {
            let alphabet = Alphabet::parse(alphabets[random(alphabets.len())]).unwrap();
            let (at, most) = (random(text.len() + 2), random(20));
            let counted = text
                .iter()
                .skip(at)
                .take(most)
                .take_while(|byte| alphabet.set().has(**byte))
                .count();
            assert_eq!(
                runs.length(text, alphabet, at, most),
                counted,
                "{at} {most}"
            );
        }
    }
}
