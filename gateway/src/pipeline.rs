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
    extract::{Request, State},
    response::Response,
};

use crate::{dispatch, faces, gate, gateway::Gateway, rate_limit, webhook};

/// The HTTP face of the gateway.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    Router::new().fallback(serve).with_state(gateway)
}

/// Answers a request. The first step that it meets is the last line. The steps are one future, and not layers each of which
/// would copy what is below it and take memory for each request: that took as long as all they do.
async fn serve(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let gateway = &*gateway;
    let answer = |request| dispatch::route(gateway, request);
    let answer = |request| rate_limit::keep(gateway, request, answer); // before anything is looked up, read or asked
    let answer = |request| gate::guard(gateway, request, answer); // LAN-only, host and origin
    let answer = |request| webhook::take(gateway, request, answer); // before the gate: deliveries come with their own proof
    let answer = |request| panic::catch(request, answer); // a panic is logged like any 500
    let answer = |request| log::tell(gateway, request, answer); // sees what the client sees
    let answer = |request| faces::tell(request, answer); // errors of everything below, in the words of the API that was spoken
    let answer = |request| correlation::assign(request, answer); // every answer below has one
    let answer = |request| limit::bound(gateway, request, answer); // counted while it is read
    let answer = |request| security_headers::add(request, answer); // on errors of everything below, too
    cors::apply(&gateway.cors, request, answer).await // refused origins get an answer, not its content
}
