//! One log line and one metric a request, under its correlation id.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use bsm_runtime::{role::Role, trace};
use http::StatusCode;
use tokio::time::Instant;
use tracing::{Instrument as _, debug, info, info_span, warn};

use super::correlation::call_of;
use crate::{fault::TurnedAway, gateway::Gateway};

/// The route that answered, as the contract writes it: a label that clients cannot multiply.
#[derive(Clone, Debug)]
pub(crate) struct RouteName(pub(crate) Arc<str>);

/// Tells of a request once the head of its answer is out; a stream goes on after that.
pub(super) async fn tell<F>(gateway: &Gateway, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let (began, method) = (Instant::now(), request.method().clone());
    let path = request.uri().path().to_owned(); // without the query, which may hold what is nobody's business
    let client = gateway.proxies.client_of(&request);
    let call = call_of(request.extensions());
    let span = info_span!("request", role = Role::Gateway.name(), correlation_id = call.correlation_id());
    trace::set_parent(&span, request.headers());
    let response = next(request).instrument(span.clone()).await;
    let (status, took) = (response.status(), began.elapsed());
    let route = response.extensions().get::<RouteName>().map_or("none", |name| &name.0);
    gateway.metrics.served(
        Role::Gateway.name(),
        &format!("{} {route}", known(&method)),
        status.as_str(),
        took,
    );
    let ms = took.as_secs_f64() * 1e3;
    let address = client.address();
    span.in_scope(|| match status {
        StatusCode::INTERNAL_SERVER_ERROR => {
            warn!(%method, path, status = status.as_u16(), ms, address, "answered")
        }
        // The metrics count them; a line for each would be a flood of its own.
        _ if response.extensions().get::<TurnedAway>().is_some() => {
            debug!(%method, path, status = status.as_u16(), ms, address, "turned away")
        }
        _ => info!(%method, path, status = status.as_u16(), ms, address, "answered"),
    });
    response
}

/// A method for a label; invented ones share one.
fn known(method: &http::Method) -> &str {
    match method.as_str() {
        name @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => name,
        _ => "OTHER",
    }
}
