//! One attempt with one key, and saying afterwards how it went.

use std::sync::Arc;

use bsm_runtime::call::Call;
use bsm_runtime::outside::AsSent;
use bsm_stack::{Outcome, breaker};
use secrecy::ExposeSecret;

use super::Remote;
use crate::failure::{Failure, Kind};
use crate::keys::Lent;
use crate::meter::Waits;
use crate::patience::Patience;
use crate::upstream::Reply;

/// One attempt with one key. Dropped unsettled, because the caller left, it says nothing about the provider or the key.
#[derive(Debug)]
pub(super) struct Turn {
    key: Lent,
    pub(super) patience: Patience,
    /// The duty to judge an answer whose head promised well; what went wrong before is judged by the stack.
    permit: Option<breaker::Permit>,
    /// Told how long the provider was waited for, up to the answer or the first piece of it.
    waits: Arc<Waits>,
}

// === impl Remote ===

impl Remote {
    /// A turn with the key that is best when the request goes out.
    pub(super) fn turn(&self, call: &Call, waits: &Arc<Waits>) -> Result<Turn, Failure> {
        let key = self.keys.lend().map_err(|none| Failure::from(none).of(self.name()))?;
        let patience = Patience::new(self.limits, call.deadline());
        Ok(Turn { key, patience, permit: None, waits: Arc::clone(waits) })
    }
}

// === impl Turn ===

impl Turn {
    /// Puts the key into the headers of a request as it goes out.
    pub(super) fn authorization(&self, remote: &Remote) -> AsSent {
        let (key, wire) = (self.key.clone(), Arc::clone(&remote.wire));
        AsSent::new(move |headers| {
            let (name, value) = wire.authorization(&key.secret()?).ok_or_else(no_header)?;
            headers.insert(name, value);
            Ok(())
        })
    }

    /// The head of an answer has come: from here on this attempt judges it, and its time is running.
    pub(super) fn answered(&mut self, reply: &mut Reply) {
        self.permit = reply.permit();
        if reply.status().is_success() {
            self.key.accepted();
        }
        self.patience.spent(reply.took());
    }

    /// Tells the breaker and the key pool how it went; only the first word counts.
    pub(super) fn settle(&mut self, failure: Option<&Failure>) {
        self.waits.add(self.patience.waited());
        self.key.settle(failure);
        self.conclude(failure);
    }

    /// A stream has begun: its key is good, however the stream ends.
    pub(super) fn opened(&self) {
        self.waits.add(self.patience.waited());
        self.key.settle(None);
    }

    /// Tells the breaker alone.
    pub(super) fn conclude(&mut self, failure: Option<&Failure>) {
        let outcome = failure.map_or(Outcome::Healthy, |failure| failure.kind.row().outcome);
        if let Some(permit) = self.permit.take() {
            permit.record(outcome);
        }
    }

    /// A failure in a sentence whose subject is this provider, without the key that was used.
    pub(super) fn told(&self, failure: Failure, provider: &str) -> Failure {
        let told = failure.of(provider);
        match self.key.used() {
            Some(secret) => told.without(secret.expose_secret()),
            None => told,
        }
    }

    /// A stream has brought something and goes on: whoever waits to see whether the provider is well again has seen it.
    pub(super) fn goes_on(&mut self) {
        if let Some(permit) = &mut self.permit {
            permit.lasts();
        }
    }
}

fn no_header() -> Failure {
    Failure::new(Kind::Credential, "has a key that cannot stand in a header")
}
