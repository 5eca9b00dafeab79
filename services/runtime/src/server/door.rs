//! The first decision about a request: gRPC goes to the services, everything else to the role's HTTP router.

use std::{
    convert::Infallible,
    fmt,
    future::{self, Future},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bsm_stack::pieces::Pieces;
use futures_util::{FutureExt as _, future::Either};
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::body::Incoming;
use tonic::{Code, Status, body::Body};
use tower::{
    Service, ServiceExt,
    util::{BoxCloneSyncService, Oneshot},
};

use super::{Peer, kind::Kind};
use crate::{lan, status::Refusal};

/// Guards and the services below them.
pub(super) type Stack = BoxCloneSyncService<Request<Body>, Response<Body>, Status>;

/// The guarded gRPC services of a process, one stack for each kind of call.
#[derive(Clone)]
pub(crate) struct Grpc([Stack; Kind::ALL.len()]);

impl fmt::Debug for Grpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grpc")
    }
}

impl Grpc {
    pub(super) fn new(stack: impl FnMut(Kind) -> Stack) -> Grpc {
        Grpc(Kind::ALL.map(stack))
    }

    /// The answer to a call, which the guards have seen when this returns.
    pub(crate) fn answer(
        &self,
        request: Request<Body>,
    ) -> impl Future<Output = Response<Body>> + Send + use<> {
        let stack = self.stack_for(request.uri().path());
        at_once(stack, request).map(|answer| answer.unwrap_or_else(Status::into_http))
    }

    fn stack_for(&self, path: &str) -> Stack {
        let [call, stream, operations] = &self.0;
        let stack = match Kind::of(path) {
            Kind::Call => call,
            Kind::Stream => stream,
            Kind::Operations => operations,
        };
        stack.clone()
    }
}

/// Looks at a request in the moment it comes. Must not take long: all requests of its connection wait meanwhile.
pub type Arrival = Arc<dyn Fn(&mut Request<axum::body::Body>) + Send + Sync>;

/// What a listener leads to.
#[derive(Clone)]
pub(super) struct Door {
    grpc: Option<Grpc>,
    http: Option<axum::Router>,
    arrival: Option<Arrival>,
    /// gRPC from other networks is refused here; a router has its own gate, with its own words.
    lan_only: bool,
}

impl Door {
    /// gRPC, and HTTP if the role has a router.
    pub(super) fn new(
        grpc: Grpc,
        http: Option<axum::Router>,
        arrival: Option<Arrival>,
        lan_only: bool,
    ) -> Door {
        Door { grpc: Some(grpc), http, arrival, lan_only }
    }

    /// HTTP alone.
    pub(super) fn plain(router: axum::Router) -> Door {
        Door { grpc: None, http: Some(router), arrival: None, lan_only: false }
    }
}

impl Service<Request<Incoming>> for Door {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(())) // each call drives its own copy to readiness
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        match (&self.grpc, &self.http) {
            (Some(grpc), _) if is_grpc(&request) => match self.lan_only && !is_from_here(&request) {
                true => already(foreign()),
                false => Box::pin(grpc.answer(request.map(Body::new)).map(|answer| Ok(in_pieces(answer)))),
            },
            (_, Some(router)) => {
                let mut request = request.map(axum::body::Body::new);
                self.arrival.iter().for_each(|arrival| arrival(&mut request));
                let answer = router.clone().oneshot(request);
                Box::pin(answer.map(|answer| answer.map(|response| response.map(Body::new))))
            }
            _ => already(not_here()),
        }
    }
}

/// So that what a body carries is held until the connection has taken the body.
fn in_pieces(response: Response<Body>) -> Response<Body> {
    response.map(|body| Body::new(Pieces::new(body)))
}

/// An answer that nobody needs to be asked for.
fn already(response: Response<Body>) -> <Door as Service<Request<Incoming>>>::Future {
    Box::pin(future::ready(Ok(response)))
}

/// Calls in this moment, and not when the task of the call has its turn. A process with too much to do is short of turns:
/// guards that decided after the wait would neither count those who wait nor see how long they do.
fn at_once<S, R>(mut service: S, request: R) -> Either<S::Future, Oneshot<S, R>>
where
    S: Service<R>,
{
    match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(())) => Either::Left(service.call(request)),
        Poll::Ready(Err(_)) | Poll::Pending => Either::Right(service.oneshot(request)), // looks again in its turn
    }
}

fn is_grpc(request: &Request<Incoming>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}

fn is_from_here(request: &Request<Incoming>) -> bool {
    request.extensions().get::<Peer>().is_some_and(|peer| lan::is_local(peer.0.ip()))
}

fn foreign() -> Response<Body> {
    let message = "only clients of the local network are served (LAN_ONLY)";
    Status::from(Refusal::new(Code::PermissionDenied, "LAN_ONLY_VIOLATION", message)).into_http()
}

fn not_here() -> Response<Body> {
    let text = "this port speaks gRPC; /metrics and /healthz are 1000 ports above\n";
    let mut response = Response::new(Body::new(http_body_util::Full::from(text)));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
