//! The sum in the keys of Azure services: Marvin32 over the decoded bytes, with a seed for each kind of key.
//!
//! Algorithm and seeds as Microsoft publishes them (`microsoft/security-utilities`, `Marvin.cs` and
//! `IdentifiableMetadata.cs`; the SymCrypt library has the same function with test vectors).

/// The seeds, each eight letters: which service and which kind of key.
const SEEDS: [&[u8; 8]; 27] = [
    b"Default0", // storage
    b"MastRO00", // Cosmos DB
    b"MastRW00",
    b"SysAll00",
    b"Resour00",
    b"SystRO00",
    b"SystRW00",
    b"Encryp00",
    b"Functi00", // Functions
    b"Master00",
    b"System00",
    b"Access00", // Redis
    b"Unknown0", // Service Bus, Event Hubs, Relay
    b"Send0000",
    b"Manage00",
    b"Listen00",
    b"AbAcct00", // Batch
    b"Query000", // Search
    b"PAdmin00",
    b"Classic0", // Machine Learning
    b"ACRDflt0", // Container Registry
    b"IoTHub00", // IoT Hub; API Management subscriptions
    b"DpsKey00",
    b"Device00",
    b"Tenant00", // API Management
    b"Gatewy00",
    b"GitKey00",
];

/// Whether the last four bytes of a decoded key are the sum of those before them, with any seed.
#[must_use]
pub fn holds(key: &[u8]) -> bool {
    let Some((body, sum)) = key
        .len()
        .checked_sub(4)
        .and_then(|at| key.split_at_checked(at))
    else {
        return false;
    };
    SEEDS
        .iter()
        .any(|seed| marvin32(u64::from_be_bytes(**seed), body).to_le_bytes() == *sum)
}

const fn mix(mut low: u32, mut high: u32) -> (u32, u32) {
    high ^= low;
    low = low.rotate_left(20).wrapping_add(high);
    high = high.rotate_left(9) ^ low;
    low = low.rotate_left(27).wrapping_add(high);
    (low, high.rotate_left(19))
}

fn marvin32(seed: u64, bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (seed as u32, (seed >> 32) as u32);
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        (low, high) = mix(low.wrapping_add(word), high);
    }
    let rest = words.remainder();
    let last = rest
        .iter()
        .rev()
        .fold(0x80, |last, byte| last << 8 | u32::from(*byte));
    (low, high) = mix(low.wrapping_add(last), high);
    (low, high) = mix(low, high);
    low ^ high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_of_the_function_hold() {
        // The 64-bit results of the reference, for one seed and inputs of each length of the last word.
        for (bytes, sum) in [
            (b"".as_slice(), 0x30ed_35c1_00cd_3c7d_u64),
            (b"\xaf", 0x48e7_3fc7_7d75_ddc1),
            (b"\xe7\x0f", 0xb5f6_e1fc_485d_bff8),
            (b"\x37\xf4\x95", 0xf0b0_7c78_9b8c_f7e8),
            (b"\x86\x42\xdc\x59", 0x7008_f2e8_7e9c_f556),
            (b"\xab\x42\x7e\xa8\xd1\x0f\xc7", 0xe118_47e4_f067_8c41),
        ] {
            let expected = (sum >> 32) as u32 ^ sum as u32;
            assert_eq!(marvin32(0x004f_b61a_001b_dbcc, bytes), expected);
        }
    }

    #[test]
    fn a_sum_holds_for_its_own_bytes_only() {
        let mut key = b"thirty-two bytes, or a few less.".to_vec();
        let sum = marvin32(u64::from_be_bytes(*b"Default0"), &key);
        key.extend(sum.to_le_bytes());
        assert!(holds(&key));
        key[3] ^= 1;
        assert!(!holds(&key) && !holds(b"abc"));
    }
}
