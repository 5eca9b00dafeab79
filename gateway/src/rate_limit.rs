//! How often a client may call, over REST and gRPC alike: whom a request is charged to, and what it hears then.
//!
//! Who shows an API key is charged as that key, wherever the call comes from; who shows the operator's token as an operator
//! at his address; everybody else as an address, of IPv6 the first half of it. There is one token, and several may hold
//! it: by the address one of them cannot use up what the others need, and a token that is guessed is charged to who
//! guesses. So is a key until it has proved to be one: keys that are made up would else be as many quotas. Not limited are
//!
//! - what must answer in a flood: health, `/metrics`, reflection and what operators ask of a process;
//! - a developer at this very machine, on the same conditions on which the gate lets him in without a key;
//! - the mesh's own calls: they come in here, and were counted here, before they went on;
//! - deliveries of GitHub that prove to be: they come in bursts from few addresses, and GitHub does not send again by
//!   itself what was refused. An address that claims to be GitHub and is not, [`UNPROVED`] times a minute, is not listened
//!   to for a while, whatever it sends.

use std::{sync::Arc, time::Duration};

use axum::{extract::Request, response::Response};
use bsm_runtime::{layer_status::status_of, process::Process, settings::RateLimitSettings};
use bsm_stack::{
    RateLimitLayer,
    rate_limit::{Config, Key, Quota, RateLimiter, Refused},
};
use http::{Extensions, HeaderMap, Method, Uri};
use tokio::time::Instant;

use crate::{
    client::{Client, Proxies},
    gate::Gate,
    gateway::Gateway,
    keys::Proved,
    pipeline::correlation::call_of,
    status,
};

/// Clients told apart at once: a few megabytes. Newcomers beyond share one quota.
const MAX_CLIENTS: usize = 65_536;

/// Deliveries of one address that may turn out not to be GitHub's: 30 a minute, as the contract has it for all.
const UNPROVED: Quota = Quota { limit: 30, per: Duration::from_secs(60), burst: 30 };

/// What is limited over HTTP, as the contract has it.
const LIMITED: [&str; 2] = ["/api/", "/v1/"];

/// What answers probes, over both.
const PROBES: [&str; 5] = [
    "/api/health",
    "/api/health/",
    "/bsm.ops.v1.MeshService/GetHealth",
    "/bsm.ops.v1.MeshService/GetDetailedHealth",
    "/bsm.ops.v1.MeshService/ListMeshBreakers",
];

/// The limit of a gateway and who is charged.
#[derive(Clone, Debug)]
pub(crate) struct RateLimit {
    limiter: RateLimiter,
    unproved: RateLimiter,
    gate: Arc<Gate>,
    proxies: Proxies,
    keys: Proved,
}

// === impl RateLimit ===

impl RateLimit {
    /// That of the settings; `None` when it is switched off.
    pub(crate) fn new(
        process: &Process,
        gate: Arc<Gate>,
        proxies: Proxies,
        keys: Proved,
    ) -> Option<RateLimit> {
        let quota = quota(process.settings.rate_limit)?;
        let limiter =
            |name, quota| process.guards.rate_limiter(name, Config { quota, max_keys: MAX_CLIENTS });
        let (limiter, unproved) =
            (limiter("gateway clients", quota), limiter("unproved deliveries", UNPROVED));
        Some(RateLimit { limiter, unproved, gate, proxies, keys })
    }

    /// The same limit, for the gRPC services on the gateway's port.
    pub(crate) fn layer(&self) -> RateLimitLayer {
        let limit = self.clone();
        RateLimitLayer::new(self.limiter.clone(), move |head| {
            let is_probe = PROBES.contains(&head.uri.path());
            (!is_probe).then(|| limit.charge(&head.headers, &head.uri, &head.extensions)).flatten()
        })
    }

    /// Whether a delivery from this client is listened to at all.
    ///
    /// # Errors
    /// When too many of its deliveries were not GitHub's.
    pub(crate) fn listens_to(&self, client: &Client) -> Result<(), Refused> {
        self.unproved.check(&address(client), Instant::now())
    }

    /// Counts a delivery that was not GitHub's.
    pub(crate) fn was_deceived_by(&self, client: &Client) {
        let _ = self.unproved.decide(&address(client), Instant::now()); // what it comes to shows with the next one
    }

    /// Whether a request that comes now is one too many. Counts neither it nor the refusal: that is done in its turn.
    pub(crate) fn would_refuse(&self, request: &Request) -> bool {
        let key = || self.charge(request.headers(), request.uri(), request.extensions());
        let key = is_limited(request).then(key).flatten();
        key.is_some_and(|key| self.limiter.is_used_up(&key, Instant::now()))
    }

    /// Whom a request is charged to; `None` for the developer at this machine.
    fn charge(&self, headers: &HeaderMap, uri: &Uri, extensions: &Extensions) -> Option<Key> {
        let client = self.proxies.client(headers, extensions);
        if self.gate.is_at_home(&client, headers, uri) {
            return None;
        }
        if self.gate.has_token(headers) {
            return Some(Key::caller(format!("operator at {}", client.address())));
        }
        let key = self.gate.shown_key(headers).filter(|key| self.keys.has(key));
        Some(key.map_or_else(|| address(&client), |key| Key::caller(format!("key {}", key.id))))
    }
}

/// Those without an address share one key.
fn address(client: &Client) -> Key {
    client.ip.map_or_else(|| Key::caller("unknown"), Key::address)
}

/// Counts the requests of each client, refuses those beyond its quota and tells the others what is left of it.
pub(crate) async fn keep<F>(gateway: &Gateway, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let Some(limit) = gateway.rate_limit.as_ref().filter(|_| is_limited(&request)) else {
        return next(request).await;
    };
    let Some(key) = limit.charge(request.headers(), request.uri(), request.extensions()) else {
        return next(request).await;
    };
    let mut response = match limit.limiter.decide(&key, Instant::now()) {
        Err(refused) => refusal(&refused, call_of(request.extensions()).correlation_id()),
        Ok(remaining) => {
            let mut response = next(request).await;
            remaining.write(response.headers_mut());
            response
        }
    };
    limit.limiter.write_policy(response.headers_mut());
    response
}

/// The answer to a call too many.
pub(crate) fn refusal(refused: &Refused, correlation_id: &str) -> Response {
    let mut response = status::fault(&status_of(refused)).answer(correlation_id);
    refused.write(response.headers_mut());
    response
}

/// A browser's question whether it may ask is not charged beside what it then asks.
fn is_limited(request: &Request) -> bool {
    let path = request.uri().path();
    let is_probe = path == PROBES[0] || path.starts_with(PROBES[1]);
    request.method() != Method::OPTIONS && !is_probe && LIMITED.iter().any(|part| path.starts_with(part))
}

fn quota(settings: RateLimitSettings) -> Option<Quota> {
    let RateLimitSettings { max, window, burst } = settings;
    let burst = if burst == 0 { max } else { burst };
    (max > 0).then_some(Quota { limit: max, per: window, burst })
}
