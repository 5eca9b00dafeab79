use std::future::{pending, ready};
use std::pin::Pin;
use std::sync::Arc;

use http::Request;
use tokio::time::advance;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

use super::*;
use crate::testing::{Feed, Rsp, drain, next, streaming};

const DEFAULT: Duration = Duration::from_secs(10);
const MAX: Duration = Duration::from_secs(30);
const MARGIN: Duration = Duration::from_millis(50);

fn request(grpc_timeout: Option<&str>, deadline: Option<Deadline>) -> Request<()> {
    let mut request = Request::new(());
    if let Some(value) = grpc_timeout {
        request.headers_mut().insert(GRPC_TIMEOUT, value.parse().expect("a header value"));
    }
    request.extensions_mut().extend(deadline.map(with).unwrap_or_default());
    request
}

fn with(deadline: Deadline) -> http::Extensions {
    let mut extensions = http::Extensions::new();
    extensions.insert(deadline);
    extensions
}

/// What the handler behind `layer` sees: the time left in the extensions and the header.
async fn seen_behind<L>(layer: L, request: Request<()>) -> Option<(Duration, Option<Duration>)>
where
    L: Layer<Mirror>,
    L::Service: Service<Request<()>, Error = BoxError>,
{
    let (send, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let _ = layer.layer(Mirror(send)).oneshot(request).await;
    seen.try_recv().ok()
}

/// A handler that reports what it sees.
#[derive(Clone)]
struct Mirror(tokio::sync::mpsc::UnboundedSender<(Duration, Option<Duration>)>);

impl Service<Request<()>> for Mirror {
    type Response = Rsp;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Rsp, BoxError>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let deadline = request.extensions().get::<Deadline>().expect("every call has one");
        let header =
            request.headers().get(GRPC_TIMEOUT).and_then(|value| parse_grpc_timeout(value.to_str().ok()?));
        self.0.send((deadline.remaining(Instant::now()), header)).expect("the test looks");
        ready(Ok(streaming().1))
    }
}

fn exceeded(error: &BoxError) -> Option<Duration> {
    error.downcast_ref::<DeadlineExceeded>().map(|error| error.given)
}

#[tokio::test(start_paused = true)]
async fn inbound_takes_the_header_or_the_default_and_nobody_gets_more_than_the_maximum() {
    let layer = InboundLayer::new(DEFAULT, MAX);
    let cases = [(Some("5S"), 5), (None, 10), (Some("soon"), 10), (Some("1H"), 30)];
    for (header, secs) in cases {
        let (left, _) = seen_behind(layer, request(header, None)).await.expect("started");
        assert_eq!(left, Duration::from_secs(secs), "{header:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stricter_deadline_that_is_already_known_stays() {
    let known = Deadline::after(Duration::from_secs(2));
    let inbound = InboundLayer::new(DEFAULT, MAX);
    let (left, _) = seen_behind(inbound, request(Some("5S"), Some(known))).await.expect("started");
    assert_eq!(left, Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn expired_work_is_never_started() {
    let inbound = InboundLayer::new(DEFAULT, MAX);
    assert_eq!(seen_behind(inbound, request(Some("0S"), None)).await, None);

    let past = Deadline::after(Duration::from_secs(1));
    advance(Duration::from_secs(1)).await;
    assert_eq!(seen_behind(inbound, request(None, Some(past))).await, None);
    assert_eq!(seen_behind(OutboundLayer::new(DEFAULT, MARGIN), request(None, Some(past))).await, None);
}

#[tokio::test(start_paused = true)]
async fn outbound_hands_on_what_is_left_less_the_margin() {
    let layer = OutboundLayer::new(DEFAULT, MARGIN);
    let inherited = Deadline::after(Duration::from_secs(5));
    advance(Duration::from_secs(2)).await;
    let cases = [
        (request(None, Some(inherited)), Duration::from_secs(3)),
        (request(None, None), DEFAULT),
        (request(None, Some(Deadline::after(MAX))), DEFAULT),
        (request(Some("1S"), Some(inherited)), Duration::from_secs(1)),
        (request(Some("1H"), None), DEFAULT),
    ];
    for (request, left) in cases {
        let seen = seen_behind(layer, request).await;
        assert_eq!(seen, Some((left, Some(left - MARGIN))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_with_no_more_than_the_margin_left_is_not_sent() {
    let layer = OutboundLayer::new(DEFAULT, MARGIN);
    assert_eq!(seen_behind(layer, request(None, Some(Deadline::after(MARGIN)))).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_head_is_held_to_the_deadline_and_the_work_is_dropped() {
    let work = Arc::new(());
    let held = Arc::clone(&work);
    let handler = service_fn(move |_| {
        let held = Arc::clone(&held);
        async move {
            pending::<()>().await;
            drop(held);
            Ok::<_, BoxError>(streaming().1)
        }
    });
    let start = Instant::now();
    let mut service = OutboundLayer::new(DEFAULT, MARGIN).layer(handler);
    let mut call = Box::pin(service.call(request(Some("2S"), None)));
    assert_eq!(Arc::strong_count(&work), 3, "the test, the handler and one call of it");
    let error = call.as_mut().await.expect_err("nobody answers");
    assert_eq!(exceeded(&error), Some(Duration::from_secs(2)));
    assert_eq!(start.elapsed().as_secs(), 2);
    assert!(error.to_string().ends_with("it was given 2s"), "{error}");
    assert_eq!(Arc::strong_count(&work), 2, "dropped although the caller still holds the future");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_hangs_ends_at_the_deadline_and_lets_go_of_its_source() {
    let (feeder, response) = streaming();
    let mut body = body_within("2S", response).await;
    feeder.data();
    assert!(next(&mut body).await.expect("a frame").is_ok());
    let error = next(&mut body).await.expect("a frame").expect_err("nothing more comes");
    assert_eq!(exceeded(&error), Some(Duration::from_secs(2)));
    assert!(feeder.abandoned(), "dropped although the reader still holds the body");
    assert!(next(&mut body).await.is_none(), "and then it is over");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_never_idle_ends_at_the_deadline_too() {
    let (feeder, response) = streaming();
    let mut body = body_within("2S", response).await;
    feeder.data();
    feeder.data();
    assert!(next(&mut body).await.expect("a frame").is_ok());
    advance(Duration::from_secs(2)).await;
    assert!(next(&mut body).await.expect("a frame").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_in_time_is_left_alone() {
    let (feeder, response) = streaming();
    let body = body_within("2S", response).await;
    feeder.data();
    feeder.trailers("0");
    drop(feeder);
    assert!(drain(body).await.is_ok());
}

async fn body_within(grpc_timeout: &str, response: Rsp) -> Pin<Box<DeadlineBody<Feed>>> {
    let mut response = Some(response);
    let handler = service_fn(move |_| ready(response.take().ok_or("asked twice")));
    let service = InboundLayer::new(DEFAULT, MAX).layer(handler);
    Box::pin(service.oneshot(request(Some(grpc_timeout), None)).await.expect("a head").into_body())
}

#[test]
fn the_last_instant_is_too_late_and_the_stricter_of_two_wins() {
    let now = Instant::now();
    let (soon, later) = (Deadline::at(now), Deadline::at(now + DEFAULT));
    assert!(soon.expired(now) && !later.expired(now));
    assert_eq!(later.earlier(soon), soon);
    assert_eq!((soon.remaining(now + DEFAULT), later.remaining(now)), (Duration::ZERO, DEFAULT));
    assert!(!Deadline::after(Duration::MAX).expired(now), "no overflow");
}
