//! The correlation id: the client's if it keeps the rule, else a new one; on every answer, errors included.

use axum::{extract::Request, response::Response};
use bsm_runtime::call::{CORRELATION_HEADER, Call};
use bsm_stack::Priority;
use http::HeaderValue;

/// Puts the [`Call`] into the request's extensions, where everything after it finds it.
pub(super) async fn assign<F>(mut request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    // What a client says of its importance is judged where it is known who asks for what.
    let call = Call::from_headers(request.headers()).with_priority(Priority::Normal);
    let id =
        HeaderValue::from_str(call.correlation_id()).expect("an id is letters, digits, '.', '_' and '-'");
    request.extensions_mut().insert(call);
    let mut response = next(request).await;
    response.headers_mut().insert(CORRELATION_HEADER, id);
    response
}

/// The call that a request belongs to.
pub(crate) fn call_of(extensions: &http::Extensions) -> Call {
    extensions.get::<Call>().cloned().expect("the pipeline assigns a call before anything asks for it")
}
