//! `grpc.health.v1`, following readiness.
//!
//! tonic-health's own service ends a Watch on an unknown name with NOT_FOUND; the protocol wants it to stay open
//! with SERVICE_UNKNOWN, since clients take the former for "not implemented" and call the server healthy.

use std::{pin::Pin, sync::Arc};

use futures_util::Stream;
use tokio_stream::{StreamExt, wrappers::WatchStream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server::Health,
};

use crate::readiness::Readiness;

/// The health of a process: the same for the server ("") and each of its services.
#[derive(Clone, Debug)]
pub struct HealthService {
    readiness: Readiness,
    services: Arc<[&'static str]>,
    stopping: CancellationToken,
}

impl HealthService {
    /// Answers for the server and the named services; open watches end with `stopping`.
    pub fn new(
        readiness: Readiness,
        services: &[&'static str],
        stopping: CancellationToken,
    ) -> HealthService {
        HealthService { readiness, services: services.into(), stopping }
    }

    fn knows(&self, name: &str) -> bool {
        name.is_empty() || self.services.contains(&name)
    }
}

type Answers = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Health for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let name = &request.get_ref().service;
        if !self.knows(name) {
            return Err(Status::not_found(format!("no service \"{name}\" is served here")));
        }
        Ok(Response::new(answer(self.readiness.is_ready())))
    }

    type WatchStream = Answers;

    /// Cancelled: ends when the caller leaves, or once it has said NOT_SERVING because the server drains.
    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Answers>, Status> {
        let known = self.knows(&request.get_ref().service);
        let states = WatchStream::new(self.readiness.watch()).map(move |ready| match known {
            true => answer(ready),
            false => HealthCheckResponse { status: ServingStatus::ServiceUnknown.into() },
        });
        let states = states.take(if known { usize::MAX } else { 1 }).chain(tokio_stream::pending());
        let stopping = self.stopping.clone().cancelled_owned();
        let last = known.then(|| answer(false));
        let until = futures_util::StreamExt::take_until(states, Box::pin(stopping));
        Ok(Response::new(Box::pin(until.chain(tokio_stream::iter(last)).map(Ok))))
    }
}

fn answer(ready: bool) -> HealthCheckResponse {
    let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
    HealthCheckResponse { status: status.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> (Readiness, HealthService) {
        let readiness = Readiness::default();
        (readiness.clone(), HealthService::new(readiness, &["bsm.x.v1.X"], CancellationToken::new()))
    }

    fn ask(name: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest { service: name.to_owned() })
    }

    #[tokio::test]
    async fn a_check_follows_readiness_and_refuses_unknown_names() {
        let (readiness, health) = service();
        let status = async |name: &str| health.check(ask(name)).await.map(|r| r.into_inner().status());
        assert_eq!(status("").await.unwrap(), ServingStatus::NotServing);
        readiness.set(true);
        assert_eq!(status("bsm.x.v1.X").await.unwrap(), ServingStatus::Serving);
        assert_eq!(status("nobody").await.unwrap_err().code(), tonic::Code::NotFound);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_on_an_unknown_name_stays_open() {
        let (_, health) = service();
        let mut watch = health.watch(ask("nobody")).await.unwrap().into_inner();
        assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
        let more = tokio::time::timeout(std::time::Duration::from_secs(3600), watch.next()).await;
        assert!(more.is_err(), "still open after an hour");
    }

    #[tokio::test]
    async fn a_watch_hears_not_serving_before_the_server_goes() {
        let stopping = CancellationToken::new();
        let health = HealthService::new(Readiness::default(), &[], stopping.clone());
        health.readiness.set(true);
        let mut watch = health.watch(ask("")).await.unwrap().into_inner();
        assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
        stopping.cancel();
        assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
        assert!(watch.next().await.is_none());
    }

    #[tokio::test]
    async fn a_watch_tells_every_change() {
        let (readiness, health) = service();
        let mut watch = health.watch(ask("")).await.unwrap().into_inner();
        assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
        readiness.set(true);
        assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    }
}
