//! A body whose frames a test sends one by one, and the requests and responses the tests share.

pub(crate) mod sequences;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::BoxError;
use tower_test::mock::{self, Handle, Mock};

pub(crate) type Req = Request<()>;
pub(crate) type Rsp = Response<Feed>;
pub(crate) type Endpoint = Handle<Req, Rsp>;

/// A body fed through a channel; it ends when the sender is dropped.
#[derive(Debug)]
pub(crate) struct Feed(UnboundedReceiver<Result<Frame<Bytes>, BoxError>>);

/// The other end of a [`Feed`].
#[derive(Debug)]
pub(crate) struct Feeder(UnboundedSender<Result<Frame<Bytes>, BoxError>>);

pub(crate) fn endpoint() -> (Mock<Req, Rsp>, Endpoint) {
    mock::pair()
}

pub(crate) fn streaming() -> (Feeder, Rsp) {
    let (sender, receiver) = unbounded_channel();
    (Feeder(sender), Response::new(Feed(receiver)))
}

/// A whole gRPC answer: one message and the status in the trailers.
pub(crate) fn answer(status: &'static str) -> Rsp {
    let (feeder, response) = streaming();
    feeder.data();
    feeder.trailers(status);
    response
}

/// An answer that is only a head.
pub(crate) fn trailers_only(status: &'static str) -> Rsp {
    let (_, mut response) = streaming();
    response.headers_mut().insert("grpc-status", http::HeaderValue::from_static(status));
    response
}

pub(crate) async fn next<B: Body + Unpin>(body: &mut B) -> Option<Result<Frame<B::Data>, B::Error>> {
    poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
}

/// Reads a body to its end; the first error, if there was one.
pub(crate) async fn drain<B: Body + Unpin>(mut body: B) -> Result<(), B::Error> {
    while let Some(frame) = next(&mut body).await {
        frame?;
    }
    Ok(())
}

impl Feeder {
    pub(crate) fn data(&self) {
        self.0.send(Ok(Frame::data(Bytes::from_static(b"message")))).expect("the body is read");
    }

    pub(crate) fn trailers(&self, status: &'static str) {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static(status));
        self.0.send(Ok(Frame::trailers(trailers))).expect("the body is read");
    }

    pub(crate) fn fail(&self, error: impl Into<BoxError>) {
        self.0.send(Err(error.into())).expect("the body is read");
    }

    /// Whether the body at the other end has been dropped.
    pub(crate) fn abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

impl Body for Feed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_closed() && self.0.is_empty()
    }
}
