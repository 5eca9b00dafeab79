//! The `grpc-timeout` header: one to eight digits and a unit.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;

/// The name of the header.
pub const GRPC_TIMEOUT: http::HeaderName = http::HeaderName::from_static("grpc-timeout");

/// The largest number that eight digits can write.
const MAX_VALUE: u128 = 99_999_999;

/// The units and how many nanoseconds each holds, finest first.
const UNITS: [(char, u128); 6] = [
    ('n', 1),
    ('u', 1_000),
    ('m', 1_000_000),
    ('S', 1_000_000_000),
    ('M', 60_000_000_000),
    ('H', 3_600_000_000_000),
];

/// Reads a header value; `None` if it is not one to eight digits followed by `H`, `M`, `S`, `m`, `u` or `n`.
#[must_use]
pub fn parse_grpc_timeout(value: &str) -> Option<Duration> {
    let unit = value.chars().next_back()?;
    let digits = &value[..value.len() - unit.len_utf8()];
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (_, nanos) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    Some(from_nanos(digits.parse::<u128>().ok()? * nanos))
}

/// Writes a header value in the finest unit that eight digits can hold, rounded down: the callee is never
/// given more than the caller has. Anything above 99,999,999 hours is written as that.
#[must_use]
pub fn format_grpc_timeout(timeout: Duration) -> String {
    let (number, unit) = in_finest_unit(timeout);
    format!("{number}{unit}")
}

/// The same as a header value, without the detour by way of a text. One that is cheap to clone, because layers that send
/// again do.
pub(super) fn grpc_timeout(timeout: Duration) -> HeaderValue {
    let (mut number, unit) = in_finest_unit(timeout);
    let mut text = Text { bytes: [unit as u8; 9], first: 8 };
    loop {
        text.first -= 1;
        text.bytes[text.first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return HeaderValue::from_maybe_shared(Bytes::from_owner(text)).expect("digits and a letter");
        }
    }
}

/// The digits and the unit, aligned to the right.
struct Text {
    bytes: [u8; 9],
    first: usize,
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.first..]
    }
}

fn in_finest_unit(timeout: Duration) -> (u32, char) {
    // What a deadline may be fits into 64 bits, and they are divided much faster.
    let nanos = u64::try_from(timeout.as_nanos());
    let number =
        |unit: u128| nanos.map_or_else(|_| timeout.as_nanos() / unit, |nanos| (nanos / unit as u64).into());
    let mut numbers = UNITS.into_iter().map(|(name, unit)| (number(unit), name));
    let (number, name) = numbers.find(|(number, _)| *number <= MAX_VALUE).unwrap_or((MAX_VALUE, 'H'));
    (number as u32, name)
}

/// Eight digits of hours are 3.6e11 seconds, so the seconds fit.
fn from_nanos(nanos: u128) -> Duration {
    let secs = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(secs, (nanos % 1_000_000_000) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_every_unit() {
        let cases = [
            ("2H", Duration::from_secs(7200)),
            ("3M", Duration::from_secs(180)),
            ("5S", Duration::from_secs(5)),
            ("250m", Duration::from_millis(250)),
            ("7u", Duration::from_micros(7)),
            ("9n", Duration::from_nanos(9)),
            ("0S", Duration::ZERO),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_grpc_timeout(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_the_specification_does_not_allow() {
        for text in ["", "S", "5", "5s", "-5S", "+5S", "1.5S", "5 S", " 5S", "123456789S", "٥S", "5é", "5SS"]
        {
            assert_eq!(parse_grpc_timeout(text), None, "{text:?}");
        }
    }

    #[test]
    fn writes_the_finest_unit_that_fits() {
        let cases = [
            (Duration::ZERO, "0n"),
            (Duration::from_millis(99), "99000000n"),
            (Duration::from_millis(100), "100000u"),
            (Duration::from_secs(30), "30000000u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::MAX, "99999999H"),
        ];
        for (timeout, expected) in cases {
            assert_eq!(format_grpc_timeout(timeout), expected);
            assert_eq!(grpc_timeout(timeout), expected);
        }
    }

    proptest! {
        #[test]
        fn a_round_trip_is_never_longer_and_loses_less_than_one_part_in_a_million(
            secs in 0u64..99_999_999 * 3600, nanos in 0u32..1_000_000_000,
        ) {
            let timeout = Duration::new(secs, nanos);
            let text = format_grpc_timeout(timeout);
            prop_assert!(text.len() <= 9);
            prop_assert_eq!(grpc_timeout(timeout), text.as_str());
            let back = parse_grpc_timeout(&text).expect("we read what we write");
            prop_assert!(back <= timeout);
            prop_assert!((timeout - back).as_nanos() <= timeout.as_nanos() / 1_000_000);
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".{0,12}") {
            let _ = parse_grpc_timeout(&text);
        }
    }
}
