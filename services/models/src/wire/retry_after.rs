//! When a provider says the next call may come.

use std::time::Duration;

use http::{HeaderMap, header};

/// The wait that `retry-after-ms` or `retry-after` asks for. Dates are not read: they would need the provider's clock
/// to agree with ours, and the pool has a default.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1000.0);
    let seconds = seconds.or_else(|| number(header::RETRY_AFTER.as_str()))?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(name: &'static str, value: &'static str) -> Option<Duration> {
        let headers = [(http::HeaderName::from_static(name), http::HeaderValue::from_static(value))];
        retry_after(&headers.into_iter().collect())
    }

    #[test]
    fn seconds_and_milliseconds_are_read() {
        assert_eq!(wait("retry-after", "20"), Some(Duration::from_secs(20)));
        assert_eq!(wait("retry-after", "999999"), Some(Duration::from_secs(999_999)));
        assert_eq!(wait("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn what_is_no_wait_is_as_if_nothing_was_said() {
        for value in ["", "soon", "-1", "inf", "NaN", "1e300", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(wait("retry-after", value), None, "{value:?}");
        }
    }
}
