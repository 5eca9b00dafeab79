//! registry.yaml.

use serde_json::{Value, json};

use super::part::{boolean, document, filled, list, map, optional, required, set, text, with, words};
use crate::{
    governance::{INTERVAL, LEAST_RATIONALE},
    id,
    vocabulary::{ApprovalType, Category, Context, Level, PROFILES, SafetyMode, Standing},
};

pub(super) fn schema() -> Value {
    let agents = with(list(entry()), json!({"minItems": 1}));
    let root = map(vec![
        optional("version", "The version of this file, for people.", text()),
        required("agents", "One entry for each agent.", agents),
    ]);
    document("BSM registry.yaml", "Who may do what: what governs each agent.", root)
}

/// The id of an agent.
pub(super) fn id() -> Value {
    json!({"type": "string", "pattern": format!("^[a-z0-9-]{{1,{}}}$", id::MOST)})
}

fn entry() -> Value {
    map(vec![
        required("id", "The agent's id, as in its definition.", id()),
        required("name", "The agent's name, for people.", filled()),
        required("category", "What kind of agent it is.", words(Category::WORDS)),
        optional("role", "What its word counts for.", words(Standing::WORDS)),
        optional("execution", "Where it runs.", map(vec![optional("runtime", "Kept as written.", text())])),
        optional("safety", "How much harm it can do.", safety()),
        required("contexts", "What it may be used for.", contexts()),
        required("expose", "Who sees it; never both.", expose()),
        required("risk", "What is at stake when it errs.", risk()),
        required("approval", "Who must agree before it is used.", approval()),
        required("startup", "Where it may be used. No agent starts by itself.", startup()),
        required("healthcheck", "How it is watched.", healthcheck()),
        optional("network", "What it reaches by itself; forbidden in safe mode.", network()),
        optional("protected", "Whether nobody may delete it.", boolean()),
    ])
}

fn safety() -> Value {
    map(vec![
        optional("mode", "How much harm its actions can do.", words(SafetyMode::WORDS)),
        optional("requires_approval", "Whether each use needs a valid approval.", boolean()),
    ])
}

fn contexts() -> Value {
    map(vec![required("allowed", "At least one, none twice.", set(words(Context::WORDS)))])
}

fn expose() -> Value {
    let both = json!({
        "properties": {"selectable": {"const": true}, "internal_only": {"const": true}},
        "required": ["selectable", "internal_only"],
    });
    let fields = map(vec![
        required("selectable", "Whether people can choose it.", boolean()),
        required("internal_only", "Whether only the mesh uses it.", boolean()),
    ]);
    with(fields, json!({"not": both}))
}

fn risk() -> Value {
    // Blanks at both ends do not count.
    let sentence = format!(r"^\s*\S[\s\S]{{{},}}\S\s*$", LEAST_RATIONALE - 2);
    map(vec![
        required("level", "How much is at stake.", words(Level::WORDS)),
        required("rationale", "Why, in a sentence.", json!({"type": "string", "pattern": sentence})),
    ])
}

fn approval() -> Value {
    let kinds: Vec<_> =
        ApprovalType::WORDS.iter().filter(|(_, kind)| *kind != ApprovalType::None).copied().collect();
    let needed = json!({
        "if": {"properties": {"required": {"const": true}}, "required": ["required"]},
        "then": {"properties": {"type": words(&kinds), "approvers": {"minItems": 1}}},
    });
    let fields = map(vec![
        required("required", "Whether anybody must agree.", boolean()),
        required("type", "Who agrees; not none if anybody must.", words(ApprovalType::WORDS)),
        required("approvers", "Their names; at least one if anybody must.", list(filled())),
    ]);
    with(fields, needed)
}

fn startup() -> Value {
    map(vec![
        required("auto_start", "Always false: no agent starts by itself.", json!({"const": false})),
        required("allowed_profiles", "At least one, none twice.", set(words(PROFILES))),
    ])
}

fn healthcheck() -> Value {
    let endpoint = format!("^/api/agents/[a-z0-9-]{{1,{}}}/health$", id::MOST);
    let interval = json!({"type": "number", "minimum": INTERVAL.start(), "maximum": INTERVAL.end()});
    map(vec![
        required("endpoint", "/api/agents/<id>/health", json!({"type": "string", "pattern": endpoint})),
        required("interval_seconds", "Seconds from one check to the next.", interval),
    ])
}

fn network() -> Value {
    map(vec![optional("outbound", "Hosts that it reaches by itself.", list(filled()))])
}
