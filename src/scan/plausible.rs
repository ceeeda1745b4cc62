//! What is not a secret although it looks like one: placeholders, references, published examples.

use sha2::{Digest, Sha256};

use crate::rules::alphabet::{ByteSet, NONE, ends_of};
use crate::text::contains;

/// Examples that vendors and standards print: the first eight bytes of the SHA-256 of each.
///
/// In order: the jwt.io sample, the Azurite and Cosmos DB emulator keys, RFC 7617's Aladdin, `user:pass`,
/// `username:password`, AWS's two example secret keys, the WIF example of the Bitcoin wiki, RFC 6455's handshake key;
/// then `aladdin:opensesame`, and the tokens, codes and client secrets of RFC 5849, 6749, 6750 and 7009.
static PUBLISHED: &[[u8; 8]] = &include!("published.in");

/// Words that only placeholders hold, rows of keys and habits of fingers; all lower case, in order of their first byte.
static PLACEHOLDER_WORDS: [&str; 47] = [
    "********",
    "-here",
    "........",
    "0123456789",
    "12345678",
    "1q2w3e4r",
    "98765432",
    "_here",
    "abcdefgh",
    "anonymous",
    "asdfghjk",
    "change-me",
    "change_me",
    "changeme",
    "dummy",
    "example",
    "foobar",
    "hidden_",
    "insert-",
    "insert_",
    "lorem",
    "masked",
    "my-secret",
    "my_secret",
    "not-a-real",
    "not_a_real",
    "notreal",
    "password",
    "placeholder",
    "qwertyui",
    "realkey",
    "redacted",
    "replace",
    "sample",
    "secret_value",
    "supersecret",
    "testpass",
    "testtest",
    "topsecret",
    "undefined",
    "xxxx",
    "your-",
    "your_",
    "yourkey",
    "yourpass",
    "yourtoken",
    "zxcvbnm",
];

/// For each byte, which of the words begin with it.
static BEGIN_WITH: [(u8, u8); 256] = {
    let mut ranges = [(0, 0); 256];
    let mut index = 0;
    while index < PLACEHOLDER_WORDS.len() {
        let first = PLACEHOLDER_WORDS[index].as_bytes()[0] as usize;
        if ranges[first].1 == 0 {
            ranges[first].0 = index as u8;
        }
        ranges[first].1 = index as u8 + 1;
        index += 1;
    }
    ranges
};

/// For each byte that a word begins with, which second ones there are: a bit for the low five bits of each.
static SECONDS: [u32; 256] = {
    let mut seconds = [0; 256];
    let mut index = 0;
    while index < PLACEHOLDER_WORDS.len() {
        let word = PLACEHOLDER_WORDS[index].as_bytes();
        seconds[word[0] as usize] |= 1 << (word[1] & 31);
        index += 1;
    }
    seconds
};

/// Bits per byte of a value by its own distribution.
#[must_use]
pub fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let total = value.len() as f32;
    let part = |count: u32| {
        let share = count as f32 / total;
        -share * share.log2()
    };
    // Most bytes of a value are there once or twice, and a logarithm for each would be most of the work.
    let few: [f32; 4] = std::array::from_fn(|count| part(count as u32));
    NONE.with_all(value)
        .bytes()
        .map(|byte| {
            let count = counts[usize::from(byte)];
            few.get(count as usize)
                .copied()
                .unwrap_or_else(|| part(count))
        })
        .sum()
}

/// Whether a value was made up to stand for one.
#[must_use]
pub fn is_placeholder(value: &[u8]) -> bool {
    if value.is_empty() {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    is_repetitive(&lower) || says_placeholder(&lower) || is_words(value)
}

/// Whether a text in lower case says that it stands for another: so does all that holds it.
#[must_use]
pub fn says_placeholder(lower: &[u8]) -> bool {
    has_placeholder_word(lower) || has_lone_word(lower)
}

/// In one pass: this is asked about every value.
fn has_placeholder_word(lower: &[u8]) -> bool {
    lower.windows(2).enumerate().any(|(at, pair)| {
        SECONDS[usize::from(pair[0])] >> (pair[1] & 31) & 1 == 1 && {
            let (from, to) = BEGIN_WITH[usize::from(pair[0])];
            PLACEHOLDER_WORDS[usize::from(from)..usize::from(to)]
                .iter()
                .any(|word| lower[at..].starts_with(word.as_bytes()))
        }
    })
}

/// Whether a shorter one, which random text holds by chance, stands in the text with no letter or digit at its sides.
fn has_lone_word(lower: &[u8]) -> bool {
    lower
        .split(|byte| !byte.is_ascii_alphanumeric())
        .any(|word| {
            matches!(
                word,
                b"fake"
                    | b"todo"
                    | b"test"
                    | b"none"
                    | b"null"
                    | b"here"
                    | b"demo"
                    | b"your"
                    | b"xxx"
                    | b"abc123"
            )
        })
}

/// Whether a value is one of the examples that everybody prints.
#[must_use]
pub fn is_published(value: &[u8]) -> bool {
    let digest = Sha256::digest(value);
    PUBLISHED.iter().any(|known| digest[..8] == *known)
}

/// Runs of one byte, counting up or down, or a short block again and again.
fn is_repetitive(lower: &[u8]) -> bool {
    let length = lower.len();
    let again = |period: usize| {
        length >= 8 && lower[period] == lower[0] && lower[period..] == lower[..length - period]
    };
    if (1..=16.min(length / 2)).any(again) {
        return true;
    }
    let (mut same, mut steps, mut longest_same, mut longest_steps, mut all_steps) = (1, 1, 1, 1, 0);
    for pair in lower.windows(2) {
        same = if pair[0] == pair[1] { same + 1 } else { 1 };
        let step = pair[0].abs_diff(pair[1]) == 1;
        steps = if step { steps + 1 } else { 1 };
        all_steps += usize::from(step);
        longest_same = longest_same.max(same);
        longest_steps = longest_steps.max(steps);
    }
    if longest_same >= 6.max(length / 12) || longest_steps >= 8.max(length / 12) {
        return true;
    }
    if length >= 8 && all_steps * 2 >= length {
        return true;
    }
    let distinct = NONE.with_all(lower).count();
    length >= 16 && distinct < 6 || length >= 8 && distinct < 4
}

/// Whether it is three or more words in one case, joined by punctuation: a name, not a key.
fn is_words(value: &[u8]) -> bool {
    let mut words = 0;
    for word in value.split(|byte| matches!(byte, b'-' | b'_' | b'.' | b'/')) {
        let one_case =
            word.iter().all(u8::is_ascii_lowercase) || word.iter().all(u8::is_ascii_uppercase);
        if !one_case || word.len() > 14 {
            return false;
        }
        words += 1;
    }
    words >= 3
}

/// Whether a value stands for one that is kept elsewhere: `$X`, `${X}`, `{{x}}`, `<x>`, `%X%`, `!secret x`, `ENC[…]`.
#[must_use]
pub fn is_reference(value: &[u8]) -> bool {
    let trimmed = value.trim_ascii();
    let Some(first) = trimmed.first() else {
        return true;
    };
    match first {
        b'$' => {
            // A bcrypt hash or a password may begin with a dollar sign; a name after it is a reference.
            trimmed.get(1).is_none_or(|next| {
                matches!(next, b'{' | b'(') || next.is_ascii_alphabetic() || *next == b'_'
            })
        }
        b'<' | b'{' | b'[' | b'(' | b'!' | b'*' | b'@' if trimmed.len() > 1 => {
            matches!(first, b'<' | b'{' | b'[' | b'(')
                || trimmed.starts_with(b"!secret")
                || trimmed.starts_with(b"***")
        }
        b'%' => trimmed.len() > 2 && trimmed.ends_with(b"%"),
        _ => {
            trimmed.starts_with(b"ENC[")
                || trimmed.starts_with(b"vault:")
                || trimmed.starts_with(b"secret:")
                || trimmed.starts_with(b"arn:")
                || trimmed.starts_with(b"projects/") && contains(trimmed, b"/secrets/")
                || trimmed.contains(&b':')
                    && contains(trimmed, b"://")
                    && contains(trimmed, b"vault")
                // In a value: `{{`, `${`, `$(`.
                || trimmed
                    .windows(2)
                    .any(|pair| matches!(pair, [b'{' | b'$', b'{'] | [b'$', b'(']))
        }
    }
}

/// What names a digest or a public key, at the end of a label.
const DIGEST_LABELS: [&str; 21] = [
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "md5",
    "shasum",
    "digest",
    "checksum",
    "integrity",
    "commit",
    "hash",
    "etag",
    "revision",
    "nonce",
    "fingerprint",
    "rev",
    "public key",
    "public_key",
    "public-key",
    "publickey",
];
/// What they end with.
const DIGEST_ENDS: ByteSet = ends_of(&DIGEST_LABELS);

/// Whether the bytes before `start` say that a digest or a public key follows.
#[must_use]
pub fn is_digest(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(24)..start];
    if before.ends_with(b"@") {
        return true;
    }
    let label = before.trim_ascii_end();
    let label = label.strip_suffix(b"\"").unwrap_or(label).trim_ascii_end();
    let label = label
        .iter()
        .rposition(|byte| !matches!(byte, b':' | b'=' | b' ' | b'"' | b'\'' | b'-'))
        .map_or(label, |last| &label[..=last]);
    // Nearly nothing ends like one of them, nor has a slash in it.
    let ends = label
        .last()
        .is_some_and(|last| DIGEST_ENDS.has(last.to_ascii_lowercase()));
    if !ends && !label.contains(&b'/') {
        return false;
    }
    let label = &label.to_ascii_lowercase();
    DIGEST_LABELS
        .iter()
        .any(|word| label.ends_with(word.as_bytes()))
        // `checksum/secret: x`: of what the name names.
        || contains(label, b"checksum/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_values() {
        for held in [
            "xxxxxxxxxxxxxxxx",
            "your-api-key",
            "0000000000000000",
            "deadbeefdeadbeefdeadbeefdeadbeef",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij",
            "not-a-real-token-this-will-not-work",
            "changeme123",
            "1234567890",
        ] {
            assert!(is_placeholder(held.as_bytes()), "{held}");
        }
        for held in [
            "k7Gh2mQp9XvR4tLs8WzB",
            "9f86d081884c7d659a2feaa0c55ad015",
            "maple-maple-falcon-5103",
            "Tr0ub4dor&3",
        ] {
            assert!(!is_placeholder(held.as_bytes()), "{held}");
        }
    }

    #[test]
    fn references_and_digests_are_seen() {
        for held in [
            "$TOKEN",
            "${X}",
            "${{ secrets.X }}",
            "{{ x }}",
            "<your key>",
            "%X%",
            "!secret x",
            "ENC[AES256_GCM,data:x]",
        ] {
            assert!(is_reference(held.as_bytes()), "{held}");
        }
        assert!(!is_reference(b"$2b$12$KIX") && !is_reference(b"k7Gh2mQp"));
        assert!(
            is_digest(b"sha256:00", 7)
                && is_digest(b"\"md5\": \"00", 8)
                && !is_digest(b"key: 00", 5)
        );
    }
}
