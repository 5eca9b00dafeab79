//! A service that is asked over gRPC from the command line: how it is reached, and what its refusals mean here.

use std::time::Duration;

use bsm_runtime::{admin_token, role::Role, settings::Settings};
use secrecy::SecretString;
use tonic::{
    Code, Request, Response, Status,
    transport::{Channel, Endpoint},
};

use crate::exit::{Exit, Failure};

/// Connecting, and one question.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects.
///
/// # Errors
/// When the URL is none, or nobody answers there.
pub(super) async fn connect(url: &str) -> anyhow::Result<Channel> {
    let bad = || Failure::error(Exit::Usage, format!("\"{url}\" is not a URL such as http://127.0.0.1:8080"));
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| bad())?.connect_timeout(PATIENCE);
    if endpoint.uri().scheme().is_none() {
        return Err(bad()); // a host alone or a path alone is taken for a URI, and nobody can be called there
    }
    if endpoint.uri().scheme_str() != Some("http") {
        let sentence =
            format!("\"{url}\" asks for TLS, which is not spoken here; name an http:// address with --url");
        return Err(Failure::error(Exit::Usage, sentence));
    }
    let gone = |_| {
        let sentence = format!("nobody answers at {url}; is the mesh running? --url names another place");
        Failure::error(Exit::Unavailable, sentence)
    };
    endpoint.connect().await.map_err(gone)
}

/// Where a role is found: the place that was named, else the first of the settings.
pub(super) fn url(named: Option<&str>, settings: &Settings, role: Role) -> String {
    let first = || settings.url(role).split(',').next().unwrap_or_default().trim();
    named.unwrap_or_else(first).to_owned()
}

/// A question that shows the token, with a time to answer it in.
pub(super) fn asks<M>(token: Option<&SecretString>, message: M) -> Request<M> {
    let mut request = vouched(token, message);
    request.set_timeout(PATIENCE);
    request
}

/// A question that shows the token.
pub(super) fn vouched<M>(token: Option<&SecretString>, message: M) -> Request<M> {
    let mut request = Request::new(message);
    admin_token::show(token, request.metadata_mut());
    request
}

/// What was said.
///
/// # Errors
/// What was refused, as [`failure`].
pub(super) fn said<M>(
    token: Option<&SecretString>,
    answer: Result<Response<M>, Status>,
) -> anyhow::Result<M> {
    answer.map(Response::into_inner).map_err(|status| failure(token, &status))
}

/// What the other side refused to a call with this token, under the exit code that says who has to do something.
pub(super) fn failure(token: Option<&SecretString>, status: &Status) -> anyhow::Error {
    let exit = match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => Exit::Permission,
        Code::InvalidArgument | Code::NotFound => Exit::Usage,
        _ => Exit::Unavailable,
    };
    let sentence = match status.code() {
        Code::Unauthenticated => match token {
            Some(_) => format!("{}; the one given (ADMIN_TOKEN, --token) is wrong", status.message()),
            None => format!("{}; give it as ADMIN_TOKEN or with --token", status.message()),
        },
        Code::Unimplemented => "what answers there is no part of a mesh, or an older one".to_owned(),
        // The gateway speaks to clients of REST; here, there is a command for it.
        _ => status.message().replace("/api/health/circuit-breakers", "`bsm ops breakers`"),
    };
    Failure::error(exit, sentence)
}
