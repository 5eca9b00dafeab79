//! Domain types in the words of the contract.

use bsm_proto::orchestrator::v1 as proto;
use bsm_runtime::json;
use serde_json::Value;

use crate::{
    answer::{Finding, Review},
    job::{Decision, Evidence, Job, JobEvent, Step},
    journal::JobLine,
    rules::Rules,
    strategy::Strategy,
};

pub(super) fn strategies(rules: &Rules) -> proto::ListStrategiesResponse {
    let strategies: Vec<_> = rules.strategies().iter().map(strategy).collect();
    let total_events = strategies.len() as u32;
    proto::ListStrategiesResponse { success: true, strategies, total_events, version: rules.version() }
}

fn strategy(strategy: &Strategy) -> proto::Strategy {
    proto::Strategy {
        event: strategy.event.clone(),
        agents: strategy.agents.clone(),
        execution: strategy.execution.as_str().to_owned(),
        description: strategy.description.clone(),
        context: strategy.context.clone(),
        required: strategy.required.clone(),
        deadline_seconds: strategy.deadline_seconds,
        step_timeout_seconds: strategy.step.timeout_seconds,
        step_max_attempts: strategy.step.max_attempts,
        on_failure: strategy.step.on_failure.as_str().to_owned(),
    }
}

pub(super) fn job(job: &Job, waiting_for: String) -> proto::Job {
    proto::Job {
        job_id: job.id.to_string(),
        event: job.event.clone(),
        status: job.state.to_string(),
        created_at: time(job.created_at),
        finished_at: job.finished_at.map(time),
        source: job.source.clone(),
        subject: job.subject.clone(),
        strategy: Some(strategy(&job.strategy)),
        steps: job.steps.iter().map(step).collect(),
        decision: job.decision.as_ref().map(decision),
        report_file: job.report_file.clone(),
        waiting_for,
        correlation_id: job.correlation_id.clone(),
        notes: job.notes.clone(),
    }
}

pub(super) fn line(line: JobLine) -> proto::JobSummary {
    proto::JobSummary {
        job_id: line.id.to_string(),
        event: line.event,
        status: line.state.to_string(),
        created_at: time(line.created_at),
        finished_at: line.finished_at.map(time),
        action: line.action.map(|action| action.to_string()),
        subject: line.subject,
    }
}

pub(super) fn step(step: &Step) -> proto::Step {
    proto::Step {
        agent_id: step.agent_id.clone(),
        status: step.state.to_string(),
        attempts: step.attempts,
        started_at: step.started_at.map(time),
        finished_at: step.finished_at.map(time),
        review: step.review.as_ref().map(review),
        error: step.error.clone(),
        code: step.code.clone(),
        provider: step.usage.provider.clone(),
        model: step.usage.model.clone(),
        input_tokens: step.usage.input_tokens,
        output_tokens: step.usage.output_tokens,
    }
}

pub(super) fn review(review: &Review) -> proto::Review {
    proto::Review {
        decision: review.decision.to_string(),
        score: review.score,
        summary: review.summary.clone(),
        findings: review.findings.iter().map(finding).collect(),
    }
}

fn finding(finding: &Finding) -> proto::Finding {
    proto::Finding {
        severity: finding.severity.to_string(),
        file: finding.file.clone(),
        line: finding.line,
        message: finding.message.clone(),
        suggestion: finding.suggestion.clone(),
    }
}

pub(super) fn decision(decision: &Decision) -> proto::Decision {
    proto::Decision {
        id: decision.id.clone(),
        action: decision.action.to_string(),
        reason: decision.reason.clone(),
        rule: decision.rule.clone(),
        automated: decision.automated,
        evidence: decision.evidence.iter().map(evidence).collect(),
        decided_at: time(decision.decided_at),
        policy_version: decision.policy_version.clone(),
    }
}

fn evidence(evidence: &Evidence) -> proto::Evidence {
    proto::Evidence {
        kind: evidence.kind.clone(),
        subject: evidence.subject.clone(),
        detail: evidence.detail.clone(),
    }
}

pub(super) fn event(event: JobEvent) -> proto::WatchJobResponse {
    proto::WatchJobResponse {
        event_id: event.sequence.to_string(),
        event_type: event.kind,
        timestamp: time(event.at),
        agent_id: event.agent_id,
        message: event.message,
        data: Some(json::to_struct(Value::Object(event.data))),
    }
}

/// Milliseconds are far below the largest whole number that a double holds exactly.
pub(super) fn time(ms: i64) -> f64 {
    ms as f64
}
