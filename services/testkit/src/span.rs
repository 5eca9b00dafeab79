//! A length of time as people type it: `250us`, `20ms`, `1.5s`, `2m`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// A duration with a unit in its text form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

/// Text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no length of time; write a number and one of us, ms, s, m, such as 200ms")]
pub struct NoSpan(String);

/// Longer than any test, and far below what a timer holds.
const LONGEST: f64 = 366.0 * 24.0 * 3600.0;

// === impl Span ===

impl FromStr for Span {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Self, NoSpan> {
        let text = text.trim();
        let unit = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit);
        let scale = match unit {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            _ => return Err(NoSpan(text.to_owned())),
        };
        let seconds = number.trim().parse::<f64>().map(|n| n * scale).ok();
        let seconds = seconds.filter(|seconds| (0.0..=LONGEST).contains(seconds));
        Ok(Span(Duration::from_secs_f64(seconds.ok_or_else(|| NoSpan(text.to_owned()))?)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        match micros {
            _ if micros.is_multiple_of(1_000_000) => write!(f, "{}s", micros / 1_000_000),
            _ if micros.is_multiple_of(1_000) => write!(f, "{}ms", micros / 1_000),
            _ => write!(f, "{micros}us"),
        }
    }
}

impl TryFrom<String> for Span {
    type Error = NoSpan;

    fn try_from(text: String) -> Result<Self, NoSpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["0s", "250us", "20ms", "1500ms", "2s", "120s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("1.5s".parse(), Ok(Span(Duration::from_millis(1500))));
        assert_eq!("2m".parse(), Ok(Span(Duration::from_secs(120))));
    }

    #[test]
    fn text_without_a_unit_or_a_number_is_refused_with_an_example() {
        for text in ["", "20", "ms", "-1s", "1e99s", "NaNs", "infs", "20 min", "2h"] {
            let refused = text.parse::<Span>().unwrap_err();
            assert!(refused.to_string().contains("such as 200ms"), "{text}: {refused}");
        }
    }
}
