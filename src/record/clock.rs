//! The three clocks of a record: wall clock, time since boot, and which boot. The only clock the record reads.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// When a record was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// RFC 3339, UTC, six digits of fraction: every timestamp has the same length and sorts as text.
    pub ts: String,
    /// Nanoseconds since boot, sleep included where the system counts it; never set back.
    pub mono: u64,
    /// The boot `mono` counts from; `None` where the system does not name it.
    pub boot: Option<String>,
}

impl Stamp {
    /// Reads what never changes, so that [`Stamp::now`] need not when a lock is held.
    pub(super) fn prepare() {
        let _ = boot_id();
    }

    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self {
            ts: rfc3339_micros(SystemTime::now()),
            mono: since_boot_ns(),
            boot: boot_id().map(str::to_owned),
        }
    }
}

/// RFC 3339 in UTC with microseconds, `2026-11-22T09:41:07.123456Z`. Times before 1970 read as 1970.
#[must_use]
pub fn rfc3339_micros(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs();
    let (year, month, day) = civil(seconds / 86_400);
    let of_day = seconds % 86_400;
    let mut text = [0_u8; 27];
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], of_day / 3_600);
    digits(&mut text[14..16], of_day / 60 % 60);
    digits(&mut text[17..19], of_day % 60);
    digits(&mut text[20..26], u64::from(since.subsec_micros()));
    for (at, mark) in MARKS {
        text[at] = mark;
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn digits(out: &mut [u8], mut number: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar.
///
/// Counts in eras of 400 years that begin on 1 March, so that the leap day is the last day of a year.
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + (month <= 2) as u64;
    (year, month, day)
}

/// Minutes from 1970 to a time in UTC as [`rfc3339_micros`] writes it; `None` for any other text.
#[must_use]
pub fn minute_of(time: &str) -> Option<u64> {
    let bytes = time.as_bytes();
    let number = |from, to| number(bytes, from, to);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    let sound = MARKS[..4]
        .iter()
        .all(|(at, mark)| bytes.get(*at) == Some(mark))
        && bytes.last() == Some(&b'Z')
        && year >= 1970
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60;
    if !sound {
        return None;
    }
    Some(days_since_1970(year, month, day) * 1_440 + hour * 60 + minute)
}

/// Microseconds since 1970 of a time exactly as [`rfc3339_micros`] writes it; `None` for any other text, also for a day
/// that no calendar has.
pub(super) fn micros_of(time: &str) -> Option<i64> {
    let bytes: &[u8; 27] = time.as_bytes().try_into().ok()?;
    if MARKS.iter().any(|(at, mark)| bytes.get(*at) != Some(mark)) {
        return None;
    }
    let number = |from, to| number(bytes, from, to);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of = |month: u64| match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1970..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=days_of(month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    i64::try_from(seconds * 1_000_000 + number(20, 26)?).ok()
}

/// What stands between the digits of a time, and where.
const MARKS: [(usize, u8); 7] = [
    (4, b'-'),
    (7, b'-'),
    (10, b'T'),
    (13, b':'),
    (16, b':'),
    (19, b'.'),
    (26, b'Z'),
];

/// The number that decimal digits say; `None` for anything else.
fn number(bytes: &[u8], from: usize, to: usize) -> Option<u64> {
    bytes.get(from..to)?.iter().try_fold(0, |sum: u64, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + u64::from(digit - b'0'))
    })
}

/// The inverse of `civil`, from 1970 on.
const fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let march_year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 + of_year - 719_468
}

#[cfg(unix)]
fn since_boot_ns() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::Monotonic;
    let now = clock_gettime(CLOCK);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let rest = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

#[cfg(not(unix))]
fn since_boot_ns() -> u64 {
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The system's own name of this boot, read once per process.
fn boot_id() -> Option<&'static str> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    BOOT.get_or_init(|| {
        let mut text = [0_u8; 64];
        let mut file = std::fs::File::open("/proc/sys/kernel/random/boot_id").ok()?;
        // One read, not `read_to_string`: that would ask for the size first and read again for the end.
        let length = std::io::Read::read(&mut file, &mut text).ok()?;
        let id = std::str::from_utf8(text.get(..length)?).ok()?.trim();
        (!id.is_empty()).then(|| id.to_owned())
    })
    .as_deref()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timestamps_are_utc_with_six_digits() {
        for (seconds, micros, text) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000001Z"),
            (1_709_251_199, 999_999, "2024-02-29T23:59:59.999999Z"),
            (1_795_340_467, 123_456, "2026-11-22T09:41:07.123456Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros);
            assert_eq!(rfc3339_micros(time), text);
        }
    }

    #[test]
    fn minutes_are_those_that_were_written() {
        for seconds in [
            0,
            59,
            951_782_400,
            1_709_251_199,
            1_795_340_467,
            4_107_542_400,
        ] {
            let text = rfc3339_micros(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(minute_of(&text), Some(seconds / 60), "{text}");
        }
        for text in [
            "",
            "soon",
            "1969-12-31T23:59:59Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22T09:41:07+01:00",
        ] {
            assert_eq!(minute_of(text), None, "{text}");
        }
    }

    #[test]
    fn time_since_boot_never_goes_back() {
        let first = since_boot_ns();
        assert!(first > 0 || cfg!(not(unix)));
        assert!(since_boot_ns() >= first);
    }
}
