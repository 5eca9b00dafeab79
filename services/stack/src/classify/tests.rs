use http::{HeaderValue, Response};

use super::*;
use crate::timeout::AttemptTimedOut;
use std::time::Duration;

fn head(status: u16, headers: &[(&'static str, &'static str)]) -> Parts {
    let mut response = Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response.into_parts().0
}

#[test]
fn every_grpc_code_counts_as_the_table_says() {
    use Outcome::{Failure, Healthy, Neutral, Throttled};
    let expected = [
        ("OK", Healthy),
        ("CANCELLED", Neutral),
        ("UNKNOWN", Failure),
        ("INVALID_ARGUMENT", Healthy),
        ("DEADLINE_EXCEEDED", Neutral),
        ("NOT_FOUND", Healthy),
        ("ALREADY_EXISTS", Healthy),
        ("PERMISSION_DENIED", Healthy),
        ("RESOURCE_EXHAUSTED", Throttled),
        ("FAILED_PRECONDITION", Healthy),
        ("ABORTED", Healthy),
        ("OUT_OF_RANGE", Healthy),
        ("UNIMPLEMENTED", Healthy),
        ("INTERNAL", Failure),
        ("UNAVAILABLE", Failure),
        ("DATA_LOSS", Failure),
        ("UNAUTHENTICATED", Healthy),
    ];
    for (code, (name, outcome)) in expected.into_iter().enumerate() {
        let row = GRPC[code];
        assert_eq!((usize::from(row.code), row.name), (code, name));
        assert_eq!(grpc(row.code), outcome, "{name}");
    }
    assert_eq!(grpc(17), Failure, "a code nobody knows is UNKNOWN");
}

#[test]
fn every_http_status_of_a_provider_counts_as_the_table_says() {
    use Outcome::{Credential, Failure, Healthy, Throttled};
    let rows: [(&[u16], &str, Option<Outcome>); 8] = [
        (&[200, 201, 204, 299], "success", None),
        (&[401], "unauthorized", Some(Credential)),
        (&[403], "forbidden", Some(Credential)),
        (&[429], "too many requests", Some(Throttled)),
        (&[400, 402, 404, 408, 409, 413, 422, 451, 499], "the caller's fault", Some(Healthy)),
        (&[529], "overloaded", Some(Failure)),
        (&[500, 502, 503, 504, 530, 599], "the server's fault", Some(Failure)),
        (&[100, 302, 307, 600, 999], "no answer", Some(Failure)),
    ];
    assert_eq!(rows.len(), HTTP.len());
    for (row, (statuses, name, outcome)) in HTTP.iter().zip(rows) {
        assert_eq!((row.name, row.outcome), (name, outcome));
        for status in statuses {
            assert_eq!(HttpClassifier.head(&head(*status, &[])), outcome, "{status}");
        }
    }
}

#[test]
fn an_http_body_that_comes_whole_is_healthy_and_what_breaks_the_call_is_a_failure_unless_we_did_it() {
    assert_eq!(HttpClassifier.trailers(None), Outcome::Healthy);
    let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    for error in [Wrapped(Box::new(reset)), Wrapped(Box::new(refused))] {
        assert_eq!(HttpClassifier.error(&error), Outcome::Failure, "{:?}", error.source());
    }
    assert_eq!(HttpClassifier.error(&AttemptTimedOut { after: Duration::ZERO }), Outcome::Failure);
    let open = CircuitOpen { breaker: "openai".into(), retry_in: Duration::ZERO, forced: false };
    let full = Rejected::Full { bulkhead: "openai".into(), max_in_flight: 1, max_queue: 0 };
    let late = DeadlineExceeded { given: Duration::ZERO };
    let withheld = Withheld("a policy forbids it".into());
    let own: [Box<dyn Error + Send + Sync>; 4] =
        [Box::new(open), Box::new(full), Box::new(late), Box::new(withheld)];
    for refusal in own {
        assert_eq!(HttpClassifier.error(&Wrapped(refusal)), Outcome::Neutral);
    }
}

#[test]
fn a_head_decides_only_if_it_says_enough() {
    let grpc = ("content-type", "application/grpc+proto");
    let cases = [
        (head(200, &[grpc]), None),
        (head(200, &[]), None),
        (head(200, &[grpc, ("grpc-status", "0")]), Some(Outcome::Healthy)),
        (head(200, &[grpc, ("grpc-status", "14")]), Some(Outcome::Failure)),
        (head(200, &[grpc, ("grpc-status", "many")]), Some(Outcome::Failure)),
        (head(200, &[("content-type", "text/html")]), Some(Outcome::Failure)),
        (head(404, &[]), Some(Outcome::Healthy)),
        (head(503, &[]), Some(Outcome::Failure)),
    ];
    for (head, outcome) in cases {
        assert_eq!(GrpcClassifier.head(&head), outcome, "{head:?}");
    }
}

#[test]
fn a_stream_without_a_status_was_cut_short() {
    assert_eq!(GrpcClassifier.trailers(None), Outcome::Failure);
    assert_eq!(GrpcClassifier.trailers(Some(&HeaderMap::new())), Outcome::Failure);
}

#[derive(Debug, thiserror::Error)]
#[error("wrapped")]
struct Wrapped(#[source] Box<dyn Error + Send + Sync>);

#[test]
fn our_own_refusals_are_recognised_behind_other_errors() {
    let refusal = Wrapped(Box::new(Wrapped(Box::new(DeadlineExceeded { given: Duration::ZERO }))));
    assert_eq!(GrpcClassifier.error(&refusal), Outcome::Neutral);
    let timeout = Wrapped(Box::new(AttemptTimedOut { after: Duration::ZERO }));
    assert_eq!(GrpcClassifier.error(&timeout), Outcome::Failure);
}
