//! The wire: requests checked and turned into domain types, domain types turned into answers. No rules here.

mod jobs;
mod rerun;
mod run_agent;
mod submit;
#[cfg(test)]
mod tests;
mod watch;
mod wire;

use bsm_proto::orchestrator::v1::{
    GetJobReportRequest, GetJobReportResponse, GetJobRequest, GetJobResponse, GetLastRunRequest,
    GetLastRunResponse, ListJobsRequest, ListJobsResponse, ListStrategiesRequest, ListStrategiesResponse,
    RerunJobRequest, RerunJobResponse, RunAgentRequest, RunAgentResponse, SubmitEventRequest,
    SubmitEventResponse, WatchJobRequest, orchestrator_service_server::OrchestratorService,
};
use bsm_runtime::call::Call;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::engine::Engine;

/// The service as it is registered with the server.
#[derive(Clone)]
pub struct Orchestrator {
    engine: Engine,
    /// Characters of an agent's input at most.
    max_agent_input: usize,
    stop: CancellationToken,
}

impl Orchestrator {
    /// Serves an engine until `stop`; from then on no event is taken and watchers are sent away.
    #[must_use]
    pub fn new(engine: Engine, max_agent_input: usize, stop: CancellationToken) -> Self {
        Self { engine, max_agent_input, stop }
    }
}

#[tonic::async_trait]
impl OrchestratorService for Orchestrator {
    type WatchJobStream = watch::Events;

    async fn submit_event(
        &self,
        request: Request<SubmitEventRequest>,
    ) -> Result<Response<SubmitEventResponse>, Status> {
        let call = Call::of(&request);
        let answer = submit::submit(&self.engine, &self.stop, &call, request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn rerun_job(
        &self,
        request: Request<RerunJobRequest>,
    ) -> Result<Response<RerunJobResponse>, Status> {
        let call = Call::of(&request);
        let answer = rerun::rerun(&self.engine, &self.stop, &call, request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn list_strategies(
        &self,
        _: Request<ListStrategiesRequest>,
    ) -> Result<Response<ListStrategiesResponse>, Status> {
        Ok(Response::new(wire::strategies(self.engine.rules())))
    }

    async fn list_jobs(
        &self,
        request: Request<ListJobsRequest>,
    ) -> Result<Response<ListJobsResponse>, Status> {
        Ok(Response::new(jobs::list(&self.engine, request.into_inner()).await?))
    }

    async fn get_job(&self, request: Request<GetJobRequest>) -> Result<Response<GetJobResponse>, Status> {
        Ok(Response::new(jobs::get(&self.engine, request.into_inner()).await?))
    }

    async fn get_job_report(
        &self,
        request: Request<GetJobReportRequest>,
    ) -> Result<Response<GetJobReportResponse>, Status> {
        Ok(Response::new(jobs::report(&self.engine, request.into_inner()).await?))
    }

    async fn get_last_run(
        &self,
        request: Request<GetLastRunRequest>,
    ) -> Result<Response<GetLastRunResponse>, Status> {
        Ok(Response::new(jobs::last_run(&self.engine, request.into_inner()).await?))
    }

    async fn watch_job(
        &self,
        request: Request<WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        Ok(Response::new(watch::watch(&self.engine, &self.stop, request.into_inner()).await?))
    }

    async fn run_agent(
        &self,
        request: Request<RunAgentRequest>,
    ) -> Result<Response<RunAgentResponse>, Status> {
        let call = Call::of(&request);
        let request = run_agent::check(request.into_inner(), self.max_agent_input)?;
        let result = run_agent::run(self.engine.mesh(), &call, request).await?;
        Ok(Response::new(RunAgentResponse { result: Some(result) }))
    }
}
