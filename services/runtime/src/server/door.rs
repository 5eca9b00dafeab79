//! The first decision about a request: gRPC goes to the services, everything else to the role's HTTP router.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::body::Incoming;
use tonic::{Code, Status, body::Body};
use tower::{Service, ServiceExt, util::BoxCloneSyncService};

use super::{Peer, kind::Kind};
use crate::{lan, status::Refusal};

/// Guards and the services below them.
pub(super) type Stack = BoxCloneSyncService<Request<Body>, Response<Body>, Status>;

/// The guarded gRPC services of a process, one stack for each kind of call.
#[derive(Clone)]
pub(super) struct Grpc([Stack; Kind::ALL.len()]);

impl Grpc {
    pub(super) fn new(stack: impl FnMut(Kind) -> Stack) -> Grpc {
        Grpc(Kind::ALL.map(stack))
    }

    fn stack_for(self, path: &str) -> Stack {
        let [call, stream, operations] = self.0;
        match Kind::of(path) {
            Kind::Call => call,
            Kind::Stream => stream,
            Kind::Operations => operations,
        }
    }
}

/// What a listener leads to.
#[derive(Clone)]
pub(super) struct Door {
    grpc: Option<Grpc>,
    http: Option<axum::Router>,
    /// gRPC from other networks is refused here; a router has its own gate, with its own words.
    lan_only: bool,
}

impl Door {
    /// gRPC, and HTTP if the role has a router.
    pub(super) fn new(grpc: Grpc, http: Option<axum::Router>, lan_only: bool) -> Door {
        Door { grpc: Some(grpc), http, lan_only }
    }

    /// HTTP alone.
    pub(super) fn plain(router: axum::Router) -> Door {
        Door { grpc: None, http: Some(router), lan_only: false }
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
        let door = self.clone();
        Box::pin(async move { Ok(door.pass(request).await) })
    }
}

impl Door {
    async fn pass(self, request: Request<Incoming>) -> Response<Body> {
        let is_grpc = is_grpc(&request);
        match (self.grpc, self.http) {
            (Some(_), _) if is_grpc && self.lan_only && !is_from_here(&request) => foreign(),
            (Some(grpc), _) if is_grpc => {
                match grpc.stack_for(request.uri().path()).oneshot(request.map(Body::new)).await {
                    Ok(response) => response,
                    Err(status) => status.into_http(),
                }
            }
            (_, Some(router)) => match router.oneshot(request.map(axum::body::Body::new)).await {
                Ok(response) => response.map(Body::new),
            },
            _ => not_here(),
        }
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
