//! `bsm.ops.v1.OpsService`: what an operator sees and changes of one process.

pub mod error;
pub(crate) mod listen;
pub mod operator;
pub mod show;
#[cfg(test)]
mod tests;
pub mod transitions;

use std::pin::Pin;

use bsm_proto::ops::v1::{ops_service_server::OpsService, *};
use futures_util::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use crate::{clock, process::Process, status};
pub use error::Error;
pub use operator::Operator;
pub use show::{breakers, state_name};

/// Answers for one process.
#[derive(Debug)]
pub struct Ops {
    process: Process,
}

type Transitions = Pin<Box<dyn Stream<Item = Result<WatchTransitionsResponse, Status>> + Send>>;

impl Ops {
    /// Of this process.
    pub fn new(process: Process) -> Ops {
        Ops { process }
    }
}

/// Everything that is to be seen of a process at one moment.
pub fn snapshot(process: &Process) -> GetSnapshotResponse {
    GetSnapshotResponse {
        load: Some(show::load(process)),
        breakers: show::breakers(process),
        bulkheads: show::bulkheads(process),
        concurrency_limits: show::concurrency_limits(process),
        rate_limits: show::rate_limits(process),
        retry_budgets: show::retry_budgets(process),
        caches: show::caches(process),
        flags: show::flags(process),
        degraded: process.degraded.notes(),
    }
}

/// The changes of breakers and flags of a process since that event. Ends with UNAVAILABLE as the process drains.
pub fn watch(process: &Process, last_event_id: Option<&str>) -> Transitions {
    let transitions = process.transitions.clone();
    let followed = transitions.follow(transitions.since(last_event_id));
    let shown = followed.map(move |transition| Ok(transitions.show(&transition)));
    let stopping = process.drain.stopping();
    let end = futures_util::stream::once(async { Err(status::draining()) });
    Box::pin(shown.take_until(stopping.cancelled_owned()).chain(end))
}

#[tonic::async_trait]
impl OpsService for Ops {
    type WatchTransitionsStream = Transitions;

    async fn get_info(&self, _: Request<GetInfoRequest>) -> Result<Response<GetInfoResponse>, Status> {
        Ok(Response::new(GetInfoResponse {
            role: self.process.role.name().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            profile: self.process.settings.profile.name().to_owned(),
            started_at: clock::ms_of(self.process.started_at) as f64,
            uptime_ms: self.process.started.elapsed().as_millis() as f64,
            ready: self.process.readiness.is_ready(),
            has_admin_token: Some(self.process.settings.admin_token.is_some()),
        }))
    }

    async fn get_snapshot(
        &self,
        _: Request<GetSnapshotRequest>,
    ) -> Result<Response<GetSnapshotResponse>, Status> {
        Ok(Response::new(snapshot(&self.process)))
    }

    async fn list_breakers(
        &self,
        _: Request<ListBreakersRequest>,
    ) -> Result<Response<ListBreakersResponse>, Status> {
        Ok(Response::new(ListBreakersResponse { breakers: show::breakers(&self.process) }))
    }

    async fn reset_breaker(
        &self,
        request: Request<ResetBreakerRequest>,
    ) -> Result<Response<ResetBreakerResponse>, Status> {
        let operator = Operator::of(&self.process, &request);
        let breakers = operator.reset_breaker(request.into_inner().name).await?;
        Ok(Response::new(ResetBreakerResponse { breakers }))
    }

    async fn set_breaker_mode(
        &self,
        request: Request<SetBreakerModeRequest>,
    ) -> Result<Response<SetBreakerModeResponse>, Status> {
        let operator = Operator::of(&self.process, &request);
        let SetBreakerModeRequest { name, mode } = request.into_inner();
        let breakers = operator.set_breaker_mode(name, mode).await?;
        Ok(Response::new(SetBreakerModeResponse { breakers }))
    }

    async fn list_bulkheads(
        &self,
        _: Request<ListBulkheadsRequest>,
    ) -> Result<Response<ListBulkheadsResponse>, Status> {
        Ok(Response::new(ListBulkheadsResponse { bulkheads: show::bulkheads(&self.process) }))
    }

    async fn list_limits(
        &self,
        _: Request<ListLimitsRequest>,
    ) -> Result<Response<ListLimitsResponse>, Status> {
        Ok(Response::new(ListLimitsResponse {
            concurrency_limits: show::concurrency_limits(&self.process),
            rate_limits: show::rate_limits(&self.process),
        }))
    }

    async fn list_retry_budgets(
        &self,
        _: Request<ListRetryBudgetsRequest>,
    ) -> Result<Response<ListRetryBudgetsResponse>, Status> {
        Ok(Response::new(ListRetryBudgetsResponse { retry_budgets: show::retry_budgets(&self.process) }))
    }

    async fn list_caches(
        &self,
        _: Request<ListCachesRequest>,
    ) -> Result<Response<ListCachesResponse>, Status> {
        Ok(Response::new(ListCachesResponse { caches: show::caches(&self.process) }))
    }

    async fn clear_cache(
        &self,
        request: Request<ClearCacheRequest>,
    ) -> Result<Response<ClearCacheResponse>, Status> {
        let operator = Operator::of(&self.process, &request);
        let cleared = operator.clear_cache(request.into_inner().cache).await?;
        Ok(Response::new(ClearCacheResponse { cleared }))
    }

    async fn list_flags(&self, _: Request<ListFlagsRequest>) -> Result<Response<ListFlagsResponse>, Status> {
        Ok(Response::new(ListFlagsResponse { flags: show::flags(&self.process) }))
    }

    async fn set_flag(&self, request: Request<SetFlagRequest>) -> Result<Response<SetFlagResponse>, Status> {
        let operator = Operator::of(&self.process, &request);
        let SetFlagRequest { flag, percent } = request.into_inner();
        let (flag, previous) = operator.set_flag(&flag, percent).await?;
        Ok(Response::new(SetFlagResponse { flag: Some(flag), previous: previous.get().into() }))
    }

    async fn watch_transitions(
        &self,
        request: Request<WatchTransitionsRequest>,
    ) -> Result<Response<Transitions>, Status> {
        let last_event_id = request.into_inner().last_event_id;
        Ok(Response::new(watch(&self.process, last_event_id.as_deref())))
    }
}
