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
