//! The one security gate: who may reach the API at all, and who may call which route.

mod hint;
mod key;
mod mobile;
mod network;
mod shown;
#[cfg(test)]
mod tests;
mod token;

use axum::{extract::Request, response::Response};
use bsm_proto::api::v1::Scope;
use bsm_runtime::{
    admin_token::AdminToken,
    api_key::Presented,
    call::account,
    importance,
    settings::{Profile, Settings},
};
use bsm_stack::Priority;
use http::{HeaderMap, StatusCode, Uri, header};

use self::shown::Shown;
use crate::{
    client::{Client, authority},
    fault::Fault,
    gateway::Gateway,
    pipeline::{correlation::call_of, cors},
    routes::Route,
    said,
};

/// What the operator allows.
#[derive(Debug)]
pub(crate) struct Gate {
    lan_only: bool,
    mobile_mode: bool,
    /// Whether read and invoke need no key on this very machine: so that the first run is one command.
    open_on_loopback: bool,
    token: Option<AdminToken>,
    origins: cors::Policy,
}

/// Who asks, as far as the gate can tell by itself.
#[must_use = "a key that is presented must be confirmed"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Nobody known.
    Anybody,
    /// Somebody with the operator's token.
    Operator,
    /// Somebody with an API key, if the registry confirms it.
    Key(Presented),
}

/// Refuses requests from outside the local network, when only that is served.
pub(crate) async fn guard<F>(gateway: &Gateway, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    match gateway.gate.reach(&gateway.proxies.client_of(&request), request.headers(), request.uri()) {
        Ok(()) => next(request).await,
        Err(fault) => fault.answer(call_of(request.extensions()).correlation_id()),
    }
}

impl Gate {
    pub(crate) fn new(settings: &Settings) -> Gate {
        Gate {
            lan_only: settings.lan_only,
            mobile_mode: settings.mobile_mode,
            open_on_loopback: settings.profile == Profile::Development,
            token: settings.admin_token.as_ref().map(AdminToken::new),
            origins: cors::Policy::of(settings),
        }
    }

    /// Whether the client may reach the API at all. A gate and no authentication: it also looks at the names by
    /// which the client came, because a web page may have pointed its own name at a local address.
    pub(crate) fn reach(&self, client: &Client, headers: &HeaderMap, uri: &Uri) -> Result<(), Fault> {
        let near = client.ip.is_some_and(network::is_local)
            && self.names_are_local(headers, uri, network::is_local_name);
        if !self.lan_only || near {
            return Ok(());
        }
        let fault = Fault::new(StatusCode::FORBIDDEN, "LAN_ONLY_VIOLATION", "Access Denied");
        Err(fault.extra("message", "This server answers clients of its local network only.".into()))
    }

    /// Who calls the route, if they may as far as can be told here.
    pub(crate) fn admit(
        &self,
        route: &Route,
        client: &Client,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Result<Asker, Fault> {
        if self.mobile_mode && mobile::is_restricted(&route.method, route.template.as_str()) {
            return Err(mobile::fault());
        }
        self.entitle(route.rpc.scope, client, headers, uri)
    }

    /// Who wants to use a right, if they have it as far as can be told here. A key that is presented counts also where
    /// none is needed: whoever shows a wrong one is mistaken about who they are.
    pub(crate) fn entitle(
        &self,
        scope: Scope,
        client: &Client,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Result<Asker, Fault> {
        let shown = Shown::of(self.token.as_ref(), headers);
        let is_home = || {
            matches!(scope, Scope::Read | Scope::Invoke)
                && matches!(shown, Shown::Nothing | Shown::Foreign)
                && self.is_at_home(client, headers, uri)
        };
        match (scope, &shown) {
            (Scope::Internal | Scope::Unspecified, _) => {}
            (_, Shown::Token) => return Ok(Asker::Operator),
            (Scope::Open, _) => return Ok(Asker::Anybody),
            (_, Shown::Key(key)) => return Ok(Asker::Key(key.clone())),
            _ if is_home() => return Ok(Asker::Anybody),
            _ => {}
        }
        Err(unauthorized(shown.sentence(headers), &self.hint(scope, &shown, client, headers, uri)))
    }

    /// The refusal of a key that opens nothing. The same whatever is wrong with it.
    pub(crate) fn invalid_key(&self) -> Fault {
        unauthorized(shown::INVALID_KEY, self.token_hint())
    }

    /// What opens what this machine alone does not. The same for all who have it not.
    fn token_hint(&self) -> &'static str {
        if self.token.is_some() { hint::TOKEN } else { hint::NO_TOKEN }
    }

    /// What a client that was refused can do about it. The same whether it showed no token or a wrong one in the header
    /// for it.
    fn hint(&self, scope: Scope, shown: &Shown, client: &Client, headers: &HeaderMap, uri: &Uri) -> String {
        let token = self.token_hint();
        let is_open = matches!(scope, Scope::Read | Scope::Invoke)
            && matches!(shown, Shown::Nothing | Shown::Foreign)
            && self.open_on_loopback;
        if !is_open || !client.ip.is_some_and(|ip| ip.is_loopback()) {
            return token.to_owned();
        }
        let is_ours = host_is(headers, uri, network::is_loopback_name);
        format!("{} {token}", if is_ours { hint::ORIGIN } else { hint::HOST })
    }

    /// How important an admitted request is.
    ///
    /// # Errors
    /// 400 when the client says it in a word that is none.
    pub(crate) fn importance(&self, scope: Scope, headers: &HeaderMap) -> Result<Priority, Fault> {
        let asker = match scope {
            Scope::Publish | Scope::Admin => importance::Asker::Operating,
            _ if self.has_token(headers) => importance::Asker::Operator,
            _ => importance::Asker::Client,
        };
        Ok(importance::judged(said::priority(headers)?, asker))
    }

    /// A developer at this machine, and not a page of somebody else's in their browser.
    pub(crate) fn is_at_home(&self, client: &Client, headers: &HeaderMap, uri: &Uri) -> bool {
        self.open_on_loopback
            && client.ip.is_some_and(|ip| ip.is_loopback())
            && self.names_are_local(headers, uri, network::is_loopback_name)
    }

    /// Whether Host and Origin are names that `trusted` accepts. Origins that the operator named are fine.
    fn names_are_local(&self, headers: &HeaderMap, uri: &Uri, trusted: fn(&str) -> bool) -> bool {
        let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("?"));
        let origin_is_local = origin
            .is_none_or(|origin| self.origins.names(origin) || network::host_of(origin).is_some_and(trusted));
        host_is(headers, uri, trusted) && origin_is_local
    }

    /// The API key that the request carries, right or wrong, unless the operator's token counts before it.
    pub(crate) fn shown_key(&self, headers: &HeaderMap) -> Option<Presented> {
        match Shown::of(self.token.as_ref(), headers) {
            Shown::Key(key) => Some(key),
            _ => None,
        }
    }

    /// Whether the request carries the operator's token.
    pub(crate) fn has_token(&self, headers: &HeaderMap) -> bool {
        self.token.as_ref().is_some_and(|token| token::is_presented(token, headers))
    }
}

// === impl Asker ===

impl Asker {
    /// On whose account it is done.
    pub(crate) fn name(&self) -> &str {
        match self {
            Asker::Anybody => account::ANONYMOUS,
            Asker::Operator => account::ADMIN,
            Asker::Key(key) => &key.id,
        }
    }
}

/// Whether the name by which the client came is one that `trusted` accepts.
fn host_is(headers: &HeaderMap, uri: &Uri, trusted: fn(&str) -> bool) -> bool {
    authority(headers, uri).is_none_or(|host| trusted(network::without_port(host)))
}

/// The error of everybody who is not let in. `sentence` says what is wrong, the hint what to do.
fn unauthorized(sentence: &str, hint: &str) -> Fault {
    Fault::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Unauthorized")
        .extra("message", sentence.into())
        .extra("hint", hint.into())
        .header(header::WWW_AUTHENTICATE, "Bearer realm=\"bsm\", Basic realm=\"bsm\", charset=\"UTF-8\"")
}
