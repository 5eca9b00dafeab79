use std::sync::Arc;

use http::HeaderValue;

use super::*;
use crate::breaker::CircuitOpen;
use crate::bulkhead::Rejected;
use crate::deadline::DeadlineExceeded;
use crate::retry::details::encode;
use crate::timeout::AttemptTimedOut;

const PERHAPS: Failure = Failure { processed: Processed::Perhaps, pushback: Pushback::Silent };
const SECOND: Duration = Duration::from_secs(1);

fn failure(status: u16, headers: &[(&'static str, &str)]) -> Option<Failure> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        response.headers_mut().insert(*name, HeaderValue::from_str(value).expect("a value"));
    }
    Failure::of_head(&response.into_parts().0)
}

fn delay(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

#[test]
fn of_the_grpc_codes_only_unavailable_is_worth_another_attempt() {
    for code in 0..=17 {
        let code = code.to_string();
        let expected = (code == "14").then_some(PERHAPS);
        assert_eq!(failure(200, &[("grpc-status", &code)]), expected, "{code}");
    }
    assert_eq!(failure(200, &[("grpc-status", "many")]), None);
    assert_eq!(failure(200, &[]), None, "the trailers will tell, and by then the body is the caller's");
}

#[test]
fn of_the_http_statuses_those_of_a_server_in_trouble_are() {
    for status in [500, 502, 503, 504, 529] {
        assert_eq!(failure(status, &[]), Some(PERHAPS), "{status}");
    }
    for status in [204, 301, 400, 401, 403, 404, 408, 409, 429, 501] {
        assert_eq!(failure(status, &[]), None, "{status}");
    }
}

#[test]
fn a_throttled_call_is_worth_another_attempt_if_the_callee_says_when() {
    let told = Some(Failure { processed: Processed::Perhaps, pushback: Pushback::After(SECOND) });
    assert_eq!(failure(429, &[("retry-after", "1")]), told);
    assert_eq!(failure(200, &[("grpc-status", "8"), ("grpc-retry-pushback-ms", "1000")]), told);
    assert_eq!(failure(429, &[("retry-after", "soon")]), None);
}

#[test]
fn a_retry_info_is_honoured_and_proves_that_the_call_was_turned_away() {
    let headers =
        |details: &str| failure(200, &[("grpc-status", "14"), ("grpc-status-details-bin", details)]);
    let refused = |pushback| Some(Failure { processed: Processed::No, pushback });
    assert_eq!(headers(&encode(delay(1), None)), refused(Pushback::After(SECOND)));
    assert_eq!(headers(&encode(delay(1), Some("BULKHEAD_FULL"))), refused(Pushback::After(SECOND)));
    assert_eq!(headers(&encode(delay(-1), None)), refused(Pushback::Never), "negative means never");
    let unpadded = encode(delay(1), Some("BUSY1"));
    let padded = format!("{unpadded}{}", "=".repeat(unpadded.len().wrapping_neg() % 4));
    assert_ne!(unpadded, padded);
    assert_eq!([headers(&unpadded), headers(&padded)], [refused(Pushback::After(SECOND)); 2]);
}

#[test]
fn a_server_that_drains_has_turned_the_call_away() {
    let headers = |code, reason| {
        failure(200, &[("grpc-status", code), ("grpc-status-details-bin", &encode(None, Some(reason)))])
    };
    let refused = Failure { processed: Processed::No, pushback: Pushback::Silent };
    assert_eq!(headers("14", "DRAINING"), Some(refused));
    assert_eq!(headers("14", "JOURNAL_FULL"), Some(PERHAPS));
    assert_eq!(headers("13", "DRAINING"), None);
}

#[test]
fn what_failed_or_rests_behind_the_callee_is_final() {
    for reason in ["CIRCUIT_OPEN", "UPSTREAM_ERROR", "UPSTREAM_MALFORMED"] {
        let details = encode(delay(1), Some(reason));
        let headers = [("grpc-status", "14"), ("grpc-status-details-bin", &*details)];
        assert_eq!(failure(200, &headers), None, "{reason}");
    }
}

#[test]
fn of_an_http_api_what_says_that_nothing_was_produced_is_worth_another_attempt() {
    let api = |status: u16, headers: &[(http::HeaderName, HeaderValue)]| {
        Failure::of_http_api(StatusCode::from_u16(status).unwrap(), &headers.iter().cloned().collect())
    };
    let not_processed = |pushback| Some(Failure { processed: Processed::No, pushback });
    for status in [408, 425, 500, 502, 503, 529] {
        assert_eq!(api(status, &[]), not_processed(Pushback::Silent), "{status}");
    }
    for status in [200, 204, 302, 400, 401, 403, 404, 409, 422, 429, 501] {
        assert_eq!(api(status, &[]), None, "{status}");
    }
    assert_eq!(api(504, &[]), Some(PERHAPS), "it may have been paid for");
    let after = [(RETRY_AFTER, HeaderValue::from_static("1"))];
    for status in [429, 503] {
        assert_eq!(api(status, &after), not_processed(Pushback::After(SECOND)), "{status}");
    }
}

#[test]
fn details_that_cannot_be_read_say_nothing() {
    for details in ["", "%%%", "AAAA", "////", "GgI"] {
        let headers = [("grpc-status", "14"), ("grpc-status-details-bin", details)];
        assert_eq!(failure(200, &headers), Some(PERHAPS), "{details:?}");
    }
}

#[test]
fn a_pushback_that_is_negative_or_no_number_means_never() {
    for value in ["-1", "", "soon", "1.5", "99999999999999999999"] {
        let pushed = failure(200, &[("grpc-status", "14"), ("grpc-retry-pushback-ms", value)]);
        assert_eq!(pushed.map(|failure| failure.pushback), Some(Pushback::Never), "{value:?}");
    }
    let date = failure(503, &[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")]);
    assert_eq!(date.map(|failure| failure.pushback), Some(Pushback::Never));
}

#[test]
fn of_several_pushbacks_the_strictest_counts() {
    let details = encode(delay(2), None);
    let both = |ms: &str| {
        let headers = [
            ("grpc-status", "14"),
            ("grpc-status-details-bin", &*details),
            ("retry-after", "1"),
            ("grpc-retry-pushback-ms", ms),
        ];
        failure(200, &headers).expect("worth another attempt").pushback
    };
    assert_eq!(both("5"), Pushback::After(SECOND * 2));
    assert_eq!(both("3000"), Pushback::After(SECOND * 3));
    assert_eq!(both("-1"), Pushback::Never);
}

#[derive(Debug, thiserror::Error)]
#[error("transport")]
struct Transport(#[source] BoxError);

fn of_error(error: impl Into<BoxError>) -> Option<Processed> {
    Failure::of_error(&Transport(error.into())).map(|failure| failure.processed)
}

#[test]
fn our_own_refusals_are_final() {
    let name: Arc<str> = "memory".into();
    let full = Rejected::Full { bulkhead: Arc::clone(&name), max_in_flight: 1, max_queue: 0 };
    assert_eq!(of_error(CircuitOpen { breaker: name, retry_in: SECOND, forced: false }), None);
    assert_eq!(of_error(full), None);
    assert_eq!(of_error(DeadlineExceeded { given: SECOND }), None);
}

#[test]
fn an_error_proves_that_nothing_was_processed_only_if_nothing_was_sent_or_the_peer_says_so() {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset};
    let cases: [(BoxError, Processed); 7] = [
        (io::Error::from(ConnectionRefused).into(), Processed::No),
        (NotSent("no endpoint".into()).into(), Processed::No),
        (h2::Error::from(h2::Reason::REFUSED_STREAM).into(), Processed::No),
        (h2::Error::from(h2::Reason::CANCEL).into(), Processed::Perhaps),
        (io::Error::from(ConnectionReset).into(), Processed::Perhaps),
        (io::Error::from(BrokenPipe).into(), Processed::Perhaps),
        (AttemptTimedOut { after: SECOND }.into(), Processed::Perhaps),
    ];
    for (error, processed) in cases {
        let text = format!("{error:?}");
        assert_eq!(of_error(error), Some(processed), "{text}");
    }
}
