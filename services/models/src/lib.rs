//! The model gateway: one way to ask a model, whichever provider answers.
//!
//! ```text
//! grpc ─ ask, chat (what is asked, checked)
//!   └─ replay (answers given more than once: idempotency keys, cache, resumed streams)
//!   └─ gateway (one candidate after the other)
//!        ├─ meter      what calls took, in histograms and spans
//!        ├─ ledger     reserves before, settles after: budget (pure), price, usage (on disk)
//!        ├─ route      which candidates, in which order, and why: pure
//!        └─ provider   one attempt
//!             ├─ remote    a key and a request; settles what it learned
//!             │    ├─ keys       which key is next: pure
//!             │    ├─ wire       bytes out, bytes in: pure, one file per wire
//!             │    ├─ patience   how long it may take, and whose fault it is
//!             │    └─ upstream   the stack toward the outside: retry → breaker → bulkhead → timeout;
//!             │                  a breaker for each model family, the rest for the provider
//!             └─ offline   the built-in reviewer
//! ```
//!
//! - `face` holds the forms of others' APIs in which questions may come; a provider of the same form is sent the bytes.
//! - `failure` is the table of everything that goes wrong with a provider and what follows from it.
//! - `family` says which models fail together.
//! - A provider that speaks a known wire is an entry of the models file (`catalog`); a new wire is a file under `wire`.
//! - `fleet` is everybody who can be asked, as one version of that file has them; an edit makes another fleet, in which
//!   whoever did not change is the same.
//! - Keys are secrets throughout: they are in no error, log or debug output.

use std::sync::Arc;

use bsm_proto::models::v1::model_service_server::ModelServiceServer;
use bsm_runtime::clock;
use bsm_runtime::process::Process;
use bsm_runtime::server::{MESSAGE_LIMIT, Service};
use tracing::{info, warn};

pub mod answer;
pub mod ask;
pub mod budget;
pub mod catalog;
pub mod chat;
pub mod config;
pub mod error;
pub mod face;
pub mod failure;
pub mod family;
pub mod fleet;
pub mod gateway;
pub mod grpc;
pub mod key_status;
pub mod keys;
pub mod ledger;
pub mod meter;
pub mod offline;
pub mod pace;
pub mod patience;
pub mod price;
pub mod provider;
pub mod replay;
pub mod route;
mod status;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod upstream;
pub mod usage;
pub mod wire;

pub use config::OpenError;

/// Opens the model gateway as the settings describe it. Asks no provider.
///
/// # Errors
/// [`OpenError`] when the settings do not make a gateway.
pub async fn open(process: &Process) -> Result<Service, OpenError> {
    let ledger = ledger::Ledger::open(process).await?;
    let fleets = fleet::open(process).await?;
    let meters = meter::Meters::new(&process.metrics);
    let gateway = gateway::Gateway::new(fleets.clone(), ledger.clone()).with_meters(meters);
    let gateway = Arc::new(gateway);
    let replay = replay::Replay::of(process, Arc::clone(&gateway));
    let fleet = fleets.current();
    ledger.follow(fleet.catalog()); // before the first call
    let is_asked = |model: &catalog::Model| fleet.provider(&model.provider).is_some();
    if let Some(old) = fleet.catalog().old_prices(clock::unix_ms(), is_asked) {
        warn!("{old}");
    }
    tell_blank_keys(&fleet::blank_keys(&process.settings.models.variables, fleet.catalog()));
    process.drain.spawn("prices and budgets", |stop| async move {
        fleets.each(stop, |fleet| ledger.follow(fleet.catalog())).await;
        Ok(())
    });
    let models = grpc::Models::new(gateway, replay, process.settings.max_agent_input);
    let server = ModelServiceServer::new(models)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    Ok(Service::new().add(server))
}

/// No warning: compose files pass on every variable that they know, empty where nobody set it.
fn tell_blank_keys(variables: &[Arc<str>]) {
    if !variables.is_empty() {
        info!("set, but empty, and so no keys: {}; give them a key or unset them", variables.join(", "));
    }
}
