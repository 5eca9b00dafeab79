//! Which guards a call runs under: what flags decided for it, once, at the edge.
//!
//! Flags live above this crate. Whoever builds a stack puts [`Switches`] into the request's extensions; the layers
//! read them there. A request without them runs under every guard.

/// One switch per kind of guard. All are on by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Off: the breaker neither refuses nor judges this call.
    pub breaker: bool,
    /// Off: the call takes no slot of the bulkhead.
    pub bulkhead: bool,
    /// Off: one attempt only.
    pub retry: bool,
    /// Off: no second attempt beside the first.
    pub hedging: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self { breaker: true, bulkhead: true, retry: true, hedging: true }
    }
}

impl Switches {
    /// What was decided for a request; every guard if nothing was.
    #[must_use]
    pub fn of(extensions: &http::Extensions) -> Self {
        extensions.get::<Self>().copied().unwrap_or_default()
    }
}
