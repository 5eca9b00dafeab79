//! What an agent is doing, in the words of the contract.

/// What an agent is doing. No agent starts by itself and nothing starts one yet, so all are stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    #[default]
    Stopped,
    /// It was started.
    Running,
}

// === impl State ===

impl State {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            State::Stopped => "stopped",
            State::Running => "running",
        }
    }
}
