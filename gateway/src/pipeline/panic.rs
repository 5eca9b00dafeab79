//! A panic is our own fault and one request's: it gets a 500 in the usual shape, and the process goes on.

use std::panic::AssertUnwindSafe;

use axum::{extract::Request, middleware::Next, response::Response};
use futures_util::FutureExt as _;

use super::correlation::call_of;
use crate::fault::Fault;

/// Answers for a request whose handling panicked. The panic hook has logged where and why.
pub(super) async fn catch(request: Request, next: Next) -> Response {
    let call = call_of(request.extensions());
    // Nothing of the request is looked at after a panic, so nothing half-changed can be seen.
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(correlation_id = call.correlation_id(), "a request's handling panicked");
            Fault::internal().answer(call.correlation_id())
        }
    }
}
