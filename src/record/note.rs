//! Signed notes (C2SP signed-note and tlog-checkpoint): what a checkpoint is written as, and the key that signs it.

use std::fmt;
use std::path::Path;

use ed25519_compact::{KeyPair, Seed};
use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::id::hex;
use super::keys;

/// The byte that names Ed25519 in signed notes.
const ED25519: u8 = 1;

/// A key that signs checkpoints of one store.
pub struct SigningKey {
    /// `armorer-guard/<store id>`: the origin of its checkpoints.
    name: String,
    pair: KeyPair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SigningKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The origin of a store's checkpoints, and the name of the keys that sign them.
#[must_use]
pub fn origin(store: &str) -> String {
    format!("armorer-guard/{store}")
}

impl SigningKey {
    /// The key in that file, made when there is none.
    pub(super) fn load(path: &Path, store: &str) -> Result<Self, StoreError> {
        Ok(Self::from_seed(&keys::load(path)?, store))
    }

    /// The key in that file; `None` when there is none.
    pub(super) fn find(path: &Path, store: &str) -> Result<Option<Self>, StoreError> {
        Ok(keys::read(path)?.map(|seed| Self::from_seed(&seed, store)))
    }

    /// The key that these 32 secret bytes stand for (RFC 8032), for the checkpoints of one store.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32], store: &str) -> Self {
        Self {
            name: origin(store),
            pair: KeyPair::from_seed(Seed::new(*seed)),
        }
    }

    fn key_hash(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(self.name.as_bytes());
        hash.update([b'\n', ED25519]);
        hash.update(*self.pair.pk);
        let digest = hash.finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Eight hexadecimal digits that name the key.
    #[must_use]
    pub fn id(&self) -> String {
        hex(&self.key_hash())
    }

    /// The verifier key as C2SP writes it: name, key hash, and the public key in base64.
    #[must_use]
    pub fn public(&self) -> String {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(&*self.pair.pk);
        format!("{}+{}+{}", self.name, self.id(), base64(&bytes))
    }

    /// The text (which ends in a newline) and its signature: a whole note.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let mut bytes = self.key_hash().to_vec();
        // Deterministic (RFC 8032): no randomness that could fail or be weak.
        bytes.extend_from_slice(&*self.pair.sk.sign(text, None));
        format!("{text}\n\u{2014} {} {}\n", self.name, base64(&bytes))
    }
}

/// The text of a checkpoint.
#[must_use]
pub fn checkpoint_text(store: &str, size: u64, root: &[u8; 32]) -> String {
    format!("{}\n{size}\n{}\n", origin(store), base64(root))
}

/// Base64 with padding (RFC 4648, section 4).
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            if digit > group.len() {
                text.push('=');
            } else {
                let six = bits >> (18 - 6 * digit) & 63;
                text.push(char::from(DIGITS[six as usize]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_key_signs_as_rfc_8032_says() {
        // Section 7.1, test 1: this seed has this public key.
        let seed: Vec<u8> = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let key = SigningKey::from_seed(&seed.try_into().unwrap(), "00");
        assert_eq!(
            hex(&*key.pair.pk),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        let note = key.sign("armorer-guard/00\n1\nAA==\n");
        let (text, signature) = note.split_once("\n\n").unwrap();
        assert_eq!(text, "armorer-guard/00\n1\nAA==");
        assert!(signature.starts_with("\u{2014} armorer-guard/00 ") && signature.ends_with('\n'));
        assert!(
            key.public()
                .starts_with(&format!("armorer-guard/00+{}+AddamAGC", key.id()))
        );
    }
}
