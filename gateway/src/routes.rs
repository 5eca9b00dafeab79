//! The route table: which rpc answers which method and path, read from the annotations of the contract.
//!
//! An rpc with `google.api.http` has a route without a line of code here. Literal segments win over parameters;
//! a trailing slash is tolerated; HEAD is allowed wherever GET is.

mod annotation;
mod template;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use bsm_proto::api::v1::Scope;
use http::{Method, StatusCode, uri::PathAndQuery};
use percent_encoding::percent_decode_str;
use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor};

use template::Template;

/// Why the contract cannot be offered over HTTP. Found at start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are no descriptor set.
    #[error("the descriptor set of the contract cannot be read")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// The set lacks the definition of an annotation.
    #[error("the descriptor set does not define the option {0}; compile it with its imports")]
    NoSuchOption(&'static str),
    /// An rpc says nothing about who may call it.
    #[error("{0} declares no scope; give it an option (bsm.api.v1.rule)")]
    NoScope(String),
    /// An internal rpc has a route.
    #[error("{0} is internal and yet has a google.api.http annotation; remove one of both")]
    InternalOffered(String),
    /// An annotation that means nothing here.
    #[error("the annotation of {rpc} is not usable: {problem}")]
    Annotation {
        /// The full name of the rpc.
        rpc: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two rpcs want the same requests.
    #[error("{first} and {second} both want {method} {path}")]
    Taken {
        /// The one read first.
        first: String,
        /// The one read second.
        second: String,
        /// Their method.
        method: Method,
        /// Their path.
        path: String,
    },
    /// A path that the router cannot hold beside the others.
    #[error("the path {path} cannot stand beside the others")]
    Path {
        /// The path, parameters replaced by their position.
        path: String,
        /// What the router says.
        source: matchit::InsertError,
    },
}

/// An rpc as the gateway offers it.
#[derive(Debug)]
pub(crate) struct Rpc {
    /// Its full name, such as `bsm.registry.v1.RegistryService.ListAgents`.
    pub(crate) name: String,
    /// The full name of its service.
    pub(crate) service: String,
    /// Where it is called: `/bsm.registry.v1.RegistryService/ListAgents`.
    pub(crate) path: PathAndQuery,
    pub(crate) input: MessageDescriptor,
    pub(crate) output: MessageDescriptor,
    /// Whether it answers with a stream.
    pub(crate) streams: bool,
    /// Who may call it.
    pub(crate) scope: Scope,
    /// The HTTP code of success.
    pub(crate) success: StatusCode,
    /// Set when a client may have one field bare.
    pub(crate) text: Option<BareText>,
}

/// A string field that is served alone to clients that ask for its media type.
#[derive(Debug)]
pub(crate) struct BareText {
    pub(crate) field: FieldDescriptor,
    pub(crate) media_type: String,
}

/// What of the request's message comes from the HTTP body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum BodyRule {
    /// Nothing.
    None,
    /// All that the path does not fill.
    Whole,
    /// One field, a message.
    Field(FieldDescriptor),
}

/// One method and path of an rpc.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) template: Template,
    pub(crate) body: BodyRule,
    pub(crate) rpc: Arc<Rpc>,
}

/// Every route, by path.
#[derive(Debug, Default)]
pub(crate) struct Table {
    paths: matchit::Router<Vec<Route>>,
    rpcs: Vec<Arc<Rpc>>,
}

/// What stands at a method and path.
#[derive(Debug)]
pub(crate) enum Found<'t> {
    Route(Match<'t>),
    /// The path is known; these are its methods.
    OtherMethod {
        allow: String,
    },
    Nothing,
}

/// A route that answers a request, and the values of its parameters by field path.
#[derive(Debug)]
pub(crate) struct Match<'t> {
    pub(crate) route: &'t Route,
    pub(crate) params: Vec<(&'t str, String)>,
}

/// How a client wants a route that exists both ways to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Whole,
    Stream,
}

/// Each route of the set, as `GET /api/agents`, behind the path of its rpc.
pub(crate) fn shown(descriptors: &[u8]) -> Result<Vec<(String, String)>, Error> {
    let routes = annotation::read(&DescriptorPool::decode(descriptors)?)?;
    let shown =
        |route: Route| (route.rpc.path.to_string(), format!("{} {}", route.method, route.template.as_str()));
    Ok(routes.into_iter().map(shown).collect())
}

// === impl Table ===

impl Table {
    /// Reads the annotations of every service in the set.
    pub(crate) fn read(descriptors: &[u8]) -> Result<Table, Error> {
        let pool = DescriptorPool::decode(descriptors)?;
        let mut rpcs = Vec::new();
        let mut by_path = BTreeMap::<String, Vec<Route>>::new();
        for route in annotation::read(&pool)? {
            let routes = by_path.entry(route.template.pattern().to_owned()).or_default();
            refuse_taken(routes, &route)?;
            rpcs.push(route.rpc.clone());
            routes.push(route);
        }
        let mut table = Table { rpcs, ..Table::default() };
        for (path, routes) in by_path {
            table.paths.insert(path.clone(), routes).map_err(|source| Error::Path { path, source })?;
        }
        Ok(table)
    }

    /// Every rpc that has a route.
    pub(crate) fn rpcs(&self) -> impl Iterator<Item = &Arc<Rpc>> {
        self.rpcs.iter()
    }

    /// The route for a request. Of two rpcs at one place, `want` picks; where there is one, it is taken.
    pub(crate) fn find(&self, method: &Method, path: &str, want: Want) -> Found<'_> {
        let path = match path.strip_suffix('/') {
            Some(trimmed) if !trimmed.is_empty() => trimmed,
            _ => path,
        };
        let Ok(found) = self.paths.at(path) else { return Found::Nothing };
        let Some(values) = decode(&found.params) else { return Found::Nothing };
        // A HEAD is a GET whose body is not sent.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        match pick(found.value, method, want) {
            Some(route) => {
                let names = route.template.params().iter().map(String::as_str);
                Found::Route(Match { route, params: names.zip(values).collect() })
            }
            None => Found::OtherMethod { allow: allow(found.value) },
        }
    }
}

fn refuse_taken(routes: &[Route], new: &Route) -> Result<(), Error> {
    let same = |old: &&Route| old.method == new.method && old.rpc.streams == new.rpc.streams;
    match routes.iter().find(same) {
        None => Ok(()),
        Some(old) => Err(Error::Taken {
            first: old.rpc.name.clone(),
            second: new.rpc.name.clone(),
            method: new.method.clone(),
            path: new.template.as_str().to_owned(),
        }),
    }
}

fn pick<'t>(routes: &'t [Route], method: &Method, want: Want) -> Option<&'t Route> {
    let candidates = || routes.iter().filter(|route| route.method == *method);
    let wanted = candidates().find(|route| route.rpc.streams == (want == Want::Stream));
    wanted.or_else(|| candidates().next())
}

/// The methods of a path as the `Allow` header lists them.
fn allow(routes: &[Route]) -> String {
    let mut methods: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.dedup();
    methods.join(", ")
}

/// The parameters' values in the order of the path; `None` when one is not UTF-8 once decoded.
fn decode(params: &matchit::Params<'_, '_>) -> Option<Vec<String>> {
    params
        .iter()
        .map(|(_, raw)| percent_decode_str(raw).decode_utf8().ok().map(|text| text.into_owned()))
        .collect()
}
