//! GitHub's deliveries: proved, read, mapped, handed over, and answered before any agent runs.

mod delivery;
mod mapping;
mod signature;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use bsm_proto::orchestrator::v1::{
    SubmitEventRequest, SubmitEventResponse, orchestrator_service_client::OrchestratorServiceClient,
};
use bsm_runtime::{
    call::{Call, account},
    client::Edge,
    json,
    server::MESSAGE_LIMIT,
};
use bsm_stack::Priority;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tonic::Status;

use crate::{
    fault::Fault,
    gateway::Gateway,
    pipeline::{correlation::call_of, limit, log::RouteName},
    rate_limit, status,
};
use delivery::Delivery;
use mapping::Mapped;
pub(crate) use signature::Secrets;

/// Where deliveries are taken.
const PATHS: [&str; 2] = ["/webhook/github", "/api/webhooks/github"];

/// How long storing an event may take. GitHub gives up after ten seconds.
const HAND_OVER: Duration = Duration::from_secs(5);

/// When a delivery that could not be stored may be sent again.
const REDELIVER: Duration = Duration::from_secs(5);

/// What handling deliveries needs.
#[derive(Debug)]
pub(crate) struct Webhook {
    secrets: Arc<Secrets>,
    orchestrator: Edge,
}

/// Whether a path is a webhook's; a trailing slash is tolerated as everywhere.
pub(crate) fn is_path(path: &str) -> bool {
    PATHS.contains(&path.strip_suffix('/').unwrap_or(path))
}

/// Answers deliveries and lets everything else pass.
pub(crate) async fn take<F>(gateway: &Gateway, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if !is_path(request.uri().path()) {
        return next(request).await;
    }
    let (call, client) = (call_of(request.extensions()), gateway.proxies.client_of(&request));
    let mut response = match gateway.rate_limit.as_ref().map(|limit| (limit, limit.listens_to(&client))) {
        Some((_, Err(refused))) => rate_limit::refusal(&refused, call.correlation_id()),
        limit => {
            let answer = gateway.webhook.answer(request, &call).await;
            if let (Err(Refused::Unproved(_)), Some((limit, _))) = (&answer, limit) {
                limit.was_deceived_by(&client);
            }
            answer.unwrap_or_else(|refused| refused.answer(&call))
        }
    };
    response.extensions_mut().insert(RouteName(PATHS[0].into()));
    response
}

/// Why a delivery is not taken.
#[derive(Debug)]
enum Refused {
    /// It is not proved to be GitHub's. What is wrong with it is not told, but logged.
    Unproved(signature::Problem),
    Fault(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        Refused::Fault(fault)
    }
}

impl From<signature::Problem> for Refused {
    fn from(problem: signature::Problem) -> Refused {
        Refused::Unproved(problem)
    }
}

impl Refused {
    fn answer(self, call: &Call) -> Response {
        match self {
            Refused::Fault(fault) => fault.answer(call.correlation_id()),
            Refused::Unproved(problem) => {
                tracing::warn!(reason = %problem, "a delivery was refused");
                let error =
                    json!({"code": "INVALID_WEBHOOK_SIGNATURE", "message": "Unauthorized webhook request"});
                let body = json!({"error": error, "correlationId": call.correlation_id()});
                (StatusCode::UNAUTHORIZED, Json(body)).into_response()
            }
        }
    }
}

impl Webhook {
    pub(crate) fn new(secrets: Secrets, orchestrator: Edge) -> Webhook {
        Webhook { secrets: Arc::new(secrets), orchestrator }
    }

    async fn answer(&self, request: Request, call: &Call) -> Result<Response, Refused> {
        if request.method() != Method::POST {
            return Err(Fault::method_not_allowed("POST").into());
        }
        // A delivery without a well-formed signature is refused before its 25 MB are read.
        let claim = self.secrets.claim(request.headers())?;
        let (parts, body) = request.into_parts();
        let bytes = limit::read(&parts, body).await?;
        let secrets = self.secrets.clone();
        // Hashing and parsing megabytes would hold up every other request of this thread.
        let read = tokio::task::spawn_blocking(move || read(&secrets, &claim, &parts.headers, &bytes)).await;
        let (delivery, mapped) = read.map_err(|_| Fault::internal())??;
        match mapped {
            Mapped::Ping => Ok(Json(json!({"status": "ok", "message": "pong"})).into_response()),
            Mapped::Skipped(reason) => {
                Ok(Json(json!({"status": "skipped", "reason": reason})).into_response())
            }
            Mapped::Event { name, payload } => {
                let stored = self.submit(&delivery, &name, payload, call).await;
                Ok(accepted(&name, stored.map_err(|status| not_stored(&status))?, call))
            }
        }
    }

    /// Hands the event over. Once this returns, it is on the orchestrator's disk.
    async fn submit(
        &self,
        delivery: &Delivery,
        event: &str,
        payload: Value,
        call: &Call,
    ) -> Result<SubmitEventResponse, Status> {
        let request = SubmitEventRequest {
            event: Some(event.to_owned()),
            payload: Some(json::to_struct(payload)),
            context: Some(json::to_struct(delivery.context())),
            wait: None,
            idempotency_key: Some(delivery.idempotency_key()),
            source: Some("github".to_owned()),
        };
        let client = OrchestratorServiceClient::new(self.orchestrator.clone());
        let mut client = client.max_encoding_message_size(MESSAGE_LIMIT);
        // GitHub does not send again by itself what was refused: a delivery lost is a review that never runs.
        let call = call.within(HAND_OVER).with_priority(Priority::Critical).with_caller(account::GITHUB);
        let answer = client.submit_event(call.request(request)).await?;
        Ok(answer.into_inner())
    }
}

/// From raw bytes to an event. The signature comes first: nothing that is not GitHub's is parsed.
fn read(
    secrets: &Secrets,
    claim: &signature::Claim,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<(Delivery, Mapped), Refused> {
    secrets.verify(claim, body)?;
    let (delivery, content) = delivery::read(headers, body)?;
    let mapped = mapping::map(&delivery.event, content)?;
    Ok((delivery, mapped))
}

fn accepted(event: &str, stored: SubmitEventResponse, call: &Call) -> Response {
    let message = match stored.duplicate {
        false => format!("The event {event} is accepted; its job runs now."),
        true => format!("The event {event} is known already; nothing runs again."),
    };
    let mut body = json!({"status": "processing", "jobId": stored.job_id, "message": message});
    if stored.duplicate {
        body["duplicate"] = true.into();
    }
    body["correlationId"] = call.correlation_id().into();
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

/// Whatever kept the event from being stored, a delivery sent again may succeed.
fn not_stored(status: &Status) -> Fault {
    let fault = status::fault(status);
    if fault.status.is_client_error() {
        return fault;
    }
    tracing::warn!(code = ?status.code(), said = status.message(), "a delivery could not be stored");
    let message = "The event could not be stored; deliver it again.";
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, fault.code, message).retry_after(REDELIVER)
}
