//! Every error under `/v1`, wherever in the pipeline it was made, in the words of the API that was spoken.

use axum::{
    Json,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{Tongue, error};
use crate::{fault::Told, pipeline::correlation::call_of};

/// Where each API's clients look for the id to name in a complaint.
const OPENAI_ID: HeaderName = HeaderName::from_static("x-request-id");
const ANTHROPIC_ID: HeaderName = HeaderName::from_static("request-id");

/// Tells faults anew, keeping their headers, and puts the correlation id where the API has such ids. Everything that is
/// not under `/v1` passes as it is.
pub(crate) async fn tell<F>(request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let Some(tongue) = Tongue::of(request.uri().path(), request.headers()) else {
        return next(request).await;
    };
    let call = call_of(request.extensions());
    let mut response = next(request).await;
    if let Some(Told(fault)) = response.extensions_mut().remove::<Told>() {
        response = again(tongue, &fault, call.correlation_id(), response);
    }
    let id = HeaderValue::from_str(call.correlation_id()).ok();
    let name = if tongue == Tongue::OpenAi { OPENAI_ID } else { ANTHROPIC_ID };
    response.headers_mut().extend(id.map(|id| (name, id)));
    response
}

fn again(tongue: Tongue, fault: &crate::fault::Fault, correlation_id: &str, first: Response) -> Response {
    let (parts, _) = first.into_parts();
    let body = error::body(tongue, fault, correlation_id);
    let mut response = (error::code(fault), Json(body)).into_response();
    *response.extensions_mut() = parts.extensions;
    let kept = |(name, _): &(Option<HeaderName>, _)| !matches!(name, Some(name) if *name == header::CONTENT_TYPE || *name == header::CONTENT_LENGTH);
    let headers: HeaderMap =
        parts.headers.into_iter().filter(kept).filter_map(|(name, value)| Some((name?, value))).collect();
    response.headers_mut().extend(headers);
    if !error::is_worth_a_retry(fault) {
        response.headers_mut().insert(error::SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}
