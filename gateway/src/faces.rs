//! The APIs of others, under `/v1`: OpenAI's and Anthropic's, so that their clients work as they are.
//!
//! Bodies pass through unread: what they mean is known where models are asked (`ModelService.Relay`). Here is what
//! belongs to HTTP: who may ask, how large, and how all that goes wrong is told in the words of the API that was spoken.

mod error;
mod models;
mod relay;
mod told;

use axum::{extract::Request, response::Response};
use bsm_proto::{api::v1::Scope, models::v1::Face};
use bsm_runtime::{role::Role, shown::shown};
use http::{HeaderMap, Method, StatusCode};

use crate::{
    fault::Fault,
    gateway::Gateway,
    pipeline::{correlation::call_of, log::RouteName},
};
pub(crate) use told::tell;

/// Where the APIs of others begin.
const PREFIX: &str = "/v1";

/// Below this are the models one by one; their names have slashes.
const MODELS: &str = "/v1/models";

/// Whose API is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    /// OpenAI's, and of all who speak alike.
    OpenAi,
    /// Anthropic's.
    Anthropic,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted<'p> {
    /// A model's answer.
    Answer(Face),
    /// The models that can be asked.
    Models,
    /// One of them.
    Model(&'p str),
}

/// Where questions are asked.
const QUESTIONS: [(&str, Face); 3] = [
    ("/v1/chat/completions", Face::OpenaiChat),
    ("/v1/embeddings", Face::OpenaiEmbeddings),
    ("/v1/messages", Face::AnthropicMessages),
];

// === impl Tongue ===
impl Tongue {
    /// Whose API a request speaks; `None` for what is not under `/v1`. The list of models is at one place in both:
    /// Anthropic's clients name their version.
    fn of(path: &str, headers: &HeaderMap) -> Option<Tongue> {
        if !is_path(path) {
            return None;
        }
        let anthropic = path.starts_with("/v1/messages")
            || path.starts_with(MODELS) && headers.contains_key("anthropic-version");
        Some(if anthropic { Tongue::Anthropic } else { Tongue::OpenAi })
    }
}

impl From<Face> for Tongue {
    fn from(face: Face) -> Tongue {
        match face {
            Face::AnthropicMessages => Tongue::Anthropic,
            Face::OpenaiChat | Face::OpenaiEmbeddings | Face::Unspecified => Tongue::OpenAi,
        }
    }
}

// === impl Wanted ===

impl Wanted<'_> {
    fn method(&self) -> Method {
        match self {
            Wanted::Answer(_) => Method::POST,
            Wanted::Models | Wanted::Model(_) => Method::GET,
        }
    }

    fn scope(&self) -> Scope {
        match self {
            Wanted::Answer(_) => Scope::Invoke,
            Wanted::Models | Wanted::Model(_) => Scope::Read,
        }
    }

    /// A label that clients cannot multiply.
    fn name(&self) -> &'static str {
        match self {
            Wanted::Answer(face) => {
                QUESTIONS.iter().find(|(_, known)| known == face).map_or("", |(path, _)| path)
            }
            Wanted::Models => MODELS,
            Wanted::Model(_) => "/v1/models/{model}",
        }
    }
}

/// Whether a path belongs to the API of somebody else.
pub(crate) fn is_path(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// Every route under `/v1`, as `POST /v1/messages`, behind the path of its rpc.
pub(crate) fn routes() -> impl Iterator<Item = (String, String)> {
    let questions = QUESTIONS.iter().map(|(_, face)| (Wanted::Answer(*face), "Relay"));
    let all = questions.chain([(Wanted::Models, "ListModels"), (Wanted::Model(""), "ListModels")]);
    all.map(|(wanted, rpc)| {
        (format!("/bsm.models.v1.ModelService/{rpc}"), format!("{} {}", wanted.method(), wanted.name()))
    })
}

/// Answers whatever is asked under `/v1`.
pub(crate) async fn route(gateway: &Gateway, request: Request) -> Response {
    let call = call_of(request.extensions());
    let uri = request.uri().clone();
    let Some(wanted) = find(uri.path()) else {
        return unknown(uri.path()).answer(call.correlation_id());
    };
    let name = RouteName(wanted.name().into());
    let answer = serve(gateway, wanted, request).await;
    let mut response = answer.unwrap_or_else(|fault| fault.answer(call.correlation_id()));
    response.extensions_mut().insert(name);
    response
}

/// The refusal of a path that neither API has here.
fn unknown(path: &str) -> Fault {
    let known: Vec<&str> = QUESTIONS.iter().map(|(known, _)| *known).chain([MODELS]).collect();
    let message = format!("There is no path {} here; there are {}.", shown(path), known.join(", "));
    Fault::new(StatusCode::NOT_FOUND, "UNKNOWN_URL", message)
}

async fn serve(gateway: &Gateway, wanted: Wanted<'_>, mut request: Request) -> Result<Response, Fault> {
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    if *method != wanted.method() {
        return Err(Fault::method_not_allowed(wanted.method().as_str()));
    }
    let client = gateway.proxies.client_of(&request);
    let asker = gateway.gate.entitle(wanted.scope(), &client, request.headers(), request.uri())?;
    let call = gateway.confirm(asker, wanted.scope(), &call_of(request.extensions())).await?;
    let importance = gateway.gate.importance(wanted.scope(), request.headers())?;
    let call = call.with_priority(importance);
    request.extensions_mut().insert(call.clone());
    let tongue = Tongue::of(request.uri().path(), request.headers()).unwrap_or(Tongue::OpenAi);
    match wanted {
        Wanted::Answer(face) => relay::serve(gateway, face, &client, request).await,
        Wanted::Models => models::list(gateway, tongue, &call).await,
        Wanted::Model(id) => models::one(gateway, id, tongue, &call).await,
    }
}

fn find(path: &str) -> Option<Wanted<'_>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if let Some((_, face)) = QUESTIONS.iter().find(|(known, _)| *known == path) {
        return Some(Wanted::Answer(*face));
    }
    match path.strip_prefix(MODELS)? {
        "" => Some(Wanted::Models),
        below => below.strip_prefix('/').map(Wanted::Model),
    }
}

/// The way to the models, for streams and answers of which nobody knows beforehand how long they take.
fn way(gateway: &Gateway) -> bsm_runtime::client::Edge {
    gateway.upstreams.streams_from(Role::Models)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_api() {
        let (plain, versioned) = (HeaderMap::new(), {
            let mut headers = HeaderMap::new();
            headers.insert("anthropic-version", http::HeaderValue::from_static("2023-06-01"));
            headers
        });
        for (path, headers, tongue) in [
            ("/v1/chat/completions", &plain, Some(Tongue::OpenAi)),
            ("/v1/messages", &plain, Some(Tongue::Anthropic)),
            ("/v1/models", &plain, Some(Tongue::OpenAi)),
            ("/v1/models", &versioned, Some(Tongue::Anthropic)),
            ("/v1/nothing", &versioned, Some(Tongue::OpenAi)),
            ("/v1", &plain, Some(Tongue::OpenAi)),
            ("/v1x", &plain, None),
            ("/api/models", &plain, None),
        ] {
            assert_eq!(Tongue::of(path, headers), tongue, "{path}");
        }
    }

    #[test]
    fn a_models_name_may_have_slashes() {
        assert_eq!(find("/v1/models/"), Some(Wanted::Models));
        assert_eq!(find("/v1/models/openai/gpt-4o"), Some(Wanted::Model("openai/gpt-4o")));
        assert_eq!(find("/v1/modelsx"), None);
        assert_eq!(find("/v1/messages/count_tokens"), None);
    }
}
