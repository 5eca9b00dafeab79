//! How much body a request may have, and how long it may take to arrive.

use std::time::Duration;

use axum::{body::Body, extract::Request, response::Response};
use bytes::{Bytes, BytesMut};
use http::{StatusCode, header, request::Parts};
use http_body_util::BodyExt as _;

use crate::{faces, fault::Fault, gateway::Gateway, webhook};

/// Bytes of a REST body at most: 1 MiB. Under `/v1`, where prompts and pictures come, the settings say how many.
const BODY: u64 = 1024 * 1024;

/// Bytes of a webhook's body at most, which is what GitHub sends at most: 25 MiB.
const WEBHOOK_BODY: u64 = 25 * 1024 * 1024;

/// From the head of a request to the end of its body.
const ARRIVAL: Duration = Duration::from_secs(30);

/// Bytes and time that a body beyond the limit is read for, only to be thrown away: a client that is still sending
/// when the connection closes loses the answer that says why.
const DISCARD: u64 = 32 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
struct BodyLimit(u64);

/// Says how much body is taken here; [`read`] holds clients to it.
pub(super) async fn bound<F>(
    gateway: &Gateway,
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let limit = limit(request.uri().path(), gateway.face_body);
    request.extensions_mut().insert(BodyLimit(limit));
    next(request).await
}

fn limit(path: &str, face_body: u64) -> u64 {
    match path {
        path if webhook::is_path(path) => WEBHOOK_BODY,
        path if faces::is_path(path) => face_body,
        _ => BODY,
    }
}

/// The whole body.
///
/// # Errors
/// 413 when it is larger than allowed here, 408 when it stalls, 400 when the client breaks off.
pub(crate) async fn read(parts: &Parts, mut body: Body) -> Result<Bytes, Fault> {
    let limit = parts.extensions.get::<BodyLimit>().map_or(BODY, |limit| limit.0);
    let read = match declared(parts) {
        Some(length) if length > limit => Err(Unread::TooLarge),
        _ => match tokio::time::timeout(ARRIVAL, collect(&mut body, limit)).await {
            Ok(read) => read,
            Err(_) => Err(Unread::Stalled),
        },
    };
    // A client that waits for "100 Continue" has sent nothing, and sends nothing unless the body is read.
    if matches!(read, Err(Unread::TooLarge)) && !parts.headers.contains_key(header::EXPECT) {
        discard(body).await;
    }
    read.map_err(|unread| unread.fault(limit))
}

/// Why there is no body.
enum Unread {
    TooLarge,
    Stalled,
    BrokenOff,
}

impl Unread {
    fn fault(self, limit: u64) -> Fault {
        match self {
            Unread::TooLarge => {
                let message =
                    format!("The body is larger than {limit} bytes, which is the most that is taken here.");
                Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
            }
            Unread::Stalled => {
                let message = format!("The body did not arrive within {} seconds.", ARRIVAL.as_secs());
                Fault::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", message)
            }
            Unread::BrokenOff => {
                Fault::bad_request("BODY_INCOMPLETE", "The body ended before it was complete.")
            }
        }
    }
}

fn declared(parts: &Parts) -> Option<u64> {
    parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn collect(body: &mut Body, limit: u64) -> Result<Bytes, Unread> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::BrokenOff)?;
        let Ok(data) = frame.into_data() else { continue };
        if (whole.len() + data.len()) as u64 > limit {
            return Err(Unread::TooLarge);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

async fn discard(mut body: Body) {
    let reading = async {
        let mut thrown = 0;
        while let Some(Ok(frame)) = body.frame().await {
            thrown += frame.data_ref().map_or(0, |data| data.len() as u64);
            if thrown > DISCARD {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIME, reading).await; // who sends more, or more slowly, is cut off
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
    async fn a_body_beyond_the_limit_is_read_on_so_that_the_client_gets_its_answer() {
        let read_so_far = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counter = read_so_far.clone();
        let pieces = (0..40).map(move |_| {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 64 * 1024]))
        });
        let large = Body::from_stream(futures_util::stream::iter(pieces));
        assert_eq!(read(&parts(), large).await.unwrap_err().status, 413);
        assert_eq!(read_so_far.load(std::sync::atomic::Ordering::Relaxed), 40);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_too_much_too_slowly_is_cut_off() {
        let began = tokio::time::Instant::now();
        let first = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 2 << 20]))]);
        let body = Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending()));
        assert_eq!(read(&parts(), body).await.unwrap_err().status, 413);
        assert_eq!(began.elapsed(), DISCARD_TIME);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_a_bad_request() {
        let pieces = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset"))];
        let broken = Body::from_stream(futures_util::stream::iter(pieces));
        let fault = read(&parts(), broken).await.unwrap_err();
        assert_eq!((fault.status.as_u16(), &*fault.code), (400, "BODY_INCOMPLETE"));
    }
}
