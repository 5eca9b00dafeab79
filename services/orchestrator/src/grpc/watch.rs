//! WatchJob: the journal read from where the client was, then whenever the job moves. The sequence is the only
//! memory, so nothing is missed and nothing comes twice, whatever happens in between.

use std::{collections::VecDeque, pin::Pin};

use bsm_proto::orchestrator::v1::{WatchJobRequest, WatchJobResponse};
use futures_util::{Stream, stream};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{jobs, wire};
use crate::{
    engine::Engine,
    error::Error,
    job::{JobEvent, JobId},
    journal::{Journal, Movement},
};

/// Events read from the journal at once.
const PAGE: u32 = 200;

/// The stream of a job's events.
pub(super) type Events = Pin<Box<dyn Stream<Item = Result<WatchJobResponse, Status>> + Send>>;

pub(super) async fn watch(
    engine: &Engine,
    stop: &CancellationToken,
    request: WatchJobRequest,
) -> Result<Events, Error> {
    let job = jobs::id(&request.job_id)?;
    let last = last_event(request.last_event_id.as_deref().unwrap_or_default())?;
    let journal = engine.journal().clone();
    journal.state(job).await?;
    let movement = journal.listen(job);
    let watcher = Watcher { journal, job, last, movement, read: VecDeque::new(), stop: stop.clone() };
    let events = stream::unfold(Some(watcher), |watcher| async {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(Some(event)) => Some((Ok(wire::event(event)), Some(watcher))),
            Ok(None) => None,
            Err(err) => Some((Err(err.into()), None)), // the last word
        }
    });
    Ok(Box::pin(events))
}

fn last_event(id: &str) -> Result<u64, Error> {
    if id.is_empty() {
        return Ok(0);
    }
    let known = id.parse().ok().filter(|sequence| *sequence <= i64::MAX as u64);
    let problem = || "must be the eventId of an event that was received".to_owned();
    known.ok_or_else(|| Error::InvalidField { field: "last_event_id", problem: problem() })
}

struct Watcher {
    journal: Journal,
    job: JobId,
    /// The sequence of the last event handed out.
    last: u64,
    movement: Movement,
    read: VecDeque<JobEvent>,
    stop: CancellationToken,
}

impl Watcher {
    /// The next event; `None` once the job has ended and all of them were handed out.
    async fn next(&mut self) -> Result<Option<JobEvent>, Error> {
        loop {
            if let Some(event) = self.read.pop_front() {
                self.last = event.sequence;
                return Ok(Some(event));
            }
            // The state first: an event that comes after it is read below, or wakes the wait.
            let ended = self.journal.state(self.job).await?.is_final();
            self.read = self.journal.events(self.job, self.last, PAGE).await?.into();
            if self.read.is_empty() {
                if ended {
                    return Ok(None);
                }
                self.moved().await?;
            }
        }
    }

    async fn moved(&mut self) -> Result<(), Error> {
        tokio::select! {
            () = self.movement.next() => Ok(()),
            () = self.stop.cancelled() => Err(Error::Draining),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_is_a_sequence_and_nothing_else() {
        assert_eq!(last_event("").unwrap(), 0);
        assert_eq!(last_event("17").unwrap(), 17);
        for bad in ["-1", "x", "1.5", "18446744073709551615", " 1"] {
            assert!(
                matches!(last_event(bad), Err(Error::InvalidField { field: "last_event_id", .. })),
                "{bad}"
            );
        }
    }
}
