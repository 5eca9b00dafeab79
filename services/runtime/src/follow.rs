//! Keeps caches true to their source by following its watch stream.
//!
//! ```text
//!            stream open                    change                       stream lost
//! caches:  ─────●── fresh as usual ───────────●── fresh as usual ─────────────●── every value is doubted, ttls rule ──●─►
//!             refreshed                      changed                       called again after 0.1 s to 2 s      refreshed
//! ```
//!
//! - The source takes up a watch before it answers the call. So what is loaded after the head of the answer is no older
//!   than the watch, and what changes later is told: nothing falls in between.
//! - Whatever happened while there was no stream, everything is doubted and loaded again when there is one. It is not
//!   forgotten: the way for calls may take longer to be well again than the stream, as when its circuit is open.
//! - While there is none, a value from before is no better than a stale one: each cache says by its bounds how far it
//!   trusts those. What is loaded meanwhile is trusted for its ttl.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt as _};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::{info, warn};

use crate::cache_view::CacheView;

/// How long one call lasts before it is made again: the longest deadline that a server grants.
pub const LAP: Duration = Duration::from_secs(3600);

/// The first wait after a stream is lost; it doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How long at most a source that is back waits for its followers.
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// What becomes of the values held when a change is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// They are gone: none may be used any more.
    Forgotten,
    /// They are stale: each cache says how far it trusts those.
    Doubted,
}

/// Who follows what.
pub struct Follower<M> {
    /// What is followed, in the log: `agents`.
    pub what: &'static str,
    /// The caches of what comes from there.
    pub caches: Vec<Arc<dyn CacheView>>,
    /// What becomes of what they hold when a message comes.
    pub changed: Changed,
    /// What is to be loaded whenever the source can be asked, whether or not anybody wanted it before.
    pub warm: Box<dyn Fn() + Send + Sync>,
    /// What a message says of where to go on.
    pub version: fn(M) -> String,
}

impl<M> Follower<M> {
    /// Follows until `stop`. `open` calls the source, from the version that was seen last.
    ///
    /// # Errors
    /// None: a source that is away is called again.
    pub async fn run<S, F>(
        self,
        open: impl Fn(Option<String>) -> F,
        stop: CancellationToken,
    ) -> anyhow::Result<()>
    where
        S: Stream<Item = Result<M, Status>> + Unpin,
        F: Future<Output = Result<S, Status>>,
    {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            never = self.follow(open) => never,
        }
    }

    async fn follow<S, F, N>(self, open: impl Fn(Option<String>) -> F) -> N
    where
        S: Stream<Item = Result<M, Status>> + Unpin,
        F: Future<Output = Result<S, Status>>,
    {
        let (mut last, mut pause, mut told) = (None, FIRST_PAUSE, false);
        loop {
            let problem = match open(last.clone()).await {
                Ok(stream) => {
                    info!(what = self.what, "changes are followed");
                    (pause, told) = (FIRST_PAUSE, false);
                    self.each(|cache| cache.refresh());
                    let end = self.listen(stream, &mut last).await;
                    self.caches.iter().for_each(|cache| cache.doubt());
                    end
                }
                Err(problem) => problem,
            };
            if !told {
                warn!(what = self.what, code = ?problem.code(), problem = problem.message(), "changes are not followed");
                told = true; // once an outage is enough
            }
            sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Acts on every message, until the stream ends.
    async fn listen<S>(&self, mut stream: S, last: &mut Option<String>) -> Status
    where
        S: Stream<Item = Result<M, Status>> + Unpin,
    {
        loop {
            match stream.next().await {
                Some(Ok(message)) => {
                    let version = (self.version)(message);
                    info!(what = self.what, version, "what is kept of it is renewed");
                    *last = Some(version);
                    match self.changed {
                        Changed::Forgotten => self.each(|cache| cache.renew()),
                        Changed::Doubted => self.each(|cache| cache.refresh()),
                    }
                }
                Some(Err(end)) => return end,
                None => return Status::unavailable("the stream ended"),
            }
        }
    }

    fn each(&self, act: fn(&dyn CacheView)) {
        self.caches.iter().for_each(|cache| act(&**cache));
        (self.warm)();
    }
}

#[cfg(test)]
mod tests;
