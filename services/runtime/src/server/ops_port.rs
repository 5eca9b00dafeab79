//! The second port of every process: `/metrics` for Prometheus and `/healthz` for whoever watches containers.

use axum::{
    Router, extract::State, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse,
    routing::get,
};

use crate::process::Process;

pub(super) fn router(process: &Process) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .fallback(async || (StatusCode::NOT_FOUND, "this port serves /metrics and /healthz\n"))
        .with_state(process.clone())
}

async fn metrics(State(process): State<Process>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], process.metrics.render())
}

async fn healthz(State(process): State<Process>) -> impl IntoResponse {
    if process.readiness.is_ready() {
        (StatusCode::OK, "serving\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not serving\n")
    }
}
