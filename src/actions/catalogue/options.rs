//! The options of an entry, read where they lie: nothing is decoded to find one.
//!
//! The options that stand in one place of a pack are one list, stored once; a subcommand names its own list and those of
//! its parents. A list in its stored form: how many options as `u16`, then for each its arity with [`STOPS`], the length
//! of what follows as `u16`, and its spellings, a byte of length before each. Numbers are little-endian.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::entry::Arity;
use super::table::Table;

/// Beside the arity: every word after the option is an operand.
const STOPS: u8 = 0x80;
/// How many options stand at the end of every list where there is help: `--help` and `--version`.
const HELP: usize = 2;
/// Bytes before the spellings of an option.
const HEAD: usize = 3;

/// One option as written.
#[derive(Debug, Clone)]
pub struct Opt<'a> {
    /// Its spellings, dashes included.
    pub spellings: Vec<&'a str>,
    /// What follows it.
    pub arity: Arity,
    /// Whether every word after it is an operand.
    pub stops: bool,
}

/// Stores options as one list.
///
/// # Errors
/// What does not fit the form.
pub fn store(options: &[Opt<'_>]) -> Result<Vec<u8>, String> {
    let too_long = |what: &str| format!("`{what}` is too long for an option");
    let count = u16::try_from(options.len()).map_err(|_| String::from("too many options"))?;
    let mut out = count.to_le_bytes().to_vec();
    for option in options {
        let mut spellings = Vec::new();
        for spelling in &option.spellings {
            spellings.push(u8::try_from(spelling.len()).map_err(|_| too_long(spelling))?);
            spellings.extend_from_slice(spelling.as_bytes());
        }
        let length = u16::try_from(spellings.len())
            .map_err(|_| too_long(option.spellings.first().copied().unwrap_or_default()))?;
        out.push(option.arity as u8 | if option.stops { STOPS } else { 0 });
        out.extend_from_slice(&length.to_le_bytes());
        out.extend(spellings);
    }
    Ok(out)
}

/// The options of an entry, inherited ones included; its own come first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Options<'a> {
    /// Numbers of the lists in the table, as `u32`.
    #[serde(borrow)]
    lists: Cow<'a, [u8]>,
    /// Where the lists lie.
    #[serde(skip)]
    table: Table,
}

/// One of an entry's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Its position among all.
    pub number: usize,
    /// What follows it.
    pub arity: Arity,
    /// Whether every word after it is an operand.
    pub stops: bool,
    spellings: &'static [u8],
}

impl Listed {
    /// Its spellings, dashes included.
    pub fn spellings(self) -> impl Iterator<Item = &'static [u8]> {
        let mut rest = self.spellings;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first()?;
            let (spelling, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            Some(spelling)
        })
    }

    /// Whether both have the same spellings.
    #[must_use]
    pub fn is_spelled_as(self, other: Self) -> bool {
        self.spellings == other.spellings
    }

    fn is_spelled(self, spelling: &str) -> bool {
        self.spellings().any(|held| held == spelling.as_bytes())
    }
}

impl Options<'_> {
    /// Options in these lists of a table.
    #[must_use]
    pub fn of(lists: &[u32]) -> Self {
        Self {
            lists: lists.iter().flat_map(|list| list.to_le_bytes()).collect(),
            table: Table::empty(),
        }
    }

    /// Says in which table the lists lie.
    pub fn attach(&mut self, table: Table) {
        self.table = table;
    }

    fn lists(&self) -> impl Iterator<Item = (usize, &'static [u8])> {
        self.lists.chunks_exact(4).filter_map(|number| {
            let number = u32::from_le_bytes(number.try_into().ok()?);
            let list = self.table.entry(usize::try_from(number).ok()?)?;
            let (count, options) = list.split_first_chunk::<2>()?;
            Some((usize::from(u16::from_le_bytes(*count)), options))
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists().map(|(count, _)| count).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Listed> {
        self.lists()
            .flat_map(|(_, list)| Reader(list))
            .enumerate()
            .map(|(number, option)| Listed { number, ..option })
    }

    /// The option with that number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<Listed> {
        let mut first = 0;
        for (count, list) in self.lists() {
            if number < first + count {
                let option = Reader(list).nth(number - first)?;
                return Some(Listed { number, ..option });
            }
            first += count;
        }
        None
    }

    /// The first option with that spelling among the first `reach` and, wherever they were given, those for help.
    #[must_use]
    pub fn find(&self, spelling: &str, reach: usize) -> Option<Listed> {
        let spelled = |option: &Listed| option.is_spelled(spelling);
        if let Some(found) = self.iter().take(reach).find(spelled) {
            return Some(found);
        }
        let rest = reach.max(self.len().saturating_sub(HELP));
        self.iter().skip(rest).find(spelled)
    }
}

/// The options of one list, each with the number 0.
struct Reader(&'static [u8]);

impl Iterator for Reader {
    type Item = Listed;

    fn next(&mut self) -> Option<Listed> {
        let (head, after) = self.0.split_first_chunk::<HEAD>()?;
        let length = usize::from(u16::from_le_bytes([head[1], head[2]]));
        let (spellings, after) = after.split_at_checked(length)?;
        self.0 = after;
        Some(Listed {
            number: 0,
            arity: Arity::from_number(head[0] & !STOPS)?,
            stops: head[0] & STOPS != 0,
            spellings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    fn option(spellings: &[&'static str], arity: Arity, stops: bool) -> Opt<'static> {
        Opt {
            spellings: spellings.to_vec(),
            arity,
            stops,
        }
    }

    fn options() -> Options<'static> {
        let lists = [
            vec![
                option(&["-r", "--recursive"], Arity::Flag, false),
                option(&["-e"], Arity::Block, true),
            ],
            vec![option(&["-r", "--remote"], Arity::Pair, false)],
            vec![
                option(&["--help"], Arity::Flag, false),
                option(&["--version"], Arity::Flag, false),
            ],
        ]
        .map(|list| store(&list).unwrap());
        let bytes = table::store(&[], &lists).unwrap();
        let mut options = Options::of(&[0, 1, 2]);
        options.attach(Table::new(Box::leak(bytes.into_boxed_slice())).unwrap());
        options
    }

    #[test]
    fn lists_are_one_after_the_other_with_all_that_was_written() {
        let options = options();
        assert_eq!(options.len(), 5);
        let all: Vec<Listed> = options.iter().collect();
        assert_eq!(all.len(), 5);
        for (number, option) in all.iter().enumerate() {
            assert_eq!(option.number, number);
            assert_eq!(options.get(number), Some(*option));
        }
        assert_eq!(options.get(5), None);
        assert_eq!((all[1].arity, all[1].stops), (Arity::Block, true));
        assert_eq!((all[2].arity, all[2].stops), (Arity::Pair, false));
        let spellings: Vec<&[u8]> = all[2].spellings().collect();
        assert_eq!(spellings, [b"-r".as_slice(), b"--remote"]);
    }

    #[test]
    fn an_own_option_comes_first_and_help_is_always_there() {
        let options = options();
        let found = |spelling: &str, reach: usize| {
            options.find(spelling, reach).map(|option| option.number)
        };
        assert_eq!(found("-r", 5), Some(0));
        assert_eq!(found("--remote", 5), Some(2));
        assert_eq!(found("--remote", 2), None);
        assert_eq!(found("--version", 2), Some(4));
        assert_eq!(found("--recur", 5), None);
    }

    #[test]
    fn a_list_that_is_cut_off_ends() {
        let list = store(&[option(&["-r", "--recursive"], Arity::Flag, false)]).unwrap();
        for end in 0..list.len() {
            let bytes = table::store(&[], &[list[..end].to_vec()]).unwrap();
            let mut options = Options::of(&[0, 7]);
            options.attach(Table::new(Box::leak(bytes.into_boxed_slice())).unwrap());
            assert_eq!(options.iter().count(), 0, "{end}");
            assert_eq!(options.find("-r", 1), None);
        }
    }
}
