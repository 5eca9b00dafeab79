//! Turns the errors of the layers below into gRPC answers, so that tonic does not call them UNKNOWN.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame};
use pin_project_lite::pin_project;
use tonic::{Status, body::Body};
use tower::{BoxError, Layer, Service};

use crate::layer_status::status_of;

/// Answers errors with their status. Serves both directions: the outermost layer of a client, and the one
/// around a server's guards.
#[derive(Clone, Copy, Debug)]
pub struct StatusLayer;

/// The service that [`StatusLayer`] makes. Its calls never fail, their answers carry a status; readiness may fail.
#[derive(Clone, Debug)]
pub struct StatusService<S> {
    inner: S,
}

impl<S> Layer<S> for StatusLayer {
    type Service = StatusService<S>;

    fn layer(&self, inner: S) -> StatusService<S> {
        StatusService { inner }
    }
}

impl<S, A, B> Service<Request<A>> for StatusService<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Status;
    type Future = StatusFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner.poll_ready(cx).map_err(|err| status_of(&*err.into()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        StatusFuture { call: self.inner.call(request) }
    }
}

pin_project! {
    /// The answer, or the status of the error as an answer.
    #[derive(Debug)]
    pub struct StatusFuture<F> {
        #[pin]
        call: F,
    }
}

impl<F, B, E> Future for StatusFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match ready!(self.project().call.poll(cx)) {
            Ok(response) => response.map(|body| Body::new(StatusBody { body, failed: false })),
            Err(err) => {
                let err: BoxError = err.into();
                let status = status_of(&*err);
                tracing::debug!(error = %err, code = ?status.code(), "refused by a layer");
                status.into_http()
            }
        };
        Poll::Ready(Ok(answer))
    }
}

pin_project! {
    /// A body whose errors are statuses, told in the trailers: hyper would turn an error of the body into a reset
    /// of the stream, which reads as INTERNAL on the other side.
    struct StatusBody<B> {
        #[pin]
        body: B,
        failed: bool,
    }
}

impl<B> HttpBody for StatusBody<B>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Status>>> {
        let this = self.project();
        if *this.failed {
            return Poll::Ready(None);
        }
        let Some(frame) = ready!(this.body.poll_frame(cx)) else { return Poll::Ready(None) };
        Poll::Ready(Some(frame.or_else(|err| {
            *this.failed = true;
            let mut trailers = HeaderMap::new();
            status_of(&*err.into()).add_header(&mut trailers)?;
            Ok(Frame::trailers(trailers))
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.failed || self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
