//! A question passed on to the models as it came, and its answer as it comes.

use std::convert::Infallible;

use axum::{body::Body, extract::Request, response::Response};
use bsm_proto::models::v1::{
    Face, RelayHead, RelayHeader, RelayRequest, RelayResponse, model_service_client::ModelServiceClient,
};
use bsm_runtime::{call::Call, layer_status::is_turned_away, server::MESSAGE_LIMIT};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tonic::{Status, Streaming};

use super::{Tongue, error, way};
use crate::{
    client::Client,
    fault::Fault,
    gateway::Gateway,
    pipeline::{correlation::call_of, limit},
    said, status, transcode,
};

/// The headers of a client that mean something to whoever answers. None of them is a secret.
const PASSED: [HeaderName; 8] = [
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    header::CACHE_CONTROL,
    HeaderName::from_static("x-bsm-cache"),
    HeaderName::from_static("x-bsm-resume-grace"),
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("anthropic-beta"),
    HeaderName::from_static("openai-beta"),
];

/// Who answers, and which model was asked for: in the headers of every answer.
const PROVIDER: HeaderName = HeaderName::from_static("x-bsm-provider");
const MODEL: HeaderName = HeaderName::from_static("x-bsm-model");

/// What the provider was not asked for, because its API has no word for it; absent where that is nothing.
const DROPPED: HeaderName = HeaderName::from_static("x-bsm-dropped");

/// Cancelled (the client left): the call at the provider ends too.
pub(super) async fn serve(
    gateway: &Gateway,
    face: Face,
    client: &Client,
    request: Request,
) -> Result<Response, Fault> {
    let call = call_of(request.extensions());
    let (parts, body) = request.into_parts();
    transcode::check_media_type(&parts.headers)?;
    let headers = passed(&parts.headers)?;
    let body = limit::read(&parts, body).await?;
    let question = RelayRequest { face: face.into(), body, headers };
    let mut outbound = call.request(question);
    transcode::introduce(client, outbound.metadata_mut());
    let mut way = ModelServiceClient::new(way(gateway)).max_decoding_message_size(MESSAGE_LIMIT);
    let answered = way.relay(outbound).await.map_err(|status| fault(&status))?;
    let (notes, mut messages, _) = answered.into_parts();
    let first = messages.message().await.map_err(|status| fault(&status))?.ok_or_else(Fault::internal)?;
    let RelayResponse { head, body } = first;
    let head = head.ok_or_else(Fault::internal)?;
    let body = match head.stream {
        true => streamed(body, messages, face.into(), &call),
        false => Body::from(whole(body, messages).await.map_err(|status| fault(&status))?),
    };
    let mut response = answer(&head, body);
    transcode::show_notes(&notes, response.headers_mut());
    Ok(response)
}

fn passed(headers: &HeaderMap) -> Result<Vec<RelayHeader>, Fault> {
    let said = PASSED.into_iter().map(|name| {
        let said = said::text(headers, &name)?;
        Ok(said.map(|value| RelayHeader { name: name.as_str().to_owned(), value }))
    });
    said.filter_map(Result::transpose).collect()
}

/// All of a document, which nobody can use in part.
async fn whole(first: Bytes, mut messages: Streaming<RelayResponse>) -> Result<Bytes, Status> {
    let mut rest = BytesMut::new();
    while let Some(message) = messages.message().await? {
        rest.extend_from_slice(&message.body);
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok([first, rest.freeze()].concat().into())
}

/// The bytes as they come. What goes wrong midway is told by an event, which is the last.
fn streamed(first: Bytes, messages: Streaming<RelayResponse>, tongue: Tongue, call: &Call) -> Body {
    let id = call.correlation_id().to_owned();
    let rest = stream::unfold(Some(messages), move |messages| {
        let id = id.clone();
        async move {
            let mut messages = messages?;
            match messages.message().await {
                Ok(Some(message)) => Some((message.body, Some(messages))),
                Ok(None) => None,
                Err(status) => Some((error::event(tongue, &fault(&status), &id).into(), None)),
            }
        }
    });
    let bytes = stream::iter([first]).chain(rest).filter(|bytes| std::future::ready(!bytes.is_empty()));
    Body::from_stream(bytes.map(Ok::<_, Infallible>))
}

fn answer(head: &RelayHead, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let kind = if head.stream { "text/event-stream; charset=utf-8" } else { "application/json" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if head.stream {
        headers.extend([crate::sse::UNBUFFERED]);
    }
    let dropped = head.dropped.join(", ");
    let named = [(PROVIDER, &head.provider), (MODEL, &head.model), (DROPPED, &dropped)];
    let told = named.into_iter().filter(|(_, value)| !value.is_empty());
    headers.extend(told.filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?))));
    response
}

fn fault(status: &Status) -> Fault {
    let fault = status::fault_in_a_document(status);
    if fault.status.is_server_error() && !is_turned_away(&fault.code) {
        let (code, said) = (status.code(), status.message());
        tracing::warn!(?code, reason = %fault.code, said, "a model could not be asked");
    }
    fault
}
