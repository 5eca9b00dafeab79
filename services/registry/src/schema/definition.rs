//! definitions/*.yaml.

use serde_json::{Value, json};

use super::{
    part::{document, filled, list, map, optional, required, text, words},
    registry::id,
};
use crate::{
    definition::REPEATED,
    vocabulary::{AnswerKind, Level},
};

pub(super) fn schema() -> Value {
    let version = json!({"type": ["string", "number", "boolean"]});
    let mut fields = vec![
        required("id", "The agent's id, as in registry.yaml.", id()),
        required("name", "The agent's name, for people.", filled()),
        required("role", "What the agent is for, in a few words.", filled()),
        optional("version", "Kept as written.", version),
        optional("description", "What it does, in sentences.", text()),
        optional("status", "Kept as written.", text()),
        optional("modelProvider", "The provider, if not left to the route.", filled()),
        optional("modelKey", "Kept as written.", text()),
        optional("modelName", "The model, if not left to the route.", filled()),
        optional("task", "Which kind of work it is for the model route, e.g. code_review.", filled()),
        optional("complexity", "How hard that work is; medium if not given.", words(Level::WORDS)),
        optional("answer", "The form of its answers; review if not given.", words(AnswerKind::WORDS)),
        optional("capabilities", "What it can do.", list(filled())),
        optional("actions", "What may be done on its behalf: an allow-list.", list(filled())),
        optional("instructions", "How it is to work.", text()),
        optional("systemPrompt", "A template of the system message.", text()),
        optional("userPrompt", "A template of the user message.", text()),
        optional("conditions", "Bounds such as min_compliance_score, as written.", json!({"type": "object"})),
        optional("ownership", "Whose it is.", ownership()),
        optional("lifecycle", "When it is looked at again.", lifecycle()),
    ];
    fields.extend(
        REPEATED.map(|name| optional(name, "Repeated from registry.yaml, which is in force.", json!({}))),
    );
    document("BSM definitions/*.yaml", "What an agent is.", map(fields))
}

fn ownership() -> Value {
    map(vec![
        optional("team", "The team that answers for it.", text()),
        optional("owner", "The person who does.", text()),
    ])
}

fn lifecycle() -> Value {
    let day = || json!({"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"});
    map(vec![
        optional("review_by", "The day by which it is to be reviewed.", day()),
        optional("reviewed_last", "The day on which it was.", day()),
    ])
}
