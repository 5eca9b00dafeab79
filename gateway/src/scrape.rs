//! `/metrics`, in Prometheus' own format: no rpc, so no annotation, so a handler.

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{Method, header};

use crate::{
    fault::Fault,
    gateway::Gateway,
    pipeline::{correlation::call_of, log::RouteName},
};

/// Where it is.
pub(crate) const PATH: &str = "/metrics";

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every metric of this process; a fault for another method than reading.
pub(crate) fn page(gateway: &Gateway, request: &Request) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return Fault::method_not_allowed("GET, HEAD").answer(call_of(request.extensions()).correlation_id());
    }
    let mut response = ([(header::CONTENT_TYPE, CONTENT_TYPE)], gateway.metrics.render()).into_response();
    response.extensions_mut().insert(RouteName(PATH.into()));
    response
}
