//! A panic is our own fault and one request's: it gets a 500 in the usual shape, and the process goes on.

use std::panic::AssertUnwindSafe;

use axum::{extract::Request, response::Response};
use futures_util::FutureExt as _;

use super::correlation::call_of;
use crate::fault::Fault;

/// Answers for a request whose handling panicked. The panic hook has logged where and why.
pub(super) async fn catch<F>(request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let call = call_of(request.extensions());
    // Nothing of the request is looked at after a panic, so nothing half-changed can be seen.
    match AssertUnwindSafe(next(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(correlation_id = call.correlation_id(), "a request's handling panicked");
            Fault::internal().answer(call.correlation_id())
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::pipeline::correlation;

    #[tokio::test]
    async fn a_panic_is_a_500_in_the_usual_shape() {
        let panics = |_| async { panic!("on purpose") };
        let response =
            correlation::assign(Request::new(Body::empty()), |request| catch(request, panics)).await;
        assert_eq!(response.status(), 500);
        let id = response.headers()["x-correlation-id"].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["code"], &body["correlationId"]), (&"INTERNAL".into(), &id.into()));
    }
}
