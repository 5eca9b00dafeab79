//! A day, as prices carry it.

use std::fmt;

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Node, Path, Read, Text};

/// A day such as 2026-05-31; there is such a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

/// Reads a [`Day`].
#[derive(Clone, Copy, Debug)]
pub(super) struct ADay;

// === impl Day ===

impl Day {
    /// The day of a text like `2026-05-31`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Day> {
        let mut parts = text.split('-').map(|part| (part.len(), part.parse::<u16>().ok()));
        let mut part = |digits| match parts.next() {
            Some((length, Some(number))) if length == digits => Some(number),
            _ => None,
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let known = parts.next().is_none() && (1..=12).contains(&month);
        let exists = known && (1..=days(year, month)).contains(&day);
        exists.then_some(Day { year, month: month as u8, day: day as u8 })
    }
}

const fn days(year: u16, month: u16) -> u16 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Read for ADay {
    type Out = Day;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Day> {
        let text = Text.read(node, path, findings)?;
        let day = Day::parse(&text);
        if day.is_none() {
            findings.error(node.at, path, format!("{text:?} is not a day"), "write it as 2026-05-31");
        }
        day
    }

    fn wanted(&self) -> String {
        "a day such as 2026-05-31".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_that_there_is() {
        for day in ["2026-05-31", "2024-02-29", "2000-02-29"] {
            assert_eq!(Day::parse(day).unwrap().to_string(), day);
        }
        for text in [
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-1-1",
            "2026-05-31-1",
            "",
            "yesterday",
            "2026-00-10",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }
}
