//! The health of one agent: may it be used here, can a model answer for it, and how did its last run end.

use std::time::Duration;

use bsm_proto::{
    models::v1::{
        Candidate, ExplainRouteRequest, ExplainRouteResponse, model_service_client::ModelServiceClient,
    },
    ops::v1::{Check, GetAgentHealthResponse, LastRunCheck},
    orchestrator::v1::{
        GetLastRunRequest, GetLastRunResponse, orchestrator_service_client::OrchestratorServiceClient,
    },
    registry::v1::{
        AgentRoute, GetAgentStatusRequest, GetAgentStatusResponse, Permission,
        registry_service_client::RegistryServiceClient,
    },
};
use bsm_runtime::{call::Call, clock, role::Role};
use tonic::Status;

use super::checks::Verdict;
use crate::{status, upstream::Edges};

/// Who does not answer within this is not well.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was found out beside what the registry says.
struct Facts {
    route: Result<ExplainRouteResponse, Status>,
    last_run: Result<GetLastRunResponse, Status>,
}

/// Asks the registry about the agent, and then at once the others.
///
/// # Errors
/// What the registry says of an agent that there is not; that it cannot be asked.
pub(super) async fn health(
    edges: &Edges,
    call: &Call,
    agent_id: String,
) -> Result<GetAgentHealthResponse, Status> {
    let call = call.within(PATIENCE);
    let request = call.request(GetAgentStatusRequest { agent_id: agent_id.clone() });
    let known = RegistryServiceClient::new(edges.to(Role::Registry)).get_agent_status(request).await?;
    let known = known.into_inner();
    let asked = call.request(question(known.route.clone().unwrap_or_default()));
    let run = call.request(GetLastRunRequest { agent_id });
    let mut models = ModelServiceClient::new(edges.to(Role::Models));
    let mut orchestrator = OrchestratorServiceClient::new(edges.to(Role::Orchestrator));
    let (route, last_run) = tokio::join!(models.explain_route(asked), orchestrator.get_last_run(run));
    let facts = Facts {
        route: route.map(|answer| answer.into_inner()),
        last_run: last_run.map(|answer| answer.into_inner()),
    };
    Ok(judge(known, facts, clock::unix_ms() as f64))
}

/// The request by which the agent's questions would be routed.
fn question(route: AgentRoute) -> ExplainRouteRequest {
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let model = match (route.model_provider, route.model_name) {
        (Some(provider), Some(model)) => Some(format!("{provider}/{model}")),
        (provider, model) => model.or(provider),
    };
    ExplainRouteRequest { model, task: given(route.task), complexity: given(route.complexity), search: false }
}

fn judge(known: GetAgentStatusResponse, facts: Facts, timestamp: f64) -> GetAgentHealthResponse {
    let (may, permission) = permission(known.here.unwrap_or_default());
    let (can, route) = route(&facts.route);
    let (did, last_run) = last_run(facts.last_run);
    let worst = may.max(can).max(did);
    GetAgentHealthResponse {
        agent_id: known.id,
        timestamp,
        status: worst.overall().to_owned(),
        state: known.state.unwrap_or_default().status,
        permission: Some(permission),
        route: Some(route),
        last_run: Some(last_run),
    }
}

fn check(verdict: Verdict, message: String) -> (Verdict, Check) {
    (verdict, Check { status: verdict.name(), message })
}

fn permission(here: Permission) -> (Verdict, Check) {
    if here.allowed {
        return check(Verdict::Pass, "It may be used here.".to_owned());
    }
    check(Verdict::Fail, format!("It may not be used here: {}.", here.message.unwrap_or_default()))
}

fn route(route: &Result<ExplainRouteResponse, Status>) -> (Verdict, Check) {
    let candidates = match route {
        Ok(route) => &route.candidates,
        Err(status) => {
            let why = status::fault(status).message;
            return check(Verdict::Warn, format!("Its models cannot be asked about: {why}."));
        }
    };
    let named = |candidate: &Candidate| format!("{} {}", candidate.provider, candidate.model);
    match (candidates.iter().find(|candidate| candidate.eligible), candidates.first()) {
        (Some(found), _) => check(Verdict::Pass, format!("{} would be asked.", named(found))),
        (None, Some(first)) => {
            check(Verdict::Fail, format!("No model can be asked; {}: {}.", named(first), first.reason))
        }
        (None, None) => check(Verdict::Fail, "No model can be asked.".to_owned()),
    }
}

fn last_run(run: Result<GetLastRunResponse, Status>) -> (Verdict, LastRunCheck) {
    let (job, step) = match run {
        Ok(run) => (run.job_id, run.step),
        Err(status) => {
            let message = format!("Its last run cannot be read: {}.", status::fault(&status).message);
            let check = LastRunCheck { status: Verdict::Warn.name(), message, ..LastRunCheck::default() };
            return (Verdict::Warn, check);
        }
    };
    let Some(step) = step else {
        let message = "It has not run in any job that is kept.".to_owned();
        return (
            Verdict::Pass,
            LastRunCheck { status: Verdict::Pass.name(), message, ..LastRunCheck::default() },
        );
    };
    let (verdict, message) = match step.status.as_str() {
        "succeeded" => (Verdict::Pass, "Its last run succeeded.".to_owned()),
        _ => (Verdict::Warn, format!("Its last run failed: {} ({}).", step.error, step.code)),
    };
    (
        verdict,
        LastRunCheck { status: verdict.name(), message, job_id: Some(job), finished_at: step.finished_at },
    )
}

#[cfg(test)]
mod tests {
    use bsm_proto::orchestrator::v1::Step;

    use super::*;

    fn known(here: Permission) -> GetAgentStatusResponse {
        GetAgentStatusResponse { id: "a".into(), here: Some(here), ..Default::default() }
    }

    fn allowed() -> Permission {
        Permission { allowed: true, ..Permission::default() }
    }

    fn route(eligible: bool) -> Result<ExplainRouteResponse, Status> {
        let candidate = Candidate {
            provider: "openai".into(),
            model: "gpt-4o".into(),
            eligible,
            reason: "it has no key".into(),
            ..Candidate::default()
        };
        Ok(ExplainRouteResponse { candidates: vec![candidate], ..Default::default() })
    }

    fn ran(state: &str) -> Result<GetLastRunResponse, Status> {
        let step =
            Step { status: state.into(), error: "it timed out".into(), code: "X".into(), ..Step::default() };
        Ok(GetLastRunResponse { job_id: "j".into(), step: Some(step) })
    }

    fn away<T>() -> Result<T, Status> {
        Err(Status::unavailable("away"))
    }

    #[test]
    fn an_agent_is_as_well_as_its_worst_check() {
        let forbidden = Permission { message: Some("safe mode is on".into()), ..Permission::default() };
        for (here, route, last_run, status) in [
            (allowed(), route(true), Ok(GetLastRunResponse::default()), "healthy"),
            (allowed(), route(true), ran("succeeded"), "healthy"),
            (allowed(), route(true), ran("failed"), "degraded"),
            (allowed(), route(true), away(), "degraded"),
            (allowed(), away(), ran("succeeded"), "degraded"),
            (allowed(), route(false), ran("succeeded"), "unhealthy"),
            (forbidden, route(true), ran("succeeded"), "unhealthy"),
        ] {
            let judged = judge(known(here), Facts { route, last_run }, 1.0);
            assert_eq!(judged.status, status, "{judged:?}");
        }
    }

    #[test]
    fn each_check_says_why() {
        let forbidden = Permission { message: Some("safe mode is on".into()), ..Permission::default() };
        let judged = judge(known(forbidden), Facts { route: route(false), last_run: ran("failed") }, 1.0);
        assert_eq!(judged.permission.unwrap().message, "It may not be used here: safe mode is on.");
        assert_eq!(judged.route.unwrap().message, "No model can be asked; openai gpt-4o: it has no key.");
        let last = judged.last_run.unwrap();
        assert_eq!(
            (last.message.as_str(), last.job_id.as_deref()),
            ("Its last run failed: it timed out (X).", Some("j"))
        );
    }

    #[test]
    fn the_question_is_the_agents_own() {
        let route = AgentRoute {
            task: "code_review".into(),
            complexity: "high".into(),
            model_provider: Some("openai".into()),
            model_name: Some("gpt-4o".into()),
        };
        assert_eq!(question(route).model.as_deref(), Some("openai/gpt-4o"));
        assert_eq!(question(AgentRoute::default()), ExplainRouteRequest::default());
    }
}
