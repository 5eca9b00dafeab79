//! What the handlers share.

use bsm_runtime::metrics::Metrics;
use tokio_util::sync::CancellationToken;

use crate::{gate::Gate, pipeline::cors, routes::Table, upstream::Upstreams, webhook::Webhook};

/// The gateway of a process.
pub(crate) struct Gateway {
    pub(crate) routes: Table,
    pub(crate) upstreams: Upstreams,
    pub(crate) gate: Gate,
    pub(crate) cors: cors::Policy,
    pub(crate) webhook: Webhook,
    pub(crate) metrics: Metrics,
    /// Cancelled as draining begins: open streams end.
    pub(crate) stopping: CancellationToken,
}
