//! From a request to its route: the one handler behind the pipeline.

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::{
    admission, faces,
    fault::Fault,
    gateway::Gateway,
    pipeline::{correlation::call_of, log::RouteName},
    routes::{Found, Match, Want},
    scrape, sse,
    transcode::{self, prefers},
};

/// Answers whatever the table knows, and says so where it knows nothing.
pub(crate) async fn route(gateway: &Gateway, request: Request) -> Response {
    match request.uri().path() {
        path if faces::is_path(path) => faces::route(gateway, request).await,
        scrape::PATH => scrape::page(gateway, &request),
        _ => rpc(gateway, request).await,
    }
}

async fn rpc(gateway: &Gateway, request: Request) -> Response {
    let call = call_of(request.extensions());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let answer = match gateway.routes.find(&method, uri.path(), want(request.headers())) {
        Found::Route(found) => {
            let name = RouteName(found.route.template.as_str().into());
            let answer = admitted(gateway, &found, request).await;
            let mut response = answer.unwrap_or_else(|fault| fault.answer(call.correlation_id()));
            response.extensions_mut().insert(name);
            return response;
        }
        Found::OtherMethod { allow } if method == Method::OPTIONS => Ok(options(&allow)),
        Found::OtherMethod { allow } => Err(Fault::method_not_allowed(&allow)),
        Found::Nothing => Err(Fault::not_found(uri.path_and_query().map_or("", |whole| whole.as_str()))),
    };
    answer.unwrap_or_else(|fault| fault.answer(call.correlation_id()))
}

async fn admitted(gateway: &Gateway, found: &Match<'_>, mut request: Request) -> Result<Response, Fault> {
    let client = gateway.proxies.client_of(&request);
    let scope = found.route.rpc.scope;
    let asker = gateway.gate.admit(found.route, &client, request.headers(), request.uri())?;
    let call = gateway.confirm(asker, scope, &call_of(request.extensions())).await?;
    let importance = gateway.gate.importance(scope, request.headers())?;
    let place = admission::place(gateway, &found.route.rpc, importance, &mut request)?;
    request.extensions_mut().insert(call.with_priority(importance));
    admission::keep(place, transcode::serve(gateway, found, &client, request).await)
}

/// How the client wants a route to answer that exists both ways.
pub(crate) fn want(headers: &HeaderMap) -> Want {
    if prefers(headers, sse::MEDIA_TYPE) { Want::Stream } else { Want::Whole }
}

fn options(allow: &str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().extend(HeaderValue::from_str(allow).ok().map(|allow| (header::ALLOW, allow)));
    response
}
