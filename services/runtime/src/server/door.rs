//! The first decision about a request: gRPC goes to the services, everything else to the role's HTTP router.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::body::Incoming;
use tonic::{Status, body::Body};
use tower::{Service, ServiceExt, util::BoxCloneSyncService};

/// The guarded gRPC services of a process.
#[derive(Clone)]
pub(super) struct Grpc(BoxCloneSyncService<Request<Body>, Response<Body>, Status>);

impl Grpc {
    pub(super) fn new<S>(stack: S) -> Grpc
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Status> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        Grpc(BoxCloneSyncService::new(stack))
    }
}

/// What a listener leads to.
#[derive(Clone)]
pub(super) struct Door {
    grpc: Option<Grpc>,
    http: Option<axum::Router>,
}

impl Door {
    /// gRPC, and HTTP if the role has a router.
    pub(super) fn new(grpc: Grpc, http: Option<axum::Router>) -> Door {
        Door { grpc: Some(grpc), http }
    }

    /// HTTP alone.
    pub(super) fn plain(router: axum::Router) -> Door {
        Door { grpc: None, http: Some(router) }
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
            (Some(grpc), _) if is_grpc => match grpc.0.oneshot(request.map(Body::new)).await {
                Ok(response) => response,
                Err(status) => status.into_http(),
            },
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

fn not_here() -> Response<Body> {
    let text = "this port speaks gRPC; /metrics and /healthz are 1000 ports above\n";
    let mut response = Response::new(Body::new(http_body_util::Full::from(text)));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
