//! One call: find its wire, ask the script, answer.

use std::{
    sync::{Arc, PoisonError},
    time::Instant,
};

use axum::{
    Extension,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_TYPE};
use serde_json::Value;

use super::{Asked, Shared, body::Sending, log::Ticket};
use crate::{
    reply::{Rendered, Reply, Shape},
    serve::Connection,
    wire::Wire,
};

pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(wire) = shared.wires.iter().find(|wire| wire.serves(uri.path())) else {
        return (StatusCode::NOT_FOUND, format!("no wire serves {}\n", uri.path())).into_response();
    };
    if method != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response(); // the client left before it had asked
    };
    let (asked, ticket) = shared.log.arrive(asked(wire.as_ref(), &uri, headers, &body));
    let (reply, shape) = shared.reply(&asked).into_parts();
    respond(reply, shape, wire.as_ref(), &asked, ticket, connection).await
}

fn asked(wire: &dyn Wire, uri: &Uri, headers: HeaderMap, body: &Bytes) -> Asked {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Asked {
        number: 0, // given by the log
        at: Instant::now(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        idempotency_key: text("idempotency-key"),
        key: wire.key(&headers),
        stream: wire.streams(uri.path(), &body),
        headers,
        body,
    }
}

async fn respond(
    reply: Reply,
    shape: Shape,
    wire: &dyn Wire,
    asked: &Asked,
    mut ticket: Ticket,
    connection: Connection,
) -> Response {
    // Whoever hangs up while this waits drops this future, and with it the ticket.
    if !shape.wait.is_zero() {
        tokio::time::sleep(shape.wait).await;
    }
    let resets = matches!(reply, Reply::Resets);
    let Some(rendered) = Rendered::of(reply, &shape, wire, asked) else {
        if resets {
            ticket.broken();
            connection.reset();
        }
        return std::future::pending().await;
    };
    ticket.headers();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = rendered.status;
    response.headers_mut().insert(CONTENT_TYPE, rendered.kind);
    for (name, value) in &shape.headers {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    *response.body_mut() = Sending::new(rendered.chunks, &shape, ticket, connection).into_body();
    response
}

// === impl Shared ===

impl Shared {
    fn reply(&self, asked: &Asked) -> Reply {
        let refused = self.keys.lock().unwrap_or_else(PoisonError::into_inner).check(asked);
        refused.unwrap_or_else(|| {
            let script = self.script.lock().unwrap_or_else(PoisonError::into_inner).clone();
            script(asked)
        })
    }
}
