//! What the handlers share.

use std::sync::Arc;

use bsm_proto::api::v1::Scope;
use bsm_runtime::{
    call::{Call, account::Sees},
    metrics::Metrics,
};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::{
    admission::Admissions,
    client::Proxies,
    fault::Fault,
    gate::{Asker, Gate},
    kept::Kept,
    keys::Keys,
    pipeline::cors,
    rate_limit::RateLimit,
    routes::Table,
    upstream::Upstreams,
    webhook::Webhook,
};

/// The gateway of a process.
pub(crate) struct Gateway {
    pub(crate) routes: Table,
    pub(crate) upstreams: Upstreams,
    pub(crate) kept: Kept,
    pub(crate) admissions: Admissions,
    pub(crate) gate: Arc<Gate>,
    /// Those of clients, confirmed by the registry.
    pub(crate) keys: Keys,
    /// Who is believed about where a client is.
    pub(crate) proxies: Proxies,
    /// None when clients may call as often as they like.
    pub(crate) rate_limit: Option<RateLimit>,
    /// Bytes of a request under `/v1` at most.
    pub(crate) face_body: u64,
    pub(crate) cors: cors::Policy,
    pub(crate) webhook: Webhook,
    pub(crate) metrics: Metrics,
    /// Shown to services with what the gate admitted as an operator's.
    pub(crate) admin_token: Option<SecretString>,
    /// Cancelled as draining begins: open streams end.
    pub(crate) stopping: CancellationToken,
}

// === impl Gateway ===

impl Gateway {
    /// Lets in whom the gate did, once a key that they present is confirmed to have the scope: the same call, on their
    /// account.
    ///
    /// # Errors
    /// 401, 403 or 503, as [`Keys::admit`].
    pub(crate) async fn confirm(&self, asker: Asker, scope: Scope, call: &Call) -> Result<Call, Fault> {
        let sees = match &asker {
            Asker::Key(key) => self.keys.admit(key, scope, || self.gate.invalid_key()).await?,
            Asker::Anybody | Asker::Operator => Sees::All,
        };
        Ok(call.with_caller(asker.name()).seeing(sees))
    }
}
