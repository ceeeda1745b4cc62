//! Hours of the week, and when a time lies in them.

use super::Truth;
use crate::policy::packed::fixed_struct;

fixed_struct! {
    /// Hours of the week.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::policy) struct Window {
        /// Bit 0 is Monday.
        pub(in crate::policy) days: u8,
        pub(in crate::policy) from_min: i64,
        pub(in crate::policy) to_min: i64,
        pub(in crate::policy) offset_min: i64,
        pub(in crate::policy) outside: bool,
    }
}

impl Window {
    pub(super) fn holds(self, now: &str) -> Truth {
        let Some(minutes) = minutes_since_monday(now) else {
            return Truth::Unknown;
        };
        let local = minutes + self.offset_min;
        let (day, minute) = (local.div_euclid(1440), local.rem_euclid(1440));
        let on = |day: i64| self.days & (1 << day.rem_euclid(7)) != 0;
        let inside = if self.from_min < self.to_min {
            on(day) && self.from_min <= minute && minute < self.to_min
        } else {
            // A night belongs to the day on which it begins.
            (on(day) && self.from_min <= minute) || (on(day - 1) && minute < self.to_min)
        };
        (inside != self.outside).into()
    }
}

/// Minutes from some Monday 00:00 UTC to an RFC 3339 time in UTC; `None` when it is not one.
fn minutes_since_monday(now: &str) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = now.get(from..to)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':')];
    let sound = year > 0
        && (1..=12).contains(&month)
        && (1..=days_of_month).contains(&day)
        && hour < 24
        && minute < 60
        && marks.iter().all(|(at, mark)| now.as_bytes()[*at] == *mark)
        && now.ends_with('Z');
    // Days from civil, after Howard Hinnant; day 0 is 1970-01-01, a Thursday.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    sound.then_some((days + 3) * 1440 + hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_known_from_the_date() {
        let monday = minutes_since_monday("2026-11-23T00:00:00.000000Z").expect("a time");
        assert_eq!(monday.rem_euclid(7 * 1440), 0);
        assert_eq!(minutes_since_monday("2026-13-23T00:00:00Z"), None);
        assert_eq!(minutes_since_monday("2026-02-29T00:00:00Z"), None);
        assert!(minutes_since_monday("2028-02-29T00:00:00Z").is_some());
        assert_eq!(minutes_since_monday("yesterday"), None);
        assert_eq!(minutes_since_monday("2026-11-23T00:00:00+01:00"), None);
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let night = Window {
            days: 0b1_0000, // Friday
            from_min: 22 * 60,
            to_min: 6 * 60,
            offset_min: 60,
            outside: false,
        };
        for (now, holds) in [
            ("2026-11-27T21:00:00Z", Truth::Yes), // Friday 22:00
            ("2026-11-28T04:59:00Z", Truth::Yes), // Saturday 05:59
            ("2026-11-28T05:00:00Z", Truth::No),
            ("2026-11-28T21:30:00Z", Truth::No), // Saturday 22:30
            ("2026-11-27T20:59:00Z", Truth::No),
            ("no time", Truth::Unknown),
        ] {
            assert_eq!(night.holds(now), holds, "{now}");
        }
    }
}
