//! How many calls may begin at a provider, or at one of its model families.

use bsm_runtime::guards::Guards;
use bsm_stack::rate_limit::{self, Key, RateLimiter};
use std::time::Duration;
use tokio::time::Instant;

use crate::catalog::Rate;
use crate::failure::{Failure, Kind};

const MINUTE: Duration = Duration::from_secs(60);

/// One limit; all callers count together.
#[derive(Clone, Debug)]
pub(super) struct Quota {
    limiter: RateLimiter,
    all: Key,
}

// === impl Quota ===

impl Quota {
    /// A limit that is listed under `name`.
    pub(super) fn new(name: &str, rate: Rate, guards: &Guards) -> Quota {
        let quota = rate_limit::Quota { limit: rate.per_minute, per: MINUTE, burst: rate.burst };
        let limiter = guards.rate_limiter(name, rate_limit::Config { quota, max_keys: 1 });
        Quota { limiter, all: Key::caller("all") }
    }

    /// Counts one call.
    ///
    /// # Errors
    /// [`Kind::RateLimited`] if too many have begun.
    pub(super) fn count(&self, now: Instant) -> Result<(), Failure> {
        let verdict = self.limiter.decide(&self.all, now);
        verdict.map(drop).map_err(|refused| {
            let sentence = "was not asked: as many calls as it may get in a minute have begun";
            Failure::new(Kind::RateLimited, sentence).retry_after(Some(refused.retry_after))
        })
    }
}
