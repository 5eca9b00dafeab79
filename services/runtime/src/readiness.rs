//! Whether a process may be sent work: not before it is open, and not once it drains.

use tokio::sync::watch;

/// The one switch that `grpc.health.v1` and `/healthz` follow. Clones share it.
#[derive(Clone, Debug)]
pub struct Readiness {
    ready: watch::Sender<bool>,
}

impl Default for Readiness {
    fn default() -> Self {
        Readiness { ready: watch::Sender::new(false) }
    }
}

impl Readiness {
    /// Says whether work may be sent. Watchers are told of changes only.
    pub fn set(&self, ready: bool) {
        self.ready.send_if_modified(|now| std::mem::replace(now, ready) != ready);
    }

    /// Whether work may be sent.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Follows the switch.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }
}
