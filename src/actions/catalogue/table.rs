//! A sorted table of names and byte strings that is searched where it lies: nothing is decoded to look something up.
//!
//! Layout, all numbers little-endian `u32`: count of names; for each name, in byte order: offset and length of the name,
//! number of its entry; count of entries; for each entry: offset and length; then the bytes. Offsets count from the
//! beginning of the table.

/// A table in its stored form.
#[derive(Debug, Clone, Copy, Default)]
pub struct Table {
    bytes: &'static [u8],
    names: usize,
    entries: usize,
}

const NAME: usize = 12;
const ENTRY: usize = 8;

impl Table {
    /// The table in those bytes; `None` when its header does not fit into them.
    #[must_use]
    pub fn new(bytes: &'static [u8]) -> Option<Self> {
        let names = number(bytes, 0)?;
        let entries = number(bytes, 4 + names.checked_mul(NAME)?)?;
        let table = Self {
            bytes,
            names,
            entries,
        };
        (table.entry_header(entries)? <= bytes.len()).then_some(table)
    }

    /// A table without names.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            bytes: &[],
            names: 0,
            entries: 0,
        }
    }

    /// How many entries there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The number of the entry with that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.names);
        while low < high {
            let middle = usize::midpoint(low, high);
            let (held, entry) = self.name_bytes(middle)?;
            match held.cmp(name.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(entry),
            }
        }
        None
    }

    /// The name at that position in byte order, and the number of its entry.
    #[must_use]
    pub fn name(&self, position: usize) -> Option<(&'static str, usize)> {
        let (name, entry) = self.name_bytes(position)?;
        Some((std::str::from_utf8(name).ok()?, entry))
    }

    fn name_bytes(&self, position: usize) -> Option<(&'static [u8], usize)> {
        if position >= self.names {
            return None;
        }
        let head: &[u8; NAME] = self.bytes.get(4 + position * NAME..)?.first_chunk()?;
        let offset = number(head, 0)?;
        let length = number(head, 4)?;
        let name = self.bytes.get(offset..offset.checked_add(length)?)?;
        Some((name, number(head, 8)?))
    }

    /// Every name with the number of its entry, in byte order.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        (0..self.names).filter_map(|position| self.name(position))
    }

    /// The bytes of an entry.
    #[must_use]
    pub fn entry(&self, entry: usize) -> Option<&'static [u8]> {
        if entry >= self.entries {
            return None;
        }
        let at = self.entry_header(entry)?;
        let offset = number(self.bytes, at)?;
        let length = number(self.bytes, at + 4)?;
        self.bytes.get(offset..offset.checked_add(length)?)
    }

    fn entry_header(&self, entry: usize) -> Option<usize> {
        (8 + self.names * NAME).checked_add(entry.checked_mul(ENTRY)?)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}

/// The stored form of a table. Names are sorted here; a name that comes twice keeps its first entry.
///
/// # Errors
/// When the table would not fit into 4 GiB.
pub fn store(names: &[(String, usize)], entries: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let mut sorted: Vec<&(String, usize)> = names.iter().collect();
    sorted.sort_by(|one, other| one.0.as_bytes().cmp(other.0.as_bytes()));
    sorted.dedup_by(|later, first| later.0 == first.0);
    let too_large = |_| String::from("the table is larger than 4 GiB");
    let small = |number: usize| u32::try_from(number).map_err(too_large);
    let mut offset = 8 + sorted.len() * NAME + entries.len() * ENTRY;
    let mut out = Vec::new();
    out.extend(small(sorted.len())?.to_le_bytes());
    for (name, entry) in &sorted {
        out.extend(small(offset)?.to_le_bytes());
        out.extend(small(name.len())?.to_le_bytes());
        out.extend(small(*entry)?.to_le_bytes());
        offset += name.len();
    }
    out.extend(small(entries.len())?.to_le_bytes());
    for entry in entries {
        out.extend(small(offset)?.to_le_bytes());
        out.extend(small(entry.len())?.to_le_bytes());
        offset += entry.len();
    }
    for (name, _) in &sorted {
        out.extend(name.as_bytes());
    }
    for entry in entries {
        out.extend(entry);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Table {
        let names = [("rm", 1), ("cat", 0), ("git push", 2), ("gcat", 0)]
            .map(|(name, entry)| (String::from(name), entry));
        let bytes = store(&names, &[b"C".to_vec(), b"RM".to_vec(), Vec::new()]).unwrap();
        Table::new(Box::leak(bytes.into_boxed_slice())).unwrap()
    }

    #[test]
    fn every_name_is_found_with_its_entry_and_no_other_is() {
        let table = stored();
        let found = ["cat", "gcat", "git push", "rm", "git", "rmx", ""]
            .map(|name| table.find(name).and_then(|entry| table.entry(entry)));
        let expected: [Option<&[u8]>; 7] = [
            Some(b"C"),
            Some(b"C"),
            Some(b""),
            Some(b"RM"),
            None,
            None,
            None,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn bytes_that_are_no_table_are_refused() {
        assert!(Table::new(&[]).is_none());
        assert!(Table::new(&[255; 64]).is_none());
    }
}
