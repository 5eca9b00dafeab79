//! The registry's types in the contract's words. No rules here.

use bsm_proto::registry::v1 as proto;
use bsm_runtime::{json, versions::Versioned as _};
use prost::Message as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    catalog::{Agent, Catalog},
    definition::{Definition, REPEATED},
    governance::Governance,
    lifecycle::State,
    rules::Forbidden,
    status::rule_name,
    vocabulary::AnswerKind,
};

/// A definition's fields as written; what governs comes from the registry alone.
pub(super) fn listed(agent: &Agent) -> prost_types::Struct {
    let mut fields = agent.definition.written.clone();
    if let Some(governance) = &agent.governance {
        for name in REPEATED {
            fields.shift_remove(name);
        }
        fields.extend(governance.listed().map(|(name, value)| (name.to_owned(), value)));
    }
    json::to_struct(Value::Object(fields))
}

pub(super) fn summary(agent: &Definition, governance: &Governance, state: &State) -> proto::AgentSummary {
    let config = proto::agent_summary::SummaryConfig {
        auto_start: false,
        allowed_profiles: profiles(governance),
        contexts: contexts(governance),
        approval_required: governance.approval.required,
    };
    proto::AgentSummary {
        id: agent.id.clone(),
        name: governance.name.clone(),
        category: governance.category.name().to_owned(),
        risk: governance.risk.level.name().to_owned(),
        state: Some(self::state(state)),
        config: Some(config),
    }
}

pub(super) fn status(
    agent: &Definition,
    governance: &Governance,
    state: &State,
    here: Result<(), Forbidden>,
) -> proto::GetAgentStatusResponse {
    let proto::Governance { category, risk, approval, startup, contexts, .. } = self::governance(governance);
    let config =
        proto::get_agent_status_response::StatusConfig { category, risk, approval, startup, contexts };
    proto::GetAgentStatusResponse {
        id: agent.id.clone(),
        name: governance.name.clone(),
        state: Some(self::state(state)),
        config: Some(config),
        here: Some(permission(here)),
        route: Some(route(agent)),
    }
}

fn route(agent: &Definition) -> proto::AgentRoute {
    proto::AgentRoute {
        task: agent.task.clone(),
        complexity: agent.complexity.name().to_owned(),
        model_provider: agent.model_provider.clone(),
        model_name: agent.model_name.clone(),
    }
}

pub(super) fn permission(verdict: Result<(), Forbidden>) -> proto::Permission {
    let rule = verdict.err();
    proto::Permission {
        allowed: rule.is_none(),
        reason: rule.map(|rule| rule_name(rule).to_owned()),
        message: rule.map(|rule| format!("It {rule}.")),
    }
}

pub(super) fn agent(agent: &Agent) -> proto::Agent {
    let definition = agent.definition.clone();
    let answer = match definition.answer {
        AnswerKind::Review => proto::AnswerKind::Review,
        AnswerKind::Text => proto::AnswerKind::Text,
    };
    proto::Agent {
        id: definition.id,
        name: definition.name,
        role: definition.role,
        description: definition.description,
        task: definition.task,
        complexity: definition.complexity.name().to_owned(),
        model_provider: definition.model_provider,
        model_name: definition.model_name,
        instructions: definition.instructions,
        system_prompt: definition.system_prompt,
        user_prompt: definition.user_prompt,
        actions: definition.actions,
        answer: answer.into(),
        governance: agent.governance.as_ref().map(governance),
        conditions: Some(json::to_struct(Value::Object(definition.conditions))),
    }
}

pub(super) fn in_force(catalog: &Catalog) -> proto::WatchAgentsResponse {
    let agents = catalog.agents().iter().map(revision).collect();
    proto::WatchAgentsResponse { version: catalog.version().to_owned(), agents }
}

/// The hash is of all that is ever served of the agent.
fn revision(of: &Agent) -> proto::AgentRevision {
    let mut hash = Sha256::new();
    hash.update(listed(of).encode_to_vec());
    hash.update(agent(of).encode_to_vec());
    let hash = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    proto::AgentRevision { id: of.definition.id.clone(), hash }
}

fn governance(governance: &Governance) -> proto::Governance {
    let safety = governance.safety.map(|safety| proto::Safety {
        mode: safety.mode.map(|mode| mode.name().to_owned()).unwrap_or_default(),
        requires_approval: safety.requires_approval,
    });
    proto::Governance {
        category: governance.category.name().to_owned(),
        contexts: Some(proto::Contexts { allowed: contexts(governance) }),
        safety,
        risk: Some(proto::Risk {
            level: governance.risk.level.name().to_owned(),
            rationale: governance.risk.rationale.clone(),
        }),
        approval: Some(proto::Approval {
            required: governance.approval.required,
            r#type: governance.approval.kind.name().to_owned(),
            approvers: governance.approval.approvers.clone(),
        }),
        expose: Some(proto::Expose {
            selectable: governance.expose.selectable,
            internal_only: governance.expose.internal_only,
        }),
        startup: Some(proto::Startup { auto_start: false, allowed_profiles: profiles(governance) }),
        healthcheck: Some(proto::Healthcheck {
            endpoint: governance.healthcheck.endpoint.clone(),
            interval_seconds: governance.healthcheck.interval_seconds,
        }),
        network_outbound: governance.outbound.clone(),
        protected: governance.protected,
    }
}

pub(super) fn state(state: &State) -> proto::AgentState {
    let (since, context, reason) = match state {
        State::New => (None, None, None),
        State::Running { since, context } => (Some(*since as f64), Some(context.name().to_owned()), None),
        State::Stopped { since, reason } => (Some(*since as f64), None, reason.clone()),
    };
    proto::AgentState { status: state.name().to_owned(), since, context, reason }
}

fn profiles(governance: &Governance) -> Vec<String> {
    governance.profiles.iter().map(|profile| profile.name().to_owned()).collect()
}

fn contexts(governance: &Governance) -> Vec<String> {
    governance.contexts.iter().map(|context| context.name().to_owned()).collect()
}
