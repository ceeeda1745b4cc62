//! Names of things where a value might stand: identifiers, constants, versions, numbers with a type.

/// Most digits after the letters of a word that is still a word: `ed25519`, `sha512`.
const MOST_DIGITS: usize = 5;

/// `4097u32`, `0x1Fu64`, `-153i32`: a number with its type.
pub(super) fn is_typed_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let Some(at) = text
        .iter()
        .rposition(|byte| matches!(byte, b'u' | b'i' | b'f'))
    else {
        return false;
    };
    let (number, kind) = (&text[..at], &text[at + 1..]);
    matches!(kind, b"8" | b"16" | b"32" | b"64" | b"128" | b"size")
        && number.first().is_some_and(u8::is_ascii_digit)
        && number
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'_'))
}

/// Whether it is words run together, each with a capital, and perhaps numbers: `testRSA2048PrivateKey`, `TestVet/0`,
/// `testP256Key`, `updatedById`.
pub(super) fn is_identifier(text: &[u8]) -> bool {
    let mut held = Words::default();
    let mut at = 0;
    while at < text.len() {
        let head = text[at];
        let length = part(&text[at..]);
        at += length;
        if head.is_ascii_alphabetic() {
            held.words += 1;
            held.letters += length;
            held.in_long += if length >= 4 { length } else { 0 };
            if text.get(at).is_some_and(u8::is_ascii_digit) {
                // The letters of `P256` and `Ed25519` are none by themselves.
                held.numbered += usize::from(length < 3);
            } else {
                held.short += 3_usize.saturating_sub(length);
            }
        } else if head.is_ascii_digit() {
            held.numbers += 1;
        }
        // More than any name has: what machines make is told by its first few bytes.
        if held.short > 1 || held.numbered > 1 || held.numbers > 2 {
            return false;
        }
    }
    // What machines make has many short runs and many numbers; one `At` or `P256` is in many names.
    let plain = held.short + held.numbered == 0 && held.numbers <= 1;
    let with_some = held.short <= 1
        && held.numbered <= 1
        && held.numbers <= 2
        && held.in_long * 2 >= held.letters;
    // Signs that a name never has.
    let signs = |byte: &u8| {
        matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'*' | b'+' | b'?' | b'@' | b'^' | b'~'
        )
    };
    held.words >= 2
        && !text.iter().any(signs)
        && (plain || with_some)
        && text[0].is_ascii_alphabetic()
        && text.iter().any(u8::is_ascii_uppercase)
        && text.iter().any(u8::is_ascii_lowercase)
}

/// What an identifier is made of.
#[derive(Default)]
struct Words {
    words: usize,
    letters: usize,
    /// Letters in words of four at least.
    in_long: usize,
    /// Words of one or two letters before a number, and what others lack to three letters.
    numbered: usize,
    short: usize,
    numbers: usize,
}

/// How long the first part is: capitals, a word, digits, or signs.
fn part(text: &[u8]) -> usize {
    let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_alphabetic());
    let capitals = text
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    if capitals > 1 {
        return capitals;
    }
    1 + text[1..]
        .iter()
        .take_while(|byte| kind(**byte) == kind(text[0]) && !byte.is_ascii_uppercase())
        .count()
}

/// `D3DKMT_ESCAPE_OPERATION`: capitals joined by `_`, with a number here and there.
pub(super) fn is_constant(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    text.contains(&b'_')
        && digits * 4 <= text.len()
        && text
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// Words with numbers among them: `ecdsa-sha2-nistp256`, `aws_secret_v2`, `2026-01-01T00:00`, `ed25519.PrivateKey`.
pub(super) fn is_name(text: &[u8]) -> bool {
    let joint = |byte: &u8| matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b'=');
    is_constant(text)
        || text
            .split(joint)
            .all(|piece| is_word(piece) || is_identifier(piece))
}

/// Letters of one case, or with a capital at the start, and a number after them; a number; a version: `v1beta3`.
fn is_word(piece: &[u8]) -> bool {
    let version = piece
        .strip_prefix(b"v")
        .is_some_and(|rest| rest.len() <= 8 && rest.first().is_some_and(u8::is_ascii_digit));
    if version || piece.len() <= 12 && piece.iter().all(u8::is_ascii_digit) {
        return true;
    }
    let upper = piece
        .get(1)
        .or(piece.first())
        .is_some_and(u8::is_ascii_uppercase);
    let letters = piece
        .iter()
        .enumerate()
        .take_while(|(index, byte)| {
            byte.is_ascii_alphabetic()
                && (byte.is_ascii_uppercase() == upper || *index == 0 && byte.is_ascii_uppercase())
        })
        .count();
    let rest = &piece[letters..];
    // `NIST-800-63B`
    let numbered = letters == 0 && rest.len() <= 4;
    let rest = match rest.split_last() {
        Some((last, digits)) if numbered && last.is_ascii_uppercase() && !digits.is_empty() => {
            digits
        }
        _ => rest,
    };
    rest.len() <= MOST_DIGITS && rest.iter().all(u8::is_ascii_digit)
}

/// Words that names of resources say what they keep with.
static KEPT: [&[u8]; 7] = [
    b"token",
    b"secret",
    b"secrets",
    b"creds",
    b"credentials",
    b"tls",
    b"key",
];
/// Longest ending that a cluster gives the name of a resource.
const LONGEST_ENDING: usize = 10;

/// `default-token-x7k2p`, `wildcard-tls-8f3a1`: what a resource that keeps a secret is called.
pub(super) fn is_resource(text: &[u8]) -> bool {
    let mut pieces = text.split(|byte| *byte == b'-');
    let ending = pieces.next_back().unwrap_or_default();
    let (mut words, mut kept, mut plain) = (0, false, true);
    for piece in pieces {
        words += 1;
        kept |= KEPT.contains(&piece);
        plain &= piece.len() >= 2 && piece.iter().all(u8::is_ascii_lowercase);
    }
    let made = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    words >= 2 && kept && plain && ending.len() <= LONGEST_ENDING && ending.iter().all(made)
}

/// `Login_token__w8a0j`: a class of a style sheet that was made unique.
pub(super) fn is_style_class(text: &[u8]) -> bool {
    /// Longest mark that makes it unique.
    const LONGEST: usize = 8;
    memchr::memmem::rfind(text, b"__").is_some_and(|at| {
        let (head, mark) = (&text[..at], &text[at + 2..]);
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !head.is_empty()
            && is_name(head)
            && (4..=LONGEST).contains(&mark.len())
            && mark.iter().all(word)
    })
}

/// `0x52908400098527886E0F7030069857D2E4169EE7`: an account or a contract of a ledger, which is public.
pub(super) fn is_account(text: &[u8]) -> bool {
    text.len() == 42 && text.starts_with(b"0x") && text[2..].iter().all(u8::is_ascii_hexdigit)
}

/// Endings of files that programs are made of.
static ENDINGS: [&[u8]; 14] = [
    b".js", b".mjs", b".css", b".map", b".ts", b".tsx", b".jsx", b".svg", b".png", b".html",
    b".json", b".woff2", b".pem", b".yaml",
];

/// `auth~token.0badcf1f.chunk.js`: the name of a file.
pub(super) fn is_file(text: &[u8]) -> bool {
    ENDINGS.iter().any(|ending| text.ends_with(ending))
        && text.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b'/' | b'@')
        })
}

/// `required|string|min:8`: rules that a value has to keep.
pub(super) fn is_rules(text: &[u8]) -> bool {
    let mut rules = 0;
    text.contains(&b'|')
        && text.split(|byte| *byte == b'|').all(|rule| {
            rules += 1;
            let name = rule.split(|byte| *byte == b':').next().unwrap_or(rule);
            name.len() >= 2
                && name
                    .iter()
                    .all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
        })
        && rules >= 2
}

/// Whether it has the form of a UUID.
pub(super) fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_alphanumeric(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_what_machines_make() {
        for name in [
            "ecdsa-sha2-nistp256",
            "ed25519.Ed25519PrivateKey",
            "ek.encryptionKey1024",
            "pkcs-9-at-pkcs15Token",
            "D3DKMT_PRESENTHISTORYTOKEN",
            "super::super::UNICODE_STRING",
            "core-8-6-branch",
            "testP256PrivateKey",
            "GoogleCloudGkemulticloudV1AwsProxyConfig",
            "v1beta3.SqladminV1beta3",
            "projects/12345/secrets/my-tls-key/versions/1",
            "Updated2At",
            "NIST-800-63B",
        ] {
            assert!(is_name(name.as_bytes()), "{name}");
        }
        for value in [
            "k7Gh2mQp9XvR4tLs8WzB",
            "9f86d081884c7d659a2feaa0c55ad015",
            "A7F3_K29D_PQ81_ZX04",
            "aB3dE6gH9jK2mN5pQ8sT",
            "d51148e1f9f4fa1a723a6cf4",
            "Abbfw45o4Jnv1m7",
            "WW_Jvv_Dew6EWRqkt3_gdr",
        ] {
            assert!(!is_name(value.as_bytes()), "{value}");
        }
        for number in ["4097u32", "0x1Fu64", "-2147212282i32"] {
            assert!(is_typed_number(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn names_of_resources_classes_and_accounts_are_told_from_values() {
        for name in ["coredns-token-3gk93", "app-tls-x8f2k1", "db-main-creds-7a"] {
            assert!(is_resource(name.as_bytes()), "{name}");
        }
        for value in [
            "falcon-ember-4168",
            "token-x8f2k1",
            "app-token-k7Gh2mQp",
            "my-token-0123456789a",
        ] {
            assert!(!is_resource(value.as_bytes()), "{value}");
        }
        assert!(is_style_class(b"Login_token__w8a0j") && is_style_class(b"secret-field__a_B3d"));
        assert!(
            !is_style_class(b"k7Gh2mQp9Xv__R4tLs8") && !is_style_class(b"token__k7Gh2mQp9XvR4")
        );
        assert!(
            is_file(b"auth~token.0badcf1f137131e1e390.chunk.js") && !is_file(b"k7Gh2mQp9XvR.R4")
        );
        assert!(is_rules(b"required|string|min:8|regex:/[0-9]/") && !is_rules(b"k7Gh|2mQp9XvR"));
        assert!(is_account(format!("0x{}", "52908400".repeat(5)).as_bytes()));
        assert!(!is_account(
            format!("0x{}", "52908400".repeat(8)).as_bytes()
        ));
        assert!(is_uuid(b"7b3bcec2-374e-4c5a-b2b9-563bf47249f0") && !is_uuid(b"7b3bcec2-374e"));
    }
}
