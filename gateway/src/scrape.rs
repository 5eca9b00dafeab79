//! `/metrics`, in Prometheus' own format: no rpc, so no annotation, so a handler.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::header;

use crate::{
    fault::Fault,
    gateway::Gateway,
    pipeline::{correlation::call_of, log::RouteName},
};

/// Where it is.
pub(crate) const PATH: &str = "/metrics";

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every metric of this process.
pub(crate) async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    let mut response = ([(header::CONTENT_TYPE, CONTENT_TYPE)], gateway.metrics.render()).into_response();
    response.extensions_mut().insert(RouteName(PATH.into()));
    response
}

/// The page with another method.
pub(crate) async fn other_method(request: Request) -> Response {
    Fault::method_not_allowed("GET, HEAD").answer(call_of(request.extensions()).correlation_id())
}
