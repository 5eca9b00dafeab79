//! What every request passes, in the order of the contract.

pub(crate) mod correlation;
pub(crate) mod cors;
pub(crate) mod limit;
pub(crate) mod log;
mod panic;
mod security_headers;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use tower::ServiceBuilder;

use crate::{dispatch, faces, gate, gateway::Gateway, rate_limit, scrape, webhook};

/// The HTTP face of the gateway.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    let state = || gateway.clone();
    let pipeline = ServiceBuilder::new()
        .layer(from_fn_with_state(gateway.cors.clone(), cors::apply)) // refused origins get an answer, not its content
        .layer(from_fn(security_headers::add)) // on errors of everything below, too
        .layer(from_fn(limit::bound)) // counted while it is read
        .layer(from_fn(correlation::assign)) // every answer below has one
        .layer(from_fn(faces::tell)) // errors of everything below, in the words of the API that was spoken
        .layer(from_fn_with_state(state(), log::tell)) // sees what the client sees
        .layer(from_fn(panic::catch)) // a panic is logged like any 500
        .layer(from_fn_with_state(state(), webhook::take)) // before the gate: deliveries come with their own proof
        .layer(from_fn_with_state(state(), gate::guard)) // LAN-only, host and origin
        .layer(from_fn_with_state(state(), rate_limit::keep)); // before anything is looked up, read or asked
    Router::new()
        .route(scrape::PATH, get(scrape::metrics))
        .method_not_allowed_fallback(scrape::other_method)
        .fallback(dispatch::route)
        .with_state(state())
        .layer(pipeline)
}
