//! Runs queued jobs, a bounded number at once, each in a task of its own, until the process drains.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bsm_runtime::{
    call::{Call, Priority},
    trace,
};
use futures_util::FutureExt;
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, error, error_span, info, warn};

use super::{
    Shared,
    failure::{self, Failure},
    job_run::{self, End},
};
use crate::{job::JobId, journal::Origin};

/// Takes jobs from the queue until `stop`, then waits for those that run: they finish the steps they have begun
/// and are left for the next start.
pub(super) async fn run(engine: Arc<Shared>, stop: CancellationToken) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(engine.max_jobs));
    let mut jobs = JoinSet::new();
    loop {
        let next = async {
            // A place first: a job that is taken begins, so what waits is seen to wait.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, engine.queue.pop().await)
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = jobs.join_next() => ended.unwrap_or_else(|err| error!(error = %err, "a job's task died")),
            (place, job) = next => {
                let (engine, stop) = (Arc::clone(&engine), stop.clone());
                jobs.spawn(async move {
                    let _place = place;
                    run_one(&engine, job, &stop).await;
                });
            }
        }
    }
    while jobs.join_next().await.is_some() {}
    Ok(())
}

/// How important what a job asks is, whoever submitted its event. Not batch, although nobody may be waiting: a pull
/// request waits for its verdict, a step has few attempts, and jobs are too few at once (`orchestrator.max_jobs`) to be
/// what floods a service. Not critical, although a delivery is: what is late here is late, and not lost.
const IMPORTANCE: Priority = Priority::Normal;

async fn run_one(engine: &Arc<Shared>, id: JobId, stop: &CancellationToken) {
    let origin = engine.journal.origin(id).await.unwrap_or_else(|err| {
        warn!(job = %id, error = %err, "nobody knows where the job comes from");
        Origin::default()
    });
    let call = Call::resumed(&origin.correlation_id, origin.traceparent.as_deref()).with_priority(IMPORTANCE);
    let call = call.with_caller(&origin.caller).with_job(&id.to_string());
    let span = span(id, &call);
    let run = async {
        // A panic in one job must neither end the process nor be met again at every start.
        let run = AssertUnwindSafe(job_run::run(engine, id, call, stop)).catch_unwind();
        match run.await.unwrap_or_else(|panic| Err(Failure::of_panic(panic))) {
            Ok(End::Finished) => {}
            Ok(End::Left) => info!("the process drains; the job goes on at the next start"),
            Err(failure) => failure::after(engine, id, failure, stop).await,
        }
    };
    run.instrument(span).await;
}

/// What every line about the job carries, whichever lines are left out of the log; in traces a part of the call that
/// submitted the event.
fn span(id: JobId, call: &Call) -> Span {
    let span = error_span!("job", job = %id, correlation_id = call.correlation_id());
    trace::set_parent(&span, &call.request(()).into_parts().0.into_headers());
    span
}
