//! What the facts about the mesh amount to: each check's verdict, and that of all together.

use bsm_proto::ops::v1::{
    AgentRegistryCheck, Breaker, Check, Checks, CircuitBreakersCheck, EnvironmentCheck, GetSnapshotResponse,
    ServiceState, ServicesCheck,
};
use bsm_runtime::{ops::state_name, role::Role, settings::Profile};
use bsm_stack::breaker::State;
use tonic::Status;

use crate::status;

/// Roles that the mesh's main work goes on without, noting that it did.
const DISPENSABLE: [Role; 2] = [Role::Knowledge, Role::Memory];

/// What was found out.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) services: Vec<(Role, ServiceState)>,
    pub(super) breakers: Vec<Breaker>,
    /// What roles do worse than they should: the role's name and a sentence.
    pub(super) degraded: Vec<(String, String)>,
    pub(super) agents: Result<u32, Status>,
    /// `None` when the model gateway could not be asked.
    pub(super) outside_providers: Option<usize>,
    pub(super) writable: bool,
    pub(super) profile: Profile,
    pub(super) safe_mode: bool,
    pub(super) has_admin_token: bool,
    /// What is taken as it is and worth a word, such as a short token.
    pub(super) warned: Vec<String>,
    /// Why GitHub's deliveries are all refused, if they are.
    pub(super) webhook_problem: Option<String>,
}

/// One check's verdict, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Pass,
    Warn,
    Fail,
}

impl Verdict {
    pub(super) fn name(self) -> String {
        match self {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
        .to_owned()
    }

    pub(super) fn overall(self) -> &'static str {
        match self {
            Verdict::Pass => "healthy",
            Verdict::Warn => "degraded",
            Verdict::Fail => "unhealthy",
        }
    }
}

/// `healthy`, `degraded` or `unhealthy`, and why.
pub(super) fn judge(facts: Facts) -> (&'static str, Checks) {
    let (files, filesystem) = filesystem(facts.writable);
    let (registry, agent_registry) = agent_registry(&facts.agents);
    let (settings, environment) = environment(&facts);
    let (roles, services) = services(facts.services, facts.degraded);
    let (guards, circuit_breakers) = circuit_breakers(facts.breakers);
    let worst = [files, registry, settings, roles, guards].into_iter().max().unwrap_or(Verdict::Pass);
    let checks = Checks {
        filesystem: Some(filesystem),
        agent_registry: Some(agent_registry),
        environment: Some(environment),
        services: Some(services),
        circuit_breakers: Some(circuit_breakers),
    };
    (worst.overall(), checks)
}

/// A warning at most: the gateway keeps nothing itself, and a role that cannot write says so by not serving.
fn filesystem(writable: bool) -> (Verdict, Check) {
    let (verdict, message) = match writable {
        true => (Verdict::Pass, "The gateway's data folder can be written."),
        false => {
            (Verdict::Warn, "The gateway cannot write to its data folder; check BSM_DATA_DIR and its rights.")
        }
    };
    (verdict, Check { status: verdict.name(), message: message.to_owned() })
}

fn agent_registry(agents: &Result<u32, Status>) -> (Verdict, AgentRegistryCheck) {
    let (verdict, message) = match agents {
        Ok(0) => (Verdict::Fail, "The registry knows no agents.".to_owned()),
        Ok(count) => (Verdict::Pass, format!("The registry knows {count} agents.")),
        Err(status) => {
            (Verdict::Fail, format!("The registry cannot be asked: {}", status::fault(status).message))
        }
    };
    (verdict, AgentRegistryCheck { status: verdict.name(), message, count: agents.as_ref().ok().copied() })
}

/// Outside development, what is not configured is a warning; there, it is the first run and worth a word only.
fn environment(facts: &Facts) -> (Verdict, EnvironmentCheck) {
    let mut warnings = Vec::new();
    if let Some(problem) = &facts.webhook_problem {
        warnings.push(format!("Every delivery of GitHub is refused: {problem}."));
    }
    if !facts.has_admin_token {
        warnings.push("No admin token is set (ADMIN_TOKEN): admin routes cannot be used.".to_owned());
    }
    warnings.extend(facts.warned.iter().map(|warning| format!("{warning}.")));
    if facts.outside_providers == Some(0) {
        warnings.push("No model provider can be asked: the built-in offline reviewer answers.".to_owned());
    }
    if facts.safe_mode {
        warnings.push("Safe mode is on: no provider but offline, no actions outside.".to_owned());
    }
    let verdict = match (warnings.is_empty(), facts.profile) {
        (true, _) | (false, Profile::Development) => Verdict::Pass,
        (false, Profile::Staging | Profile::Production) => Verdict::Warn,
    };
    let message = match warnings.len() {
        0 => "All that is needed is configured.".to_owned(),
        1 => "One thing is worth knowing.".to_owned(),
        count => format!("{count} things are worth knowing."),
    };
    let environment = facts.profile.name().to_owned();
    (verdict, EnvironmentCheck { status: verdict.name(), message, environment, warnings })
}

/// What a role says of itself beyond that it serves.
pub(super) fn degraded(seen: &GetSnapshotResponse) -> Vec<(String, String)> {
    let role = seen.load.as_ref().map(|load| load.role.clone()).unwrap_or_default();
    seen.degraded.iter().map(|sentence| (role.clone(), sentence.clone())).collect()
}

fn services(states: Vec<(Role, ServiceState)>, degraded: Vec<(String, String)>) -> (Verdict, ServicesCheck) {
    let down: Vec<Role> =
        states.iter().filter(|(_, state)| state.state != "serving").map(|(role, _)| *role).collect();
    let verdict = match down.as_slice() {
        [] if degraded.is_empty() => Verdict::Pass,
        some if some.iter().all(|role| DISPENSABLE.contains(role)) => Verdict::Warn,
        _ => Verdict::Fail,
    };
    let mut message = match down.as_slice() {
        [] => "Every service serves.".to_owned(),
        some => format!("Not serving: {}.", names(some)),
    };
    degraded.iter().for_each(|(role, sentence)| message.push_str(&format!(" {role}: {sentence}")));
    let services = states.into_iter().map(|(_, state)| noted(state, &degraded)).collect();
    (verdict, ServicesCheck { status: verdict.name(), message, services })
}

fn noted(mut state: ServiceState, degraded: &[(String, String)]) -> ServiceState {
    if state.message.is_empty() {
        let own = degraded.iter().filter(|(role, _)| *role == state.role);
        state.message = own.map(|(_, sentence)| sentence.as_str()).collect::<Vec<_>>().join(" ");
    }
    state
}

fn names(roles: &[Role]) -> String {
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

fn circuit_breakers(breakers: Vec<Breaker>) -> (Verdict, CircuitBreakersCheck) {
    let closed = state_name(State::Closed);
    let tripped: Vec<&str> = breakers.iter().filter(|b| b.state != closed).map(|b| b.name.as_str()).collect();
    let (verdict, message) = match tripped.as_slice() {
        [] => (Verdict::Pass, "Every circuit is closed.".to_owned()),
        some => (Verdict::Warn, format!("Not closed: {}.", some.join(", "))),
    };
    (verdict, CircuitBreakersCheck { status: verdict.name(), message, breakers })
}
