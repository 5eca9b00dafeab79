//! REST → gRPC: one request, one rpc, and its answer in the contract's JSON.

mod accept;
mod body;
mod codec;
mod depth;
mod etag;
mod known;
mod media;
mod notes;
mod request;
mod response;
mod scalar;
#[cfg(test)]
mod tests;
mod way;

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use bsm_proto::api::v1::Scope;
use bsm_runtime::{
    call::{Call, account},
    caller::{self, Caller},
    layer_status::is_turned_away,
    server::MESSAGE_LIMIT,
};
use bytes::Bytes;
use http::{HeaderName, Method, StatusCode, header, request::Parts};
use http_body::Body as _;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde_json::Value;
use tonic::{
    Status,
    metadata::{MetadataMap, MetadataValue},
};

use crate::{
    client::Client,
    fault::Fault,
    gateway::Gateway,
    kept,
    pipeline::{correlation::call_of, limit},
    routes::{BodyRule, Match, Rpc},
    said, sse, status,
};
pub(crate) use accept::prefers;
pub(crate) use body::{check_depth, invalid_json};
pub(crate) use media::check as check_media_type;
pub(crate) use notes::show as show_notes;
use request::Given;
pub(crate) use response::value;
pub(crate) use way::Way;

/// Metadata by which services learn what the gateway knows of the client.
pub(crate) const CLIENT_IP: &str = caller::CLIENT_IP;
/// `true` when the client says it is a phone or tablet.
pub(crate) const CLIENT_MOBILE: &str = "x-bsm-client-mobile";

/// Where a client says which event of a stream it saw last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Answers that are told by another code than success, whatever the rpc said: message, field, value, code.
const TOLD_BY_FIELD: [(&str, &str, &str, StatusCode); 2] = [
    ("bsm.ops.v1.GetDetailedHealthResponse", "status", "unhealthy", StatusCode::SERVICE_UNAVAILABLE),
    ("bsm.ops.v1.GetAgentHealthResponse", "status", "unhealthy", StatusCode::SERVICE_UNAVAILABLE),
];

/// Serves a request that its route admits.
///
/// Cancelled (the client left): the upstream call ends too.
pub(crate) async fn serve(
    gateway: &Gateway,
    found: &Match<'_>,
    client: &Client,
    request: Request,
) -> Result<Response, Fault> {
    let rpc = &found.route.rpc;
    let call = call_of(request.extensions());
    let (parts, body) = request.into_parts();
    let last_event_id = said::text(&parts.headers, &LAST_EVENT_ID)?;
    let body = whole_body(found, &parts, body).await?;
    let message = request::message(found, &given(&parts, last_event_id.as_deref(), &body))?;
    check_size(&message)?;
    let mut outbound = outbound(message, &call, client);
    notes::hand_on(&parts.headers, outbound.metadata_mut())?;
    // Services judge an operator's rights, too, in what anybody may ask.
    if matches!(rpc.scope, Scope::Admin | Scope::Publish) || call.caller() == account::ADMIN {
        vouch(gateway, client, call.caller(), &mut outbound);
    }
    let way = || gateway.upstreams.of(rpc).ok_or_else(Fault::internal);
    if rpc.streams {
        let way = Way { edge: way()?, rpc: Arc::clone(rpc) };
        let messages = way.stream(outbound).await.map_err(|status| fault(rpc, &status))?;
        let (metadata, messages, _) = messages.into_parts();
        let until =
            if sse::can_be_resumed(&rpc.output) { gateway.stopping.clone() } else { Default::default() };
        let mut response = sse::answer(messages, call.correlation_id(), until);
        notes::show(&metadata, response.headers_mut());
        return Ok(response);
    }
    if let Some(kept) = gateway.kept.ask(rpc, outbound.get_ref()).await {
        let told = kept.map_err(|status| fault(rpc, &status))?;
        let mut response = answer(rpc, &told.message, &parts, &call)?;
        told.stale.into_iter().for_each(|age| kept::mark(response.headers_mut(), age));
        return Ok(response);
    }
    let way = Way { edge: way()?, rpc: Arc::clone(rpc) };
    let answered = way.ask(outbound).await.map_err(|status| fault(rpc, &status))?;
    gateway.kept.changed_by(rpc);
    let mut response = answer(rpc, answered.get_ref(), &parts, &call)?;
    notes::show(answered.metadata(), response.headers_mut());
    Ok(response)
}

/// The body, when the route has use for one.
async fn whole_body(found: &Match<'_>, parts: &Parts, body: Body) -> Result<Bytes, Fault> {
    if found.route.body == BodyRule::None || body.is_end_stream() {
        return Ok(Bytes::new());
    }
    media::check(&parts.headers)?;
    limit::read(parts, body).await
}

/// JSON grows in protobuf when it is many small numbers; no service takes more than this.
fn check_size(message: &DynamicMessage) -> Result<(), Fault> {
    if message.encoded_len() <= MESSAGE_LIMIT {
        return Ok(());
    }
    let message =
        format!("The request is larger than {MESSAGE_LIMIT} bytes as a message, which is the most taken.");
    Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message))
}

fn given<'r>(parts: &'r Parts, last_event_id: Option<&'r str>, body: &'r [u8]) -> Given<'r> {
    Given { query: parts.uri.query().unwrap_or_default(), last_event_id, body }
}

fn outbound(message: DynamicMessage, call: &Call, client: &Client) -> tonic::Request<DynamicMessage> {
    let mut request = call.request(message);
    introduce(client, request.metadata_mut());
    // Seen by the gateway's own service only, which is called without a wire in between.
    request.extensions_mut().insert(call.clone());
    request
}

/// Tells a service what the gateway knows of the client.
pub(crate) fn introduce(client: &Client, metadata: &mut MetadataMap) {
    metadata.insert(CLIENT_MOBILE, MetadataValue::from_static(if client.mobile { "true" } else { "false" }));
    if let Some(ip) = client.ip.and_then(|ip| ip.to_string().parse().ok()) {
        metadata.insert(CLIENT_IP, ip);
    }
}

/// Says who the operator is whom the gate admitted: to services by metadata, to the gateway's own by what is seen
/// only there.
fn vouch(gateway: &Gateway, client: &Client, actor: &str, request: &mut tonic::Request<DynamicMessage>) {
    let caller = Caller { actor: actor.to_owned(), address: client.address(), via: None };
    caller.forward(gateway.admin_token.as_ref(), request.metadata_mut());
    request.extensions_mut().insert(caller);
}

fn fault(rpc: &Rpc, status: &Status) -> Fault {
    let fault = status::fault(status);
    if fault.status.is_server_error() && !is_turned_away(&fault.code) {
        let (code, said) = (status.code(), status.message());
        tracing::warn!(rpc = rpc.name, ?code, reason = %fault.code, said, "an upstream call failed");
    }
    fault
}

/// The answer as the client wants it: one field bare, or the message as JSON.
fn answer(rpc: &Rpc, message: &DynamicMessage, parts: &Parts, call: &Call) -> Result<Response, Fault> {
    if let Some(text) = rpc.text.as_ref().filter(|text| prefers(&parts.headers, &text.media_type)) {
        let content_type = format!("{}; charset=utf-8", text.media_type);
        let bare = message.get_field(&text.field).as_str().unwrap_or_default().to_owned();
        return Ok((rpc.success, [(header::CONTENT_TYPE, content_type)], bare).into_response());
    }
    let mut value = value(message)?;
    let told = TOLD_BY_FIELD
        .iter()
        .find(|(name, field, is, _)| *name == rpc.output.full_name() && value[field] == **is);
    let code = told.map_or(rpc.success, |(_, _, _, code)| *code);
    // Tagged before the correlation id is in it, which is another each time.
    let reads = matches!(parts.method, Method::GET | Method::HEAD) && code == StatusCode::OK;
    let tag = reads.then(|| etag::of(&value));
    if let Value::Object(fields) = &mut value {
        fields.insert("correlationId".to_owned(), call.correlation_id().into());
    }
    let mut response = match &tag {
        Some(tag) if etag::matches(&parts.headers, tag) => StatusCode::NOT_MODIFIED.into_response(),
        _ => (code, Json(value)).into_response(),
    };
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}
