//! How many requests are taken on at once for each service behind the gateway, which finds that out by itself.
//!
//! The time of a request is that of the service behind it and of turning its answer into JSON, which is the larger part
//! of many. One limit a service, so that a slow one does not close the way to the others.
//!
//! A request is let in, or not, in the moment it comes ([`arrive`]), before the task that serves it has its turn: where
//! there is too much to do, turns are what is short, and what waits for one must count. What is refused is told so by
//! [`dispatch`](crate::dispatch), after everything that every request passes and before anything is read or asked. Who
//! would be refused for another reason takes no place.
//!
//! Not limited are what the gateway answers itself (health, status, operation of the mesh, metrics), operations of
//! administrators, streams, rpcs that wait for models or jobs, and deliveries of webhooks.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{body::Body, extract::Request, response::Response};
use bsm_proto::api::v1::Scope;
use bsm_runtime::{layer_status::status_of, process::Process, role::Role, server};
use bsm_stack::{
    Priority,
    body::{End, Guard, GuardedBody},
    concurrency::{Limiter, Overloaded, Permit},
    pieces::Pieces,
};
use http::StatusCode;

use crate::{
    dispatch,
    fault::Fault,
    gateway::Gateway,
    routes::{Found, Rpc},
    status, upstream,
};

/// The limit of each role that is asked over HTTP; none when they are switched off.
#[derive(Debug)]
pub(crate) struct Admissions(HashMap<Role, Limiter>);

/// A place, none for what is not limited, or that there is none.
type Verdict = Result<Option<Permit>, Overloaded>;

/// What was decided when the request came. Whoever serves it takes it; with a request that is dropped, the place is free.
#[derive(Clone)]
struct Arrived(Arc<Mutex<Option<Verdict>>>);

// === impl Admissions ===

impl Admissions {
    pub(crate) fn new(process: &Process) -> Admissions {
        let limiter = |role| Some((role, server::adaptive_limit(process, format!("gateway rest {role}"))?));
        Admissions(upstream::roles().filter_map(limiter).collect())
    }

    /// A place for a request to the rpc.
    fn admit(&self, rpc: &Rpc, importance: Priority) -> Verdict {
        let limiter = self.of(rpc);
        limiter.map(|limiter| limiter.try_acquire(importance)).transpose()
    }

    fn of(&self, rpc: &Rpc) -> Option<&Limiter> {
        let is_exempt = rpc.scope == Scope::Admin || server::is_untimed(rpc.path.path());
        upstream::role_of(rpc).filter(|_| !is_exempt).and_then(|role| self.0.get(&role))
    }
}

/// Decides about a request in the moment it comes.
pub(crate) fn arrive(gateway: &Gateway, request: &mut Request) {
    let (headers, uri) = (request.headers(), request.uri());
    let want = dispatch::want(headers);
    let Found::Route(found) = gateway.routes.find(request.method(), uri.path(), want) else { return };
    let client = gateway.proxies.client_of(request);
    let is_refused = gateway.gate.reach(&client, headers, uri).is_err()
        || gateway.gate.admit(found.route, &client, headers, uri).is_err()
        || gateway.rate_limit.as_ref().is_some_and(|limit| limit.would_refuse(request));
    if is_refused {
        return;
    }
    let rpc = &found.route.rpc;
    let Ok(importance) = gateway.gate.importance(rpc.scope, headers) else { return };
    let verdict = gateway.admissions.admit(rpc, importance);
    request.extensions_mut().insert(Arrived(Arc::new(Mutex::new(Some(verdict)))));
}

/// The place of a request, which it got when it came, or gets now if nobody saw it come.
///
/// # Errors
/// When there is none.
pub(crate) fn place(
    gateway: &Gateway,
    rpc: &Rpc,
    importance: Priority,
    request: &mut Request,
) -> Result<Option<Permit>, Fault> {
    let arrived = request.extensions_mut().remove::<Arrived>();
    let verdict =
        arrived.and_then(|Arrived(verdict)| verdict.lock().unwrap_or_else(PoisonError::into_inner).take());
    let verdict = verdict.unwrap_or_else(|| gateway.admissions.admit(rpc, importance));
    verdict.map_err(|overloaded| status::fault(&status_of(&overloaded)))
}

/// Keeps the place of a request until its answer has been sent, and says how long that took. The time to the head, as
/// services go by, would not do here: answers are large, and a connection that is short of turns is where they queue.
pub(crate) fn keep(permit: Option<Permit>, answer: Result<Response, Fault>) -> Result<Response, Fault> {
    let Some(permit) = permit else { return answer };
    let status = answer.as_ref().map_or_else(|fault| fault.status, Response::status);
    let is_good = status.is_success() || status == StatusCode::NOT_MODIFIED;
    match status {
        StatusCode::GATEWAY_TIMEOUT => permit.ran_out_of_time(),
        _ if is_good => {} // until it has been sent; a client that leaves before has left
        _ => permit.failed(),
    }
    let sending = Sending { permit, is_good };
    answer.map(|response| response.map(|body| Body::new(GuardedBody::new(Pieces::new(body), sending))))
}

/// The place of a request whose answer is being sent.
struct Sending {
    permit: Permit,
    is_good: bool,
}

impl Guard for Sending {
    fn end(self, end: End<'_>) {
        if self.is_good && matches!(end, End::Complete(_)) {
            self.permit.answered();
        }
    }
}
