//! The wall clock, read at the edges only: what decides takes the time as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01 UTC, now. A clock set before 1970 reads as 0.
pub fn unix_ms() -> i64 {
    ms_of(SystemTime::now())
}

/// Milliseconds since 1970-01-01 UTC at `time`; 0 for times before.
pub fn ms_of(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// One day in milliseconds.
pub const DAY_MS: i64 = 86_400_000;

/// The date in UTC at `ms` since 1970, such as `2026-01-31`: the proleptic Gregorian calendar, by its 400-year cycle.
pub fn date(ms: i64) -> String {
    let days = ms.div_euclid(DAY_MS) + 719_468; // since 0000-03-01
    let (cycle, day_of_cycle) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month = (5 * day_of_year + 2) / 153; // from March
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", cycle * 400 + year_of_cycle + next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_332, "2025-09-01"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(day * DAY_MS), expected);
        }
    }
}
