//! The redaction key and the tags made with it: equal values can be recognised, and nothing else be learned.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::error::StoreError;
use super::id::{self, hex};
use super::os;

/// Id of the key that tags are made with.
pub const KEY_ID: &str = "r1";
/// How tags are made.
pub const TAG_ALGORITHM: &str = "hmac-sha256-128";

/// Values that could be guessed get no tag: whoever has the key could try them all.
const LEAST_BITS: f64 = 40.0;

/// The store's redaction key, made when the first tag is.
pub(super) struct RedactionKey {
    path: PathBuf,
    /// `None` inside: there is no usable key, and nothing is tagged.
    key: OnceLock<Option<[u8; 32]>>,
}

impl fmt::Debug for RedactionKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RedactionKey")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl RedactionKey {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            key: OnceLock::new(),
        }
    }

    /// The tag of a value; `None` when it is too guessable or there is no key.
    pub(super) fn tag(&self, value: &[u8]) -> Option<String> {
        if estimated_bits(value) < LEAST_BITS {
            return None;
        }
        let key = self.key.get_or_init(|| {
            load(&self.path)
                .ok()
                .map(|secret| derive(&secret, b"redact"))
        });
        Some(hex(&mac(key.as_ref()?, &[value])[..16]))
    }
}

/// The 32 secret bytes in that file, made for its owner alone when there are none.
pub(super) fn load(path: &Path) -> Result<[u8; 32], StoreError> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    if let Some(parent) = path.parent() {
        os::make_dir(parent).map_err(|error| StoreError::io("create", parent, &error))?;
    }
    let mut fresh = [0_u8; 32];
    id::fill(&mut fresh)?;
    os::create_whole(path, &fresh, &id::random_hex()?)
        .map_err(|error| StoreError::io("write", path, &error))?;
    // Read back: another process may have been first.
    read(path)?.ok_or_else(|| {
        StoreError::new(
            StoreError::CORRUPTED,
            "a key has vanished while it was made",
        )
    })
}

/// The 32 secret bytes in that file; `None` when it is not there.
pub(super) fn read(path: &Path) -> Result<Option<[u8; 32]>, StoreError> {
    let file = match os::open_read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("read", path, &error)),
    };
    let mut key = [0_u8; 32];
    let length = os::stat(&file)
        .map_err(|error| StoreError::io("read", path, &error))?
        .len;
    match os::read_at(&file, &mut key, 0) {
        Ok(true) if length == 32 => Ok(Some(key)),
        Ok(_) => Err(StoreError::new(
            StoreError::CORRUPTED,
            format!("`{}` is {length} bytes long, a key has 32", path.display()),
        )),
        Err(error) => Err(StoreError::io("read", path, &error)),
    }
}

/// HKDF-SHA256 (RFC 5869) without salt, first block: a key for one purpose.
fn derive(secret: &[u8; 32], label: &[u8]) -> [u8; 32] {
    let extracted = mac(&[0; 32], &[secret]);
    mac(&extracted, &[label, &[1]])
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length; this one has 32 bytes"
    )]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// How hard a value is to guess, in bits, at most: the smaller of what its alphabet and what its repetitions allow.
#[must_use]
pub fn estimated_bits(value: &[u8]) -> f64 {
    let mut counts = [0_usize; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let total = value.len() as f64;
    let shannon: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| *count as f64 * (total / *count as f64).log2())
        .sum();
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let mut alphabet = 0.0;
    for (present, size) in [
        (has(u8::is_ascii_digit), 10.0),
        (has(u8::is_ascii_lowercase), 26.0),
        (has(u8::is_ascii_uppercase), 26.0),
        (has(u8::is_ascii_punctuation), 32.0),
        (has(|byte| !byte.is_ascii_graphic()), 64.0),
    ] {
        if present {
            alphabet += size;
        }
    }
    if alphabet == 0.0 {
        return 0.0;
    }
    shannon.min(total * f64::log2(alphabet))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> PathBuf {
        super::super::scratch::folder()
    }

    #[test]
    fn derivation_and_tag_are_the_published_algorithms() {
        // HKDF-SHA256(ikm = 32 bytes of 7, no salt, info = "redact") and HMAC-SHA256 of the value, by another library.
        let key = derive(&[7; 32], b"redact");
        assert_eq!(
            hex(&key),
            "6e3eac1b7894062eaae887033dd2e84caa313242674cacdb2a1c626723b64423"
        );
        assert_eq!(
            hex(&mac(&key, &[b"value"])[..16]),
            "020f9105e16d6bb6c43adaf8bd559893"
        );
    }

    #[test]
    fn the_key_is_made_once_and_only_for_its_owner() {
        let path = home().join("keys/redaction");
        let value = b"k7Gh2mQp9XvR4tLs8WzB".as_slice();
        let first = RedactionKey::new(path.clone()).tag(value).unwrap();
        assert_eq!(RedactionKey::new(path.clone()).tag(value), Some(first));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_broken_key_tags_nothing_instead_of_something_else() {
        let path = home().join("redaction");
        std::fs::write(&path, b"short").unwrap();
        assert_eq!(RedactionKey::new(path).tag(b"k7Gh2mQp9XvR4tLs8WzB"), None);
    }

    #[test]
    fn guessable_values_get_no_tag() {
        let key = RedactionKey::new(home().join("redaction"));
        for value in [
            "1234",
            "123-45-6789",
            "hunter2",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "",
        ] {
            assert_eq!(key.tag(value.as_bytes()), None, "{value}");
        }
    }
}
