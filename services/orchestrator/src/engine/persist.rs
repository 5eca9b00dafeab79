//! Writing a job's move although the disk is full for a while: what a provider was paid for is not thrown away.

use std::{future::Future, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::journal::Error;

/// The waits between tries: from the first, doubling up to the last.
const FIRST: Duration = Duration::from_millis(100);
const LAST: Duration = Duration::from_secs(5);

/// Tries `write` until it succeeds, fails for good, or the process drains.
///
/// # Errors
/// The last one of `write`.
pub(super) async fn persist<T, F>(stop: &CancellationToken, mut write: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut wait = FIRST;
    loop {
        let err = match write().await {
            Ok(done) => return Ok(done),
            Err(err) if !err.is_transient() || stop.is_cancelled() => return Err(err),
            Err(err) => err,
        };
        warn!(error = %err, "the journal did not take a move; trying again");
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
        wait = (wait * 2).min(LAST);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_full_disk_is_waited_for() {
        let tries = Cell::new(0);
        let write = || {
            tries.set(tries.get() + 1);
            std::future::ready(if tries.get() < 5 { Err(Error::Full) } else { Ok(7) })
        };
        assert_eq!(persist(&CancellationToken::new(), write).await.unwrap(), 7);
        assert_eq!(tries.get(), 5);
    }

    #[tokio::test]
    async fn a_draining_process_does_not_wait() {
        let stop = CancellationToken::new();
        stop.cancel();
        let refused = persist(&stop, || std::future::ready(Err::<(), _>(Error::Full))).await;
        assert!(matches!(refused, Err(Error::Full)));
    }

    #[tokio::test]
    async fn what_will_never_succeed_is_not_tried_again() {
        let tries = Cell::new(0);
        let write = || {
            tries.set(tries.get() + 1);
            std::future::ready(Err::<(), _>(Error::Closed))
        };
        assert!(persist(&CancellationToken::new(), write).await.is_err());
        assert_eq!(tries.get(), 1);
    }
}
