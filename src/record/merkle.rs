//! The Merkle tree of RFC 6962 (section 2.1) over record hashes: its root, built as the leaves come.

use sha2::{Digest, Sha256};

/// A tree that grows. Keeps one hash for each bit of its size.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Roots of the full subtrees, largest first: one for each bit that is set in `size`.
    subtrees: Vec<[u8; 32]>,
    size: u64,
}

impl Tree {
    /// Adds a leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        let mut hash = node(0, &[leaf]);
        let mut size = self.size;
        while size & 1 == 1 {
            if let Some(left) = self.subtrees.pop() {
                hash = node(1, &[&left, &hash]);
            }
            size >>= 1;
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// How many leaves it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Its root; that of an empty tree is the hash of nothing.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let mut subtrees = self.subtrees.iter().rev();
        let Some(last) = subtrees.next() else {
            return Sha256::digest([]).into();
        };
        subtrees.fold(*last, |right, left| node(1, &[left, &right]))
    }
}

fn node(domain: u8, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([domain]);
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::id::hex;

    /// The definition, word by word.
    fn by_definition(leaves: &[&[u8]]) -> [u8; 32] {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => node(0, &[leaf]),
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node(
                    1,
                    &[
                        &by_definition(&leaves[..split]),
                        &by_definition(&leaves[split..]),
                    ],
                )
            }
        }
    }

    /// The test tree of the Certificate Transparency sources, as go-merkle and others quote it.
    #[test]
    fn roots_are_those_of_the_reference_tree() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut tree = Tree::default();
        for leaf in leaves {
            tree.push(leaf);
        }
        assert_eq!(
            hex(&tree.root()),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }

    #[test]
    fn growing_gives_what_the_definition_gives() {
        let leaves: Vec<Vec<u8>> = (0..70_u8).map(|n| vec![n; usize::from(n)]).collect();
        let mut tree = Tree::default();
        for count in 0..leaves.len() {
            let slices: Vec<&[u8]> = leaves[..count].iter().map(Vec::as_slice).collect();
            assert_eq!(
                (tree.size(), tree.root()),
                (count as u64, by_definition(&slices))
            );
            tree.push(&leaves[count]);
        }
    }
}
