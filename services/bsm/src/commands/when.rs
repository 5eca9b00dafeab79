//! Times as people write and read them on the command line, in UTC.

use bsm_runtime::clock::{self, DAY_MS};

use crate::exit::{Exit, Failure};

/// A date such as `2026-01-31`, a span before `now` such as `30m`, `24h` or `7d`, or ms since 1970; in ms since 1970.
pub(super) fn parse(text: &str, now: i64) -> Option<i64> {
    let span = |unit: &str, ms: i64| {
        let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|count| *count >= 0)?;
        now.checked_sub(count.checked_mul(ms)?)
    };
    let ms = || text.parse().ok().filter(|ms: &i64| *ms >= 0);
    let spans = || span("m", 60_000).or_else(|| span("h", 3_600_000)).or_else(|| span("d", DAY_MS));
    date(text).or_else(ms).or_else(spans)
}

/// The same, given as an option of this name.
///
/// # Errors
/// A sentence for who wrote something else.
pub(super) fn option(name: &str, text: &str, now: i64) -> anyhow::Result<i64> {
    let forms = "a date such as 2026-01-31, a span such as 30m, 24h or 7d, or ms since 1970";
    let mistake = || Failure::error(Exit::Usage, format!("--{name} {text:?} is no time; write {forms}"));
    parse(text, now).ok_or_else(mistake)
}

/// When the date begins.
fn date(text: &str) -> Option<i64> {
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten();
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let begins = days(number(year).filter(|year| *year <= 9_999)?, number(month)?, number(day)?) * DAY_MS;
    // A day that there is not, such as 2026-02-30, comes out as another one.
    (clock::date(begins) == text).then_some(begins)
}

/// Days since 1970-01-01 of the proleptic Gregorian calendar. Of days and months that there are not, something.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (month, day) = (month.min(99), day.min(99));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) }; // from March
    let (cycle, year_of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    cycle * 146_097 + year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year - 719_468
}

/// To the minute, such as `2026-01-31 12:05`.
pub(super) fn show(ms: i64) -> String {
    let minutes = ms.rem_euclid(DAY_MS) / 60_000;
    format!("{} {:02}:{:02}", clock::date(ms), minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_people_write() {
        let now = 1_800_000_000_000;
        for (text, ms) in [
            ("1970-01-01", Some(0)),
            ("2000-02-29", Some(11_016 * DAY_MS)),
            ("2025-09-01", Some(20_332 * DAY_MS)),
            ("2100-03-01", Some(47_541 * DAY_MS)),
            ("30m", Some(now - 1_800_000)),
            ("24h", Some(now - DAY_MS)),
            ("7d", Some(now - 7 * DAY_MS)),
            ("1700000000000", Some(1_700_000_000_000)),
            ("2025-02-29", None),
            ("2025-13-01", None),
            ("25-01-01", None),
            ("2025-1-01", None),
            ("yesterday", None),
            ("-1d", None),
            ("-5", None),
            ("99999999999999999999d", None),
            ("", None),
        ] {
            assert_eq!(parse(text, now), ms, "{text}");
        }
    }

    #[test]
    fn times_are_shown_to_the_minute() {
        assert_eq!(show(20_332 * DAY_MS + 12 * 3_600_000 + 5 * 60_000 + 59_999), "2025-09-01 12:05");
        assert_eq!(show(11_016 * DAY_MS), "2000-02-29 00:00");
    }
}
