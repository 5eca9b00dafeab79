//! The two messages of a prompt, with everything in them that an agent must not do without.

use bsm_proto::registry::v1::{Agent, AnswerKind};
use minijinja::{Value, context};

use super::{
    Error, Material,
    template::{Engine, Faulty},
};
use crate::{answer, change::Change, strategy::is_event_name};

/// For a definition without a system prompt.
const SYSTEM: &str = "You are {{ agentName }} ({{ agentRole }}).";
/// For a definition without a user prompt; the change and the input follow in any case.
const USER: &str = "Event: {{ event }}
{%- if payload.title %}
Title: {{ payload.title | untrusted(\"title\") }}
{%- endif %}
{%- if payload.body %}
Description: {{ payload.body | untrusted(\"description\") }}
{%- endif %}
{%- if knowledge %}

Reference documents:
{{ knowledge }}
{%- endif %}
{%- if reviews %}

Past reviews of similar changes, for comparison only:
{{ reviews }}
{%- endif %}";

/// How many files of a change templates can list; `change.fileCount` has their number.
const MAX_FILES: usize = 300;

/// The system and the user message.
pub(super) fn compose(agent: &Agent, material: &Material<'_>) -> Result<(String, String), Error> {
    let diff = material.change.map(|change| change.diff.as_str()).unwrap_or_default();
    let labels = [
        ("diff", diff),
        ("input", material.input),
        ("knowledge", material.knowledge),
        ("past-reviews", material.reviews),
    ];
    let labels = labels.into_iter().filter(|(_, text)| !text.is_empty());
    let engine = Engine::new(material.nonce, labels.map(|(label, text)| (label, text.to_owned())).collect());
    let context = variables(agent, material);
    let render = |field, source: &str, otherwise| {
        let source = if source.trim().is_empty() { otherwise } else { source };
        engine.render(source, &context).map_err(|faulty| faulty.in_field(agent, field))
    };
    let system = render("systemPrompt", &agent.system_prompt, SYSTEM)?;
    let user = render("userPrompt", &agent.user_prompt, USER)?;
    Ok((full_system(agent, material, system, &user), full_user(agent, material, user)))
}

/// What templates can name.
fn variables(agent: &Agent, material: &Material<'_>) -> Value {
    let own = |text: &str| Value::from_safe_string(text.to_owned());
    context! {
        agentName => own(&agent.name),
        agentRole => own(&agent.role),
        instructions => own(&agent.instructions),
        event => if is_event_name(material.event) { own(material.event) } else { material.event.into() },
        input => material.input,
        knowledge => material.knowledge,
        reviews => material.reviews,
        payload => payload(material),
        change => material.change.map(change),
    }
}

/// The payload with the diff that the agents are shown in the place of its own.
fn payload(material: &Material<'_>) -> Value {
    let mut payload = material.payload.clone();
    if let (Some(fields), Some(change)) = (payload.as_object_mut(), material.change) {
        fields.insert("diff".to_owned(), change.diff.clone().into());
    }
    Value::from_serialize(payload)
}

fn change(change: &Change) -> Value {
    let files = change.files.iter().take(MAX_FILES).map(|file| {
        context! {
            path => file.path,
            status => Value::from_safe_string(file.status.to_owned()),
            additions => file.additions,
            deletions => file.deletions,
        }
    });
    context! {
        diff => change.diff,
        files => files.collect::<Vec<_>>(),
        fileCount => change.files.len(),
        truncated => change.truncated,
        filesLeftOut => change.left_out(),
        complete => change.is_complete(),
    }
}

fn full_system(agent: &Agent, material: &Material<'_>, system: String, user: &str) -> String {
    let instructions = agent.instructions.trim();
    let mut parts = Vec::new();
    if !instructions.is_empty() && !system.contains(instructions) && !user.contains(instructions) {
        parts.push(instructions.to_owned());
    }
    parts.push(system.trim().to_owned());
    parts.push(material.nonce.rule());
    if agent.answer() == AnswerKind::Review {
        parts.push(format!(
            "Answer with exactly one JSON object that fits this JSON schema, and nothing before or after it:\n{}",
            answer::schema()
        ));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn full_user(agent: &Agent, material: &Material<'_>, user: String) -> String {
    let nonce = material.nonce;
    let diff = material.change.map(|change| change.diff.as_str()).unwrap_or_default();
    let mut parts = vec![user.trim().to_owned()];
    if !diff.is_empty() && !nonce.shows(&user, diff) {
        parts.push(format!("The change:\n{}", nonce.wrap("diff", diff)));
    }
    if let Some(more) = material.change.and_then(|change| change.files.len().checked_sub(MAX_FILES + 1)) {
        parts.push(format!("Of the changed files, {} more are not listed.", more + 1));
    }
    if let Some(unseen) = material.change.map(|change| &change.unseen).filter(|unseen| !unseen.is_empty()) {
        let unseen = nonce.wrap("not-shown", &unseen.join("\n"));
        parts.push(format!(
            "The change is not shown as a whole; nobody can approve what is not shown:\n{unseen}"
        ));
    }
    if diff.is_empty() && agent.answer() == AnswerKind::Review {
        parts.push("No diff is attached to this event: nothing of a change can be seen.".to_owned());
    }
    if !material.input.is_empty() && !nonce.shows(&user, material.input) {
        parts.push(format!("The request:\n{}", nonce.wrap("input", material.input)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

// === impl Faulty ===

impl Faulty {
    fn in_field(self, agent: &Agent, field: &'static str) -> Error {
        Error::Template { agent: agent.id.clone(), field, line: self.line, problem: self.problem }
    }
}
