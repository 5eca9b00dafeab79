//! Who may call an rpc of this process: its scope is declared in the contract, and checked here whatever the service.
//!
//! Between services there are no identities yet, so scopes below admin pass; the gateway checks those of its clients.

use std::{
    net::IpAddr,
    task::{Context, Poll},
};

use bsm_proto::api::v1::Scope;
use bsm_stack::Priority;
use futures_util::{
    FutureExt as _, TryFutureExt as _,
    future::{Either, ErrInto, Ready, ready},
};
use http::{HeaderMap, Request};
use tonic::{Code, Status};
use tower::{BoxError, Layer, Service};

use super::Peer;
use crate::{
    admin_token::{self, AdminToken},
    caller::Caller,
    importance::{self, Asker},
    role::Role,
    scopes::Scopes,
    settings::{Profile, Settings},
    status::Refusal,
};

#[cfg(test)]
mod tests;

/// What decides about admin rpcs.
#[derive(Clone, Debug)]
struct Rules {
    token: Option<AdminToken>,
    profile: Profile,
    /// The gateway is the first to be called: nobody hands calls on to it, and what a call says of its importance is a
    /// client's word.
    takes_forwarded: bool,
}

/// Why a call is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Denied {
    /// The same for no token and a wrong one.
    #[error("this needs the operator's token, in the metadata x-admin-token")]
    Token,
    #[error(
        "this changes how the mesh runs, and no admin token is configured here (ADMIN_TOKEN): without one, only the \
         development profile admits it, from the same machine"
    )]
    NoTokenHere,
    #[error("the contract does not say who may call this, so nobody may")]
    Undeclared,
}

/// Admits or refuses each call by its scope, and notes its [`Priority`] and the [`Caller`] who proved to be somebody.
#[derive(Clone, Debug)]
pub(super) struct AuthLayer {
    rules: Rules,
}

/// The service that [`AuthLayer`] makes.
#[derive(Clone, Debug)]
pub(super) struct Auth<S> {
    inner: S,
    rules: Rules,
}

// === impl Rules ===

impl Rules {
    /// Who calls, or why not. `Ok(None)`: somebody of whom nothing needs to be known, and who proves nothing.
    fn admit(
        &self,
        scope: Scope,
        shown: Option<&[u8]>,
        peer: Option<IpAddr>,
    ) -> Result<Option<Caller>, Denied> {
        let caller = |actor: &str| {
            let address = peer.map_or_else(|| "unknown".to_owned(), |ip| ip.to_canonical().to_string());
            Ok(Some(Caller { actor: actor.to_owned(), address, via: None }))
        };
        match (scope, &self.token) {
            (Scope::Open | Scope::Read | Scope::Invoke | Scope::Internal, token) => {
                let proved = shown.zip(token.as_ref()).is_some_and(|(shown, token)| token.is(shown));
                if proved { caller("admin") } else { Ok(None) }
            }
            (Scope::Unspecified, _) => Err(Denied::Undeclared),
            (Scope::Publish | Scope::Admin, Some(token)) => {
                match shown.is_some_and(|shown| token.is(shown)) {
                    true => caller("admin"),
                    false => Err(Denied::Token),
                }
            }
            (Scope::Publish | Scope::Admin, None) => {
                let is_here = peer.is_some_and(|ip| ip.to_canonical().is_loopback());
                let admitted = is_here && self.profile == Profile::Development;
                if admitted { caller("local") } else { Err(Denied::NoTokenHere) }
            }
        }
    }

    /// How important a call is that was admitted to an rpc of this scope.
    fn importance(&self, headers: &HeaderMap, scope: Option<Scope>, caller: Option<&Caller>) -> Priority {
        let claimed = Priority::from_headers(headers);
        if self.takes_forwarded {
            return claimed.unwrap_or_default();
        }
        let asker = match (scope, caller) {
            (Some(Scope::Publish | Scope::Admin), Some(_)) => Asker::Operating,
            (_, Some(_)) => Asker::Operator,
            (_, None) => Asker::Client,
        };
        importance::judged(claimed, asker)
    }

    fn judge<A>(&self, request: &Request<A>, scope: Option<Scope>) -> Result<Option<Caller>, Denied> {
        let headers = request.headers();
        let shown = headers.get(admin_token::HEADER).map(|value| value.as_bytes());
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
        // What is not of the contract (health, reflection, names that do not exist) is open or answers that it is not
        // there.
        let caller = self.admit(scope.unwrap_or(Scope::Open), shown, peer)?;
        Ok(caller.map(|caller| if self.takes_forwarded { caller.forwarded(headers) } else { caller }))
    }
}

impl From<Denied> for Status {
    fn from(denied: Denied) -> Status {
        let (code, reason) = match denied {
            Denied::Token | Denied::NoTokenHere => (Code::Unauthenticated, "UNAUTHORIZED"),
            Denied::Undeclared => (Code::PermissionDenied, "UNDECLARED"),
        };
        Refusal::new(code, reason, denied.to_string()).into()
    }
}

// === impl AuthLayer ===

impl AuthLayer {
    pub(super) fn new(role: Role, settings: &Settings) -> AuthLayer {
        let token = settings.admin_token.as_ref().map(AdminToken::new);
        let takes_forwarded = role != Role::Gateway;
        AuthLayer { rules: Rules { token, profile: settings.profile, takes_forwarded } }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth { inner, rules: self.rules.clone() }
    }
}

// === impl Auth ===

impl<S, A> Service<Request<A>> for Auth<S>
where
    S: Service<Request<A>>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Either<ErrInto<S::Future, BoxError>, Ready<Result<S::Response, BoxError>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let scope = Scopes::of_the_contract().rpc(request.uri().path()).map(|rpc| rpc.scope);
        match self.rules.judge(&request, scope) {
            Ok(caller) => {
                let importance = self.rules.importance(request.headers(), scope, caller.as_ref());
                request.extensions_mut().insert(importance);
                if let Some(caller) = caller {
                    request.extensions_mut().insert(caller);
                }
                self.inner.call(request).err_into().left_future()
            }
            Err(denied) => ready(Err(Status::from(denied).into())).right_future(),
        }
    }
}
