//! definitions/*.yaml: what an agent is.

use bsm_runtime::{
    diagnostic::{At, Findings},
    yaml::{Fields, Filled, Node, Path, Read, Text, Value, list_of, one_of},
};
use serde_json::Map;

use crate::{
    date::Date,
    id, template,
    vocabulary::{AnswerKind, Level},
};

/// The fields that belong to registry.yaml and may be repeated here.
pub(crate) const REPEATED: [&str; 5] = ["contexts", "safety", "risk", "approval", "expose"];

/// The fields that are templates.
const PROMPTS: [&str; 2] = ["systemPrompt", "userPrompt"];

/// What an agent is.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Which entry of the registry governs it.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is for, in a few words.
    pub role: String,
    /// What it does, in sentences; may be empty.
    pub description: String,
    /// Which kind of work it is for the model route; may be empty.
    pub task: String,
    /// How hard that work is; medium if not given.
    pub complexity: Level,
    /// The provider, if it is not left to the route.
    pub model_provider: Option<String>,
    /// The model, if it is not left to the route.
    pub model_name: Option<String>,
    /// How it is to work.
    pub instructions: String,
    /// A template; may be empty.
    pub system_prompt: String,
    /// A template; may be empty.
    pub user_prompt: String,
    /// What may be done on its behalf: an allow-list.
    pub actions: Vec<String>,
    /// The form of its answers; a review if not given, because a review can be judged by policy.
    pub answer: AnswerKind,
    /// Bounds such as `min_compliance_score`, as written.
    pub conditions: Map<String, serde_json::Value>,
    /// All fields as written, without the prompts.
    pub written: Map<String, serde_json::Value>,
}

/// A definition as far as it could be read.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: Option<String>,
    /// Where the id stands.
    pub(crate) at: At,
    /// Governance fields repeated in the definition, with their places.
    pub(crate) repeated: Vec<(&'static str, At, serde_json::Value)>,
    /// None if anything in the file is wrong, which is reported by then.
    pub(crate) definition: Option<Definition>,
}

// === reading ===

/// Reads a definition, reporting all that is wrong with it. None if it is no map.
pub(crate) fn definition(node: &Node, findings: &mut Findings, today: Date) -> Option<Draft> {
    let mut fields = Fields::of(node, &Path::ROOT, findings)?;
    let id = id::read(&mut fields);
    let at = fields.at("id");
    let repeated = REPEATED
        .into_iter()
        .filter_map(|name| fields.node(name).map(|node| (name, node.at, node.to_json())))
        .collect();
    let definition = body(&mut fields, id.clone(), node);
    surroundings(&mut fields, today);
    fields.finish();
    for name in PROMPTS {
        if let Some(prompt) = node.get(name) {
            template::check(prompt, name, findings);
        }
    }
    Some(Draft { id, at, repeated, definition })
}

/// What running the agent needs. Every field is read before the first `?`, so that all mistakes are found.
fn body(fields: &mut Fields<'_>, id: Option<String>, node: &Node) -> Option<Definition> {
    let name = fields.required("name", Filled);
    let role = fields.required("role", Filled);
    let description = fields.optional("description", Text).unwrap_or_default();
    let task = fields.optional("task", Filled).unwrap_or_default();
    let complexity = fields.optional("complexity", one_of(Level::WORDS)).unwrap_or(Level::Medium);
    let model_provider = fields.optional("modelProvider", Filled);
    let model_name = fields.optional("modelName", Filled);
    let instructions = fields.optional("instructions", Text).unwrap_or_default();
    let system_prompt = fields.optional("systemPrompt", Text).unwrap_or_default();
    let user_prompt = fields.optional("userPrompt", Text).unwrap_or_default();
    let actions = fields.optional("actions", list_of(Filled)).unwrap_or_default();
    let answer = fields.optional("answer", one_of(AnswerKind::WORDS)).unwrap_or(AnswerKind::Review);
    let conditions = fields.optional("conditions", Free).unwrap_or_default();
    Some(Definition {
        id: id?,
        name: name?,
        role: role?,
        description,
        task,
        complexity,
        model_provider,
        model_name,
        instructions,
        system_prompt,
        user_prompt,
        actions,
        answer,
        conditions,
        written: written(node),
    })
}

/// What people want to know about the definition.
fn surroundings(fields: &mut Fields<'_>, today: Date) {
    if let Some(Value::List(_) | Value::Map(_)) = fields.node("version").map(|node| &node.value) {
        fields.error("version", "a version is a text or a number", "write for instance `version: \"1.0.0\"`");
    }
    fields.optional("status", Text);
    fields.optional("modelKey", Text);
    fields.optional("capabilities", list_of(Filled));
    fields.optional("ownership", |node: &Node, path: &Path<'_>, findings: &mut Findings| {
        let mut fields = Fields::of(node, path, findings)?;
        fields.optional("team", Text);
        fields.optional("owner", Text);
        fields.finish();
        Some(())
    });
    fields.optional("lifecycle", |node: &Node, path: &Path<'_>, findings: &mut Findings| {
        let mut fields = Fields::of(node, path, findings)?;
        date(&mut fields, "reviewed_last");
        if let Some(due) = date(&mut fields, "review_by").filter(|due| *due < today) {
            let message = format!("the review of this agent was due by {due}");
            fields.warning("review_by", message, "review the definition, then set the next date");
        }
        fields.finish();
        Some(())
    });
}

fn date(fields: &mut Fields<'_>, name: &'static str) -> Option<Date> {
    let text = fields.optional(name, Text)?;
    let date = text.parse().ok();
    if date.is_none() {
        fields.error(name, format!("{text:?} is not a date"), "write a day that exists as YYYY-MM-DD");
    }
    date
}

/// A map whose fields are nobody's business here.
struct Free;

impl Read for Free {
    type Out = Map<String, serde_json::Value>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Self::Out> {
        // `Fields` reports what is no map; it is not finished, because any field is right.
        Fields::of(node, path, findings)?;
        match node.to_json() {
            serde_json::Value::Object(fields) => Some(fields),
            _ => None,
        }
    }

    fn wanted(&self) -> String {
        "a map".to_owned()
    }
}

fn written(node: &Node) -> Map<String, serde_json::Value> {
    let Value::Map(entries) = &node.value else { return Map::new() };
    entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect()
}
