//! How much body a request may have, and how long it may take to arrive.

use std::time::Duration;

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use bytes::Bytes;
use http::{StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::{fault::Fault, webhook};

/// Bytes of a REST body at most: 1 MiB.
const BODY: u64 = 1024 * 1024;

/// Bytes of a webhook's body at most, which is what GitHub sends at most: 25 MiB.
const WEBHOOK_BODY: u64 = 25 * 1024 * 1024;

/// From the head of a request to the end of its body.
const ARRIVAL: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug)]
struct BodyLimit(u64);

/// Bounds the body; [`read`] tells the client.
pub(super) async fn bound(mut request: Request, next: Next) -> Response {
    let limit = if webhook::is_path(request.uri().path()) { WEBHOOK_BODY } else { BODY };
    request.extensions_mut().insert(BodyLimit(limit));
    next.run(request.map(|body| Body::new(Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX)))))
        .await
}

/// The whole body.
///
/// # Errors
/// 413 when it is larger than allowed here, 408 when it stalls, 400 when the client breaks off.
pub(crate) async fn read(parts: &Parts, body: Body) -> Result<Bytes, Fault> {
    let limit = parts.extensions.get::<BodyLimit>().map_or(BODY, |limit| limit.0);
    // A declared length is refused before a byte is read: a client that waits for "100 Continue" sends none.
    let declared =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > limit) {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(ARRIVAL, body.collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(err)) if is_too_large(&err) => Err(too_large(limit)),
        Ok(Err(_)) => Err(Fault::bad_request("BODY_INCOMPLETE", "The body ended before it was complete.")),
        Err(_) => {
            let message = format!("The body did not arrive within {} seconds.", ARRIVAL.as_secs());
            Err(Fault::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", message))
        }
    }
}

fn too_large(limit: u64) -> Fault {
    let message = format!("The body is larger than {limit} bytes, which is the most that is taken here.");
    Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
}

fn is_too_large(err: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(err);
    while let Some(err) = cause {
        if err.is::<LengthLimitError>() {
            return true;
        }
        cause = err.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        http::Request::new(()).into_parts().0
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up() {
        let began = tokio::time::Instant::now();
        let stalled = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(read(&parts(), stalled).await.unwrap_err().status, 408);
        assert_eq!(began.elapsed(), ARRIVAL);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_a_bad_request() {
        let pieces = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset"))];
        let broken = Body::from_stream(futures_util::stream::iter(pieces));
        let fault = read(&parts(), broken).await.unwrap_err();
        assert_eq!((fault.status.as_u16(), &*fault.code), (400, "BODY_INCOMPLETE"));
    }
}
