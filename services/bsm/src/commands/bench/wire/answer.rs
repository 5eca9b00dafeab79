//! Reads an answer to its end and says what it was.

use std::borrow::Cow;

use bsm_runtime::status::{code_name, reason};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{HeaderMap, Response, StatusCode, body::Incoming};
use serde_json::Value;
use tonic::{Code, Status};

use super::{
    super::{origin::Scheme, outcome::Outcome},
    broken,
};

/// Of a refusal's body, so much is kept to find its reason; the rest is read and dropped.
const KEPT: usize = 8 * 1024;

/// The longest reason that is told; a longer one is nobody's code.
const LONGEST: usize = 40;

/// The whole answer, and whether it came to its end, so that the connection may be used again.
pub(super) async fn read(scheme: Scheme, response: Response<Incoming>) -> (Outcome, bool) {
    let (head, mut body) = response.into_parts();
    let (mut kept, mut bytes, mut trailers) = (Vec::new(), 0_u64, None);
    while let Some(frame) = body.frame().await {
        match frame.map(|frame| frame.into_data()) {
            Err(err) => return (broken(&err), false),
            Ok(Ok(data)) => {
                bytes += data.len() as u64;
                keep(&mut kept, head.status, &data);
            }
            Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
        }
    }
    let outcome = match scheme {
        Scheme::Rest => rest(head.status, &kept, bytes),
        Scheme::Grpc => grpc(head.status, &head.headers, trailers.as_ref(), bytes),
    };
    (outcome, true)
}

fn keep(kept: &mut Vec<u8>, status: StatusCode, data: &Bytes) {
    if is_refusal(status) {
        kept.extend_from_slice(&data[..data.len().min(KEPT - kept.len())]);
    }
}

fn is_refusal(status: StatusCode) -> bool {
    status.as_u16() >= 400
}

/// `503 OVERLOADED`: the code, and the `code` of a refusal as the contract has it.
fn rest(status: StatusCode, kept: &[u8], bytes: u64) -> Outcome {
    if status == StatusCode::OK {
        return Outcome::answered("200", true, bytes); // the usual one, without an allocation
    }
    let said = serde_json::from_slice::<Value>(kept).ok();
    let said = said.as_ref().and_then(|body| body["code"].as_str());
    Outcome::answered(label(status.as_str(), said), !is_refusal(status), bytes)
}

/// `UNAVAILABLE OVERLOADED`: the status, and the reason of its details.
fn grpc(http: StatusCode, headers: &HeaderMap, trailers: Option<&HeaderMap>, bytes: u64) -> Outcome {
    // A refusal without a message has its status among the headers.
    let status = trailers.and_then(Status::from_header_map).or_else(|| Status::from_header_map(headers));
    match status {
        Some(status) if status.code() == Code::Ok => Outcome::answered("OK", true, bytes),
        Some(status) => {
            let said = reason(&status);
            Outcome::answered(label(code_name(status.code()), said.as_deref()), false, bytes)
        }
        None if http == StatusCode::OK => Outcome::answered("no grpc-status", false, bytes),
        None => Outcome::answered(format!("HTTP {}", http.as_str()), false, bytes),
    }
}

/// Only what reads like a code is taken from the answer: a report must not hold what a stranger wrote.
fn label(code: &str, reason: Option<&str>) -> Cow<'static, str> {
    let fits = |reason: &&str| {
        let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        (1..=LONGEST).contains(&reason.len()) && reason.bytes().all(is_code)
    };
    match reason.filter(fits).filter(|reason| *reason != code) {
        Some(reason) => format!("{code} {reason}").into(),
        None => code.to_owned().into(),
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::status::Refusal;

    use super::{super::super::outcome::Class, *};

    #[test]
    fn a_refusal_is_told_by_its_code_and_reason() {
        let outcome = rest(StatusCode::SERVICE_UNAVAILABLE, br#"{"error": "x", "code": "OVERLOADED"}"#, 9);
        assert_eq!((outcome.class, &*outcome.label), (Class::Refused, "503 OVERLOADED"));
        assert_eq!(&*rest(StatusCode::TOO_MANY_REQUESTS, b"<html>", 9).label, "429");
        assert_eq!(rest(StatusCode::NOT_MODIFIED, b"", 0).class, Class::Good);

        let status: Status = Refusal::new(Code::Unavailable, "CIRCUIT_OPEN", "no").into();
        let headers = status.into_http::<()>().headers().clone();
        let outcome = grpc(StatusCode::OK, &headers, None, 0);
        assert_eq!((outcome.class, &*outcome.label), (Class::Refused, "UNAVAILABLE CIRCUIT_OPEN"));
    }

    #[test]
    fn an_answer_without_a_status_is_no_success() {
        let none = HeaderMap::new();
        assert_eq!(grpc(StatusCode::OK, &none, None, 5).class, Class::Refused);
        assert_eq!(&*grpc(StatusCode::NOT_FOUND, &none, Some(&none), 5).label, "HTTP 404");
    }

    #[test]
    fn what_is_no_code_is_not_repeated() {
        for said in ["", "\u{1b}[31mred", "not a code", &"X".repeat(41), "503"] {
            assert_eq!(label("503", Some(said)), "503", "{said}");
        }
    }
}
