//! What can be checked about a token without asking anybody: its checksum, its structure.
//!
//! A checksum says whether a token was issued; a structure whether it is one at all.

use sha2::{Digest, Sha256};

use super::codec;
use super::marvin;
use super::mnemonic;
use super::shape::{Matched, Shape};
use crate::scan::Checksum;

/// A token as a verifier sees it.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    /// The scanned bytes.
    pub bytes: &'a [u8],
    /// The shape that matched.
    pub shape: &'a Shape,
    /// Where.
    pub matched: &'a Matched,
}

impl<'a> Token<'a> {
    fn all(&self) -> &'a [u8] {
        &self.bytes[self.matched.start..self.matched.end]
    }

    fn secret(&self) -> &'a [u8] {
        &self.bytes[self.matched.secret_start..self.matched.secret_end]
    }

    fn last(&self) -> &'a [u8] {
        self.matched.part(self.bytes, self.shape.parts.len() - 1)
    }

    fn before_last(&self) -> &'a [u8] {
        let all = self.all();
        &all[..all.len() - self.last().len()]
    }

    /// The variable parts without the last, joined.
    fn body(&self) -> Vec<u8> {
        let variable = self.shape.variable(self.bytes, self.matched);
        let length = variable.len().saturating_sub(self.last().len());
        variable[..length].to_vec()
    }
}

/// A checksum: what the sum of `token` must be, from everything but the sum.
type Sum = fn(&Token<'_>) -> Option<bool>;

static CHECKSUMS: [(&str, Sum); 13] = [
    ("crc32-base62", |token| {
        Some(base_digits(crc32(&token.body()), 62, 6).as_bytes() == token.last())
    }),
    ("crc32-hex", |token| {
        Some(format!("{:08x}", crc32(&token.body())).as_bytes() == token.last())
    }),
    ("crc32-hex-all", |token| {
        Some(
            format!(
                "{:08x}",
                crc32(without_joint(token.before_last())).swap_bytes()
            )
            .as_bytes()
                == token.last(),
        )
    }),
    ("crc32-upperhex-all", |token| {
        Some(format!("{:08X}", crc32(token.before_last())).as_bytes() == token.last())
    }),
    ("crc32-base36-all", |token| {
        Some(base_digits(crc32(token.before_last()), 36, 7).as_bytes() == token.last())
    }),
    ("crc32-base64", |token| {
        Some(codec::to_base64(&crc32(&token.body()).to_le_bytes()).as_bytes()[..6] == *token.last())
    }),
    ("sha256-base32", |token| {
        let digest = Sha256::digest(token.all().get(..77)?);
        let sum = codec::to_base32(digest.get(..5)?).to_lowercase();
        Some(
            token
                .all()
                .get(77..85)?
                .eq_ignore_ascii_case(sum.as_bytes()),
        )
    }),
    ("bech32", |token| Some(bech32_holds(token.secret()))),
    ("base58check", |token| {
        let bytes = codec::base58(token.secret())?;
        let (payload, sum) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
        Some(Sha256::digest(Sha256::digest(payload))[..4] == *sum)
    }),
    ("crc16-xmodem", |token| {
        let bytes = codec::base32(token.secret())?;
        let (payload, sum) = bytes.split_at_checked(bytes.len().checked_sub(2)?)?;
        Some(crc16_xmodem(payload).to_le_bytes() == *sum)
    }),
    ("marvin32", |token| {
        Some(marvin::holds(&codec::base64(token.secret())?))
    }),
    ("luhn", |token| Some(luhn(token.secret()))),
    ("mod97", |token| Some(mod97(token.secret()))),
];

type Structure = fn(&Token<'_>) -> bool;

static STRUCTURES: [(&str, Structure); 13] = [
    ("jwt", |token| is_jwt(token.secret())),
    ("base64-json", |token| {
        longest_run(token)
            .and_then(|run| codec::base64(&run[..run.len() - run.len() % 4]))
            .is_some_and(|text| text.starts_with(b"{\""))
    }),
    ("macaroon", |token| {
        longest_run(token).is_some_and(|run| codec::base64(run.trim_ascii_end()).is_some())
    }),
    ("discord", |token| {
        let first = token.matched.part(token.bytes, 0);
        codec::base64(first).is_some_and(|id| id.len() >= 17 && id.iter().all(u8::is_ascii_digit))
    }),
    ("basic", |token| {
        codec::base64(token.secret()).is_some_and(|pair| {
            pair.iter()
                .position(|byte| *byte == b':')
                .is_some_and(|at| at > 0 && pair.len() - at > 4 && pair[..at] != pair[at + 1..])
                && std::str::from_utf8(&pair).is_ok_and(|text| !text.chars().any(char::is_control))
        })
    }),
    ("azure-cask", |token| {
        token.secret().windows(6).any(|window| window == b"JQQJ99")
    }),
    ("bedrock", |token| {
        longest_run(token)
            .and_then(codec::base64)
            .is_some_and(|text| text.starts_with(b"BedrockAPIKey-"))
    }),
    ("colon-token", |token| {
        codec::base64(token.secret()).is_some_and(|bytes| {
            let digits = bytes
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            (9..=13).contains(&digits) && bytes.get(digits) == Some(&b':')
        })
    }),
    ("x25519", |token| {
        codec::base64(token.secret())
            .is_some_and(|key| key.len() == 32 && key[0] & 7 == 0 && key[31] & 0xc0 == 0x40)
    }),
    ("reftkn", |token| {
        codec::base64(token.secret()).is_some_and(|text| text.starts_with(b"reftkn:"))
    }),
    ("sas", |token| {
        let mut signature = token.last().to_vec();
        if let Some(decoded) = percent(&signature) {
            signature = decoded;
        }
        codec::base64(&signature).is_some_and(|bytes| bytes.len() == 32)
    }),
    ("mnemonic", |token| mnemonic::is_mnemonic(token.secret())),
    ("mixed", |token| {
        let variable = token.shape.variable(token.bytes, token.matched);
        variable.iter().any(u8::is_ascii_digit) && variable.iter().any(u8::is_ascii_alphabetic)
    }),
];

/// The index of a checksum by name.
#[must_use]
pub fn checksum_named(name: &str) -> Option<u8> {
    CHECKSUMS
        .iter()
        .position(|(held, _)| *held == name)
        .map(|index| index as u8)
}

/// The index of a structure by name.
#[must_use]
pub fn structure_named(name: &str) -> Option<u8> {
    STRUCTURES
        .iter()
        .position(|(held, _)| *held == name)
        .map(|index| index as u8)
}

/// What a token's checksum says; `None` when it cannot be computed here.
#[must_use]
pub fn checksum(index: u8, token: &Token<'_>) -> Option<Checksum> {
    let (_, sum) = CHECKSUMS.get(usize::from(index))?;
    sum(token).map(|holds| {
        if holds {
            Checksum::Valid
        } else {
            Checksum::Mismatch
        }
    })
}

/// The user and the password that a token says, when `structures` ask that it is such a pair.
#[must_use]
pub fn pair(structures: &[u8], token: &Token<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let basic = structure_named("basic")?;
    if !structures.contains(&basic) {
        return None;
    }
    let mut user = codec::base64(token.secret())?;
    let colon = user.iter().position(|byte| *byte == b':')?;
    let password = user.split_off(colon + 1);
    user.pop();
    Some((user, password))
}

/// Whether a token has a structure.
#[must_use]
pub fn has_structure(index: u8, token: &Token<'_>) -> bool {
    STRUCTURES
        .get(usize::from(index))
        .is_some_and(|(_, holds)| holds(token))
}

/// The sum that makes `body` (all that stands before it in the token, variable parts apart) valid; for examples.
#[must_use]
pub fn sum_for(name: &str, prefix: &[u8], variable: &[u8]) -> Option<String> {
    Some(match name {
        "crc32-base62" => base_digits(crc32(variable), 62, 6),
        "crc32-hex" => format!("{:08x}", crc32(variable)),
        "crc32-hex-all" => format!("{:08x}", crc32(without_joint(prefix)).swap_bytes()),
        "crc32-upperhex-all" => format!("{:08X}", crc32(prefix)),
        "crc32-base36-all" => base_digits(crc32(prefix), 36, 7),
        "crc32-base64" => codec::to_base64(&crc32(variable).to_le_bytes())[..6].to_owned(),
        "sha256-base32" => {
            let digest = Sha256::digest(prefix.get(..77)?);
            codec::to_base32(digest.get(..5)?)
        }
        "luhn" => (b'0'..=b'9')
            .map(|digit| [variable, &[digit]].concat())
            .find(|all| luhn(all))
            .and_then(|all| all.last().map(|digit| char::from(*digit).to_string()))?,
        _ => return None,
    })
}

fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// What a CRC covers when an underscore joins it to the rest.
fn without_joint(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"_").unwrap_or(bytes)
}

/// A number in base 36 or 62, padded with `0`.
fn base_digits(mut number: u32, base: u32, width: usize) -> String {
    let digits: &[u8; 62] = if base == 36 {
        b"0123456789abcdefghijklmnopqrstuvwxyz--------------------------"
    } else {
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    };
    let mut out = vec![b'0'; width];
    for place in out.iter_mut().rev() {
        *place = digits[(number % base) as usize];
        number /= base;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn crc16_xmodem(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x1021
            }
        })
    })
}

/// Whether a number's last digit is right (ISO/IEC 7812); other bytes are skipped.
#[must_use]
pub fn luhn(number: &[u8]) -> bool {
    let mut sum = 0;
    let mut count = 0_u32;
    for byte in number.iter().rev().filter(|byte| byte.is_ascii_digit()) {
        let digit = u32::from(byte - b'0');
        sum += if count % 2 == 1 {
            digit * 2 / 10 + digit * 2 % 10
        } else {
            digit
        };
        count += 1;
    }
    count > 1 && sum % 10 == 0
}

/// Whether an IBAN's check digits are right (ISO 7064, MOD 97-10); blanks are skipped.
#[must_use]
pub fn mod97(iban: &[u8]) -> bool {
    let compact: Vec<u8> = iban
        .iter()
        .copied()
        .filter(u8::is_ascii_alphanumeric)
        .collect();
    if compact.len() < 5 {
        return false;
    }
    let mut rest = 0_u32;
    for byte in compact[4..].iter().chain(&compact[..4]) {
        rest = match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            _ => (rest * 100 + u32::from(byte.to_ascii_uppercase() - b'A') + 10) % 97,
        };
    }
    rest == 1
}

/// BIP-173: the checksum of the whole string is one.
fn bech32_holds(text: &[u8]) -> bool {
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let Some(one) = text.iter().rposition(|byte| *byte == b'1') else {
        return false;
    };
    let Some(data) = codec::bech32_values(&text[one + 1..]) else {
        return false;
    };
    let human = text[..one].to_ascii_lowercase();
    let values = human
        .iter()
        .map(|byte| byte >> 5)
        .chain([0])
        .chain(human.iter().map(|byte| byte & 31))
        .chain(data);
    let sum = values.fold(1_u32, |sum, value| {
        let top = sum >> 25;
        GENERATOR
            .iter()
            .enumerate()
            .filter(|(bit, _)| top >> bit & 1 == 1)
            .fold(
                (sum & 0x1ff_ffff) << 5 ^ u32::from(value),
                |sum, (_, generator)| sum ^ generator,
            )
    });
    sum == 1
}

/// Whether the first part of a dotted token decodes to a JSON header with `alg`.
#[must_use]
pub fn is_jwt(token: &[u8]) -> bool {
    let header = token.split(|byte| *byte == b'.').next().unwrap_or_default();
    codec::base64(header).is_some_and(|text| {
        text.starts_with(b"{") && text.windows(5).any(|window| window == b"\"alg\"")
    })
}

fn longest_run<'a>(token: &Token<'a>) -> Option<&'a [u8]> {
    (0..token.shape.parts.len())
        .map(|index| token.matched.part(token.bytes, index))
        .max_by_key(|part| part.len())
}

fn percent(text: &[u8]) -> Option<Vec<u8>> {
    if !text.contains(&b'%') {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'%' {
            out.push(
                codec::hex_digit(*text.get(at + 1)?)? << 4 | codec::hex_digit(*text.get(at + 2)?)?,
            );
            at += 3;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors_of_the_algorithms_hold() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc16_xmodem(b"123456789"), 0x31c3);
        assert_eq!(base_digits(61, 62, 6), "00000z");
        assert_eq!(base_digits(35, 36, 7), "000000z");
        assert!(luhn(b"4111 1111 1111 1111") && !luhn(b"4111 1111 1111 1112"));
        assert!(mod97(b"GB82 WEST 1234 5698 7654 32") && !mod97(b"GB82 WEST 1234 5698 7654 33"));
        // BIP-173, valid and invalid test vectors.
        assert!(bech32_holds(b"A12UEL5L") && !bech32_holds(b"A1G7SGD8"));
    }
}
