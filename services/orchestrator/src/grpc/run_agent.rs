//! RunAgent: one agent, one question, outside of any job. When the caller leaves, the question is withdrawn.

use bsm_proto::{
    orchestrator::v1::{RunAgentRequest, RunAgentResult},
    registry::v1::{Agent, ResolveAgentRequest},
};
use bsm_runtime::{
    call::{Call, account},
    json,
};
use serde_json::Value;
use tracing::warn;
use uuid::Uuid;

use super::wire;
use crate::{
    answer::{self, Review},
    change::Change,
    clients::{Known, SharedMesh, in_words},
    engine::{Question, Subject, ask, fetch_knowledge, words},
    error::Error,
    journal::Answer,
    prompt::{self, Material, Nonce},
};

/// The event that an agent's templates see.
const EVENT: &str = "manual.agent_run";
/// What an agent may be run for; the first is that of a request that does not say.
const CONTEXTS: [&str; 4] = ["api", "chat", "ci", "mobile"];
const MOBILE: &str = "mobile";
/// The longest id of an agent, in characters.
const LONGEST_ID: usize = 63;

/// A request whose every field is in order.
#[derive(Debug)]
pub(super) struct Checked {
    agent_id: String,
    context: String,
    input: String,
    payload: Value,
    change: Option<Change>,
}

pub(super) fn check(request: RunAgentRequest, max_input: usize) -> Result<Checked, Error> {
    let RunAgentRequest { agent_id, input, payload, context } = request;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=LONGEST_ID).contains(&agent_id.len()) || !agent_id.bytes().all(allowed) {
        return Err(Error::InvalidAgentId(agent_id.chars().take(80).collect()));
    }
    let context = context.unwrap_or_else(|| CONTEXTS[0].to_owned());
    if !CONTEXTS.contains(&context.as_str()) {
        let problem = format!("must be one of {}", CONTEXTS.join(", "));
        return Err(Error::InvalidField { field: "context", problem });
    }
    let length = input.chars().count();
    if length > max_input {
        return Err(Error::InputTooLong { length, limit: max_input });
    }
    let payload = Value::Object(json::from_struct(&payload.unwrap_or_default()));
    let change = Change::from_payload(&payload)?;
    if input.trim().is_empty() && change.is_none() {
        return Err(Error::NoInput);
    }
    Ok(Checked { agent_id, context, input, payload, change })
}

pub(super) async fn run(mesh: &SharedMesh, call: &Call, request: Checked) -> Result<RunAgentResult, Error> {
    let resolve = ResolveAgentRequest {
        agent_id: request.agent_id.clone(),
        mobile: request.context == MOBILE,
        outside: call.caller() != account::ADMIN,
        context: request.context.clone(),
    };
    let about = words(Subject {
        event: EVENT,
        payload: &request.payload,
        change: request.change.as_ref(),
        input: &request.input,
    });
    let ids = [request.agent_id.as_str()];
    let (agent, (knowledge, _)) =
        tokio::join!(mesh.resolve_agent(call, resolve), fetch_knowledge(&**mesh, call, about, &ids));
    let Known { value: agent, age } = agent?;
    if let Some(age) = age {
        warn!(
            agent = agent.id,
            age = in_words(age),
            "the registry cannot be asked; the agent runs as it last allowed it"
        );
    }
    let prompt = render(&agent, &request, &knowledge.for_agent(&agent.id))?;
    let asked =
        ask(&**mesh, &call.with_agent(&agent.id), Question { agent, prompt, idempotency_key: None }).await?;
    let (output, review) = shown(asked.answer, request.change.is_some());
    Ok(RunAgentResult {
        output,
        agent_id: request.agent_id,
        provider: asked.usage.provider,
        model: asked.usage.model,
        review: review.as_ref().map(wire::review),
        input_tokens: asked.usage.input_tokens,
        output_tokens: asked.usage.output_tokens,
    })
}

fn render(agent: &Agent, request: &Checked, knowledge: &str) -> Result<prompt::Prompt, Error> {
    let nonce = Nonce::of(&Uuid::new_v4().to_string());
    let material = Material {
        event: EVENT,
        payload: &request.payload,
        change: request.change.as_ref(),
        knowledge,
        reviews: "",
        input: &request.input,
        nonce: &nonce,
    };
    Ok(prompt::render(agent, &material)?)
}

/// An agent for prose that was shown a change may well answer as a reviewer; people read that as text too.
fn shown(answer: Answer, reviewed: bool) -> (String, Option<Review>) {
    match answer {
        Answer::Review(review) => (answer::readable(&review), Some(review)),
        Answer::Prose(text) => match answer::read(&text) {
            Ok(review) if reviewed => (answer::readable(&review), Some(review)),
            _ => (text, None),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(agent_id: &str, input: &str) -> RunAgentRequest {
        RunAgentRequest { agent_id: agent_id.into(), input: input.into(), ..Default::default() }
    }

    #[test]
    fn an_id_outside_of_the_grammar_is_refused_before_anyone_is_asked() {
        for bad in ["", "A", "a_b", "a/../b", &"x".repeat(64)] {
            assert!(matches!(check(request(bad, "hi"), 10), Err(Error::InvalidAgentId(_))), "{bad:?}");
        }
    }

    #[test]
    fn input_is_counted_in_characters() {
        assert!(check(request("a", &"ش".repeat(10)), 10).is_ok());
        let long = check(request("a", &"ش".repeat(11)), 10);
        assert!(matches!(long, Err(Error::InputTooLong { length: 11, limit: 10 })));
    }

    #[test]
    fn there_is_something_to_look_at() {
        assert!(matches!(check(request("a", " \n"), 10), Err(Error::NoInput)));
        let payload = json::to_struct(json!({"diff": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"}));
        let with_diff = RunAgentRequest { payload: Some(payload), ..request("a", "") };
        assert!(check(with_diff, 10).unwrap().change.is_some());
        let payload = Some(json::to_struct(json!({"diff": 7})));
        let malformed = RunAgentRequest { payload, ..request("a", "hi") };
        assert!(matches!(check(malformed, 10), Err(Error::InvalidPayload(_))));
    }

    #[test]
    fn a_job_s_contexts_are_not_for_callers() {
        for context in ["github", "system", "security", ""] {
            let request = RunAgentRequest { context: Some(context.into()), ..request("a", "hi") };
            assert!(
                matches!(check(request, 10), Err(Error::InvalidField { field: "context", .. })),
                "{context}"
            );
        }
    }
}
