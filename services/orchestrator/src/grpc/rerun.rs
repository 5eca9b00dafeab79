//! RerunJob: the event of a job that has ended, once more, as a job of its own.

use bsm_proto::orchestrator::v1::{RerunJobRequest, RerunJobResponse};
use bsm_runtime::{call::Call, clock};
use tokio_util::sync::CancellationToken;

use super::{jobs, wire};
use crate::{
    engine::Engine,
    error::Error,
    job::{Job, JobId},
    journal::{Delivery, NewJob},
};

pub(super) async fn rerun(
    engine: &Engine,
    stop: &CancellationToken,
    call: &Call,
    request: RerunJobRequest,
) -> Result<RerunJobResponse, Error> {
    let id = jobs::id(&request.job_id)?;
    let job = engine.journal().job(id).await?;
    if !job.state.is_final() {
        return Err(Error::NotEnded(id));
    }
    if stop.is_cancelled() {
        return Err(Error::Draining);
    }
    // No key: whoever delivers the event itself again is still told about the first job.
    let accepted = engine.submit(again(engine, call, job), Delivery::default()).await?;
    Ok(RerunJobResponse {
        success: true,
        job_id: accepted.job_id.to_string(),
        status: accepted.state.to_string(),
        timestamp: wire::time(clock::unix_ms()),
    })
}

fn again(engine: &Engine, call: &Call, job: Job) -> NewJob {
    NewJob {
        id: JobId::new(),
        strategy: engine.rules().strategies().for_event(&job.event).clone(),
        event: job.event,
        source: job.source,
        subject: job.subject,
        correlation_id: call.correlation_id().to_owned(),
        traceparent: call.traceparent(),
        caller: call.caller().to_owned(),
        created_at: clock::unix_ms(),
        payload: job.payload,
        context: job.context,
        rerun_of: Some(job.id),
    }
}
