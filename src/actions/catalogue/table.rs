//! A sorted table of names and byte strings that is searched where it lies: nothing is decoded to look something up.
//!
//! Layout, all numbers little-endian: counts of names, entries and slots, the last a power of two, as `u32`; for each slot
//! the position of a name plus one, or zero, as `u16`; for each name, in byte order, its offset as `u32`; for each name the
//! number of its entry as `u16`; for each entry its offset as `u32`; then the bytes of the names and of the entries, one
//! after the other. Offsets count from the beginning of the table, and what follows a name or an entry says where it ends.
//! A name stands in the first free slot from its hash on.
//!
//! The numbers are as small as they can be: a hook looks up a dozen names, and each may lie in a page that nothing has
//! touched yet.

/// A table in its stored form.
#[derive(Debug, Clone, Copy, Default)]
pub struct Table {
    bytes: &'static [u8],
    names: usize,
    entries: usize,
    slots: usize,
}

const HEAD: usize = 12;
const OFFSET: usize = 4;
const SHORT: usize = 2;

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
        let table = Self {
            bytes,
            names: number(bytes, 0)?,
            entries: number(bytes, 4)?,
            slots: number(bytes, 8)?,
        };
        let end = table
            .entry_offsets()?
            .checked_add(table.entries.checked_mul(OFFSET)?)?;
        (table.slots.is_power_of_two() && table.slots > table.names && end <= bytes.len())
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
        let mask = self.slots.checked_sub(1)?;
        let mut slot = hash(name.as_bytes()) & mask;
        // There is a free slot; a damaged table may say otherwise, but not for ever.
        for _ in 0..self.slots {
            let position = short(self.bytes, HEAD + slot * SHORT)?.checked_sub(1)?;
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
        let at = self.name_offsets() + position * OFFSET;
        let offset = number(self.bytes, at)?;
        // After the last name comes the first entry.
        let end = if position + 1 < self.names {
            number(self.bytes, at + OFFSET)?
        } else {
            self.entry_start(0)?
        };
        let entry = self.name_offsets() + self.names * OFFSET + position * SHORT;
        Some((self.bytes.get(offset..end)?, short(self.bytes, entry)?))
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
        self.bytes
            .get(self.entry_start(entry)?..self.entry_start(entry + 1)?)
    }

    /// Where an entry begins; that of the one after the last is where the table ends.
    fn entry_start(&self, entry: usize) -> Option<usize> {
        if entry == self.entries {
            return Some(self.bytes.len());
        }
        number(self.bytes, self.entry_offsets()? + entry * OFFSET)
    }

    const fn name_offsets(&self) -> usize {
        HEAD + self.slots * SHORT
    }

    fn entry_offsets(&self) -> Option<usize> {
        let slots = self.slots.checked_mul(SHORT)?.checked_add(HEAD)?;
        slots.checked_add(self.names.checked_mul(OFFSET + SHORT)?)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let two: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(usize::from(u16::from_le_bytes(two)))
}

/// The stored form of a table. Names are sorted here; a name that comes twice keeps its first entry.
///
/// # Errors
/// When the table would not fit into 4 GiB, or has more than 65,535 names or entries.
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
    let too_many = |_| String::from("the table has more than 65,535 names or entries");
    let short = |number: usize| u16::try_from(number).map_err(too_many);
    let mut out = Vec::new();
    for count in [sorted.len(), entries.len(), slots.len()] {
        out.extend(small(count)?.to_le_bytes());
    }
    for slot in &slots {
        out.extend(short(*slot)?.to_le_bytes());
    }
    let head = HEAD + slots.len() * SHORT + sorted.len() * (OFFSET + SHORT);
    let mut offset = head + entries.len() * OFFSET;
    for (name, _) in &sorted {
        out.extend(small(offset)?.to_le_bytes());
        offset += name.len();
    }
    for (_, entry) in &sorted {
        out.extend(short(*entry)?.to_le_bytes());
    }
    for entry in entries {
        out.extend(small(offset)?.to_le_bytes());
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
        for end in 0..HEAD + 8 * SHORT + 4 * (OFFSET + SHORT) + 3 * OFFSET {
            assert!(Table::new(&table.bytes[..end]).is_none(), "{end}");
        }
        assert!(Table::new(&[]).is_none());
        assert!(Table::new(&[255; 64]).is_none());
    }
}
