//! `bsm.ops.v1.OpsService`: what an operator sees of one process.

use std::time::{Instant, SystemTime};

use bsm_proto::ops::v1::{
    Breaker, BreakerStats, Bulkhead, GetInfoRequest, GetInfoResponse, ListBreakersRequest,
    ListBreakersResponse, ListBulkheadsRequest, ListBulkheadsResponse, ops_service_server::OpsService,
};
use bsm_stack::{breaker, bulkhead};
use tonic::{Request, Response, Status};

use crate::{clock, process::Process, role::Role};

/// Answers for one process.
#[derive(Debug)]
pub struct Ops {
    process: Process,
    started_at: SystemTime,
    started: Instant,
}

impl Ops {
    /// Counts the uptime from now.
    pub fn new(process: Process) -> Ops {
        Ops { process, started_at: SystemTime::now(), started: Instant::now() }
    }
}

#[tonic::async_trait]
impl OpsService for Ops {
    async fn get_info(&self, _: Request<GetInfoRequest>) -> Result<Response<GetInfoResponse>, Status> {
        Ok(Response::new(GetInfoResponse {
            role: self.process.role.name().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            profile: self.process.settings.profile.name().to_owned(),
            started_at: clock::ms_of(self.started_at) as f64,
            uptime_ms: self.started.elapsed().as_millis() as f64,
            ready: self.process.readiness.is_ready(),
        }))
    }

    async fn list_breakers(
        &self,
        _: Request<ListBreakersRequest>,
    ) -> Result<Response<ListBreakersResponse>, Status> {
        Ok(Response::new(ListBreakersResponse { breakers: breakers(&self.process) }))
    }

    async fn list_bulkheads(
        &self,
        _: Request<ListBulkheadsRequest>,
    ) -> Result<Response<ListBulkheadsResponse>, Status> {
        let list = self.process.guards.bulkheads();
        let bulkheads = list.into_iter().map(|b| bulkhead(self.process.role, b)).collect();
        Ok(Response::new(ListBulkheadsResponse { bulkheads }))
    }
}

/// The breakers of a process as the contract shows them.
pub fn breakers(process: &Process) -> Vec<Breaker> {
    let now = clock::unix_ms();
    process.guards.breakers().into_iter().map(|b| breaker(process.role, b, now)).collect()
}

fn breaker(role: Role, snapshot: breaker::Snapshot, now_ms: i64) -> Breaker {
    Breaker {
        name: snapshot.name.to_string(),
        service: role.name().to_owned(),
        state: state_name(snapshot.state).to_owned(),
        failures: snapshot.consecutive_failures,
        successes: snapshot.successes as f64,
        next_attempt: snapshot.retry_in.map(|wait| now_ms as f64 + wait.as_millis() as f64),
        stats: Some(BreakerStats {
            total: snapshot.total as f64,
            failures: snapshot.failures as f64,
            successes: snapshot.successes as f64,
            rejections: snapshot.rejected as f64,
        }),
    }
}

/// A state as the contract writes it.
pub const fn state_name(state: breaker::State) -> &'static str {
    match state {
        breaker::State::Closed => "CLOSED",
        breaker::State::Open => "OPEN",
        breaker::State::HalfOpen => "HALF_OPEN",
    }
}

fn bulkhead(role: Role, snapshot: bulkhead::Snapshot) -> Bulkhead {
    Bulkhead {
        name: snapshot.name.to_string(),
        service: role.name().to_owned(),
        in_flight: snapshot.in_flight as u32,
        queued: snapshot.queued as u32,
        max_in_flight: snapshot.max_in_flight as u32,
        max_queue: snapshot.max_queue as u32,
        rejections: snapshot.rejected_total as f64,
    }
}
