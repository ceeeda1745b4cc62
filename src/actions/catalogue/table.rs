//! A sorted table of names and byte strings that is searched where it lies: nothing is decoded to look something up.
//!
//! Layout, all numbers little-endian `u32`: count of names; for each name, in byte order: offset and length of the name,
//! number of its entry; count of entries; for each entry: offset and length; count of slots, a power of two; for each slot
//! the position of a name plus one, or zero; then the bytes. Offsets count from the beginning of the table. A name stands
//! in the first free slot from its hash on.

/// A table in its stored form.
#[derive(Debug, Clone, Copy, Default)]
pub struct Table {
    bytes: &'static [u8],
    names: usize,
    entries: usize,
    slots: usize,
}

const NAME: usize = 12;
const ENTRY: usize = 8;
const SLOT: usize = 4;

/// FNV-1a: names are short.
fn hash(name: &[u8]) -> usize {
    let hash = name.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    // The high bits depend on every byte, the low ones on the low bits of each only.
    (hash ^ hash >> 15) as usize
}

impl Table {
    /// The table in those bytes; `None` when its header does not fit into them.
    #[must_use]
    pub fn new(bytes: &'static [u8]) -> Option<Self> {
        let names = number(bytes, 0)?;
        let entries = number(bytes, 4 + names.checked_mul(NAME)?)?;
        let mut table = Self {
            bytes,
            names,
            entries,
            slots: 0,
        };
        let at = table.entry_header(entries)?;
        table.slots = number(bytes, at)?;
        let end = at.checked_add(table.slots.checked_mul(SLOT)?.checked_add(SLOT)?)?;
        (table.slots.is_power_of_two() && table.slots > names && end <= bytes.len())
            .then_some(table)
    }

    /// A table without names.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            bytes: &[],
            names: 0,
            entries: 0,
            slots: 0,
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
        let first = self.entry_header(self.entries)? + SLOT;
        let mask = self.slots.checked_sub(1)?;
        let mut slot = hash(name.as_bytes()) & mask;
        // There is a free slot; a damaged table may say otherwise, but not for ever.
        for _ in 0..self.slots {
            let position = number(self.bytes, first + slot * SLOT)?.checked_sub(1)?;
            let (held, entry) = self.name_bytes(position)?;
            if held == name.as_bytes() {
                return Some(entry);
            }
            slot = (slot + 1) & mask;
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
    let mut slots = vec![0; (sorted.len() * 3 / 2 + 1).next_power_of_two()];
    for (position, (name, _)) in sorted.iter().enumerate() {
        let mut slot = hash(name.as_bytes()) % slots.len();
        while slots[slot] != 0 {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = position + 1;
    }
    let head = 12 + sorted.len() * NAME + entries.len() * ENTRY;
    let mut offset = head + slots.len() * SLOT;
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
    out.extend(small(slots.len())?.to_le_bytes());
    for slot in slots {
        out.extend(small(slot)?.to_le_bytes());
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
    fn every_one_of_many_names_is_found() {
        let names: Vec<(String, usize)> = (0..5_000)
            .map(|number| (format!("program-{number} sub"), number % 7))
            .collect();
        let bytes = store(&names, &vec![Vec::new(); 7]).unwrap();
        let table = Table::new(Box::leak(bytes.into_boxed_slice())).unwrap();
        for (name, entry) in &names {
            assert_eq!(table.find(name), Some(*entry), "{name}");
            assert_eq!(table.find(&name[1..]), None, "{name}");
        }
        assert_eq!(table.names().count(), names.len());
    }

    #[test]
    fn bytes_that_are_no_table_are_refused() {
        let table = stored();
        for end in 0..12 + 4 * NAME + 3 * ENTRY + 8 * SLOT {
            assert!(Table::new(&table.bytes[..end]).is_none(), "{end}");
        }
        assert!(Table::new(&[]).is_none());
        assert!(Table::new(&[255; 64]).is_none());
    }
}
