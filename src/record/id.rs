//! Ids: records (`UUIDv7`), runs (derived from a runtime's own name of the session), stores.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::os;
use crate::text::into_text;

/// A new record id: `UUIDv7` (RFC 9562), later than every id this process made before.
///
/// Without the operating system's randomness the random part is the process id and a counter: still an id that no
/// other record has, and a call is never left unjudged for want of one.
#[must_use]
pub fn new_id() -> String {
    /// Milliseconds in the upper 52 bits, twelve bits of fraction below (RFC 9562, section 6.2, method 3).
    static LAST: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or_default() & 0xFFFF_FFFF_FFFF;
    let fraction = u64::from(since.subsec_nanos() % 1_000_000) * 4096 / 1_000_000;
    let now = millis << 12 | fraction;
    let last = LAST
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            Some(now.max(last + 1))
        })
        .unwrap_or_default();
    let ticks = now.max(last + 1);

    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&(ticks >> 12).to_be_bytes()[2..]);
    bytes[6..8].copy_from_slice(
        &u16::try_from(ticks & 0xFFF)
            .unwrap_or_default()
            .to_be_bytes(),
    );
    if os::random(&mut bytes[8..]).is_err() {
        bytes[8..12].copy_from_slice(&std::process::id().to_be_bytes());
        bytes[12..].copy_from_slice(&ticks.to_be_bytes()[4..]);
    }
    uuid(bytes, 7)
}

/// The id of the run a runtime calls `name`: the same in every process, so that a hook finds its run without asking.
#[must_use]
pub fn named_run(runtime: &str, name: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"armorer-run/1\n");
    hash.update(runtime.as_bytes());
    hash.update(b"\n");
    hash.update(name.as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid(bytes, 8)
}

/// 128 random bits as hexadecimal: the id of a store.
pub(super) fn random_hex() -> Result<String, StoreError> {
    let mut bytes = [0_u8; 16];
    fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Random bytes from the operating system.
///
/// # Errors
/// [`StoreError`] when it has none.
pub fn fill(bytes: &mut [u8]) -> Result<(), StoreError> {
    os::random(bytes).map_err(|error| {
        StoreError::new(
            StoreError::NO_RANDOMNESS,
            format!("the operating system gave no random bytes: {error}"),
        )
    })
}

/// Whether a text is a UUID in lower case: the only names a run's file may have.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = vec![0; bytes.len() * 2];
    for ([high, low], byte) in text.as_chunks_mut().0.iter_mut().zip(bytes) {
        *high = DIGITS[usize::from(byte >> 4)];
        *low = DIGITS[usize::from(byte & 15)];
    }
    into_text(text)
}

/// `sha256:` and the hexadecimal digest of some bytes.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    text.push_str(&hex(&Sha256::digest(bytes)));
    text
}

/// The 32 bytes of a hash that is written as `sha256:` and 64 digits.
pub(super) fn raw_hash(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("sha256:")?.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut raw = [0; 32];
    for (byte, pair) in raw.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value_of(pair[0])? << 4 | value_of(pair[1])?;
    }
    Some(raw)
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The hash that a line (without newline) states at its end.
pub(super) fn raw_hash_of(line: &[u8]) -> Option<[u8; 32]> {
    let stated = line.get(line.len().checked_sub(73)?..line.len() - 2)?;
    raw_hash(std::str::from_utf8(stated).ok()?)
}

fn uuid(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = bytes[6] & 0x0F | version << 4;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut text = hex(&bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_ids_rise_and_are_version_7() {
        let ids: Vec<String> = (0..5_000).map(|_| new_id()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| is_uuid(id)
            && &id[14..15] == "7"
            && matches!(&id[19..20], "8" | "9" | "a" | "b")));
    }

    #[test]
    fn a_session_has_one_run_id_everywhere() {
        assert_eq!(
            named_run("claude-code", "session-1"),
            "28308659-b352-8427-8898-e4670ea8ee16"
        );
        assert_ne!(named_run("claude-code", "a"), named_run("codex", "a"));
    }

    #[test]
    fn only_lower_case_uuids_name_files() {
        assert!(is_uuid("28308659-b352-8427-8898-e4670ea8ee16"));
        for not in [
            "",
            "../../../../etc/passwd-0123456789abcd",
            "28308659-B352-8427-8898-E4670EA8EE16",
        ] {
            assert!(!is_uuid(not));
        }
    }
}
