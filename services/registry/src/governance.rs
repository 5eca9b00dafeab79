//! An agent's entry in registry.yaml: what it may do, where, and who must agree.

use std::ops::RangeInclusive;

use bsm_runtime::{
    diagnostic::{At, Findings},
    settings::Profile,
    yaml::{Bool, Fields, Filled, Node, Path, Text, list_of, number, one_of, set_of},
};
use serde_json::json;

use crate::{
    id,
    vocabulary::{ApprovalType, Category, Context, Level, PROFILES, SafetyMode, Standing},
};
use reader::{Never, Section};

mod reader;

/// The fewest characters that a rationale of a risk level may have.
pub(crate) const LEAST_RATIONALE: usize = 10;

/// The seconds that may lie between two checks of an agent's health.
pub(crate) const INTERVAL: RangeInclusive<f64> = 30.0..=300.0;

/// What governs an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Governance {
    /// The agent's name in the registry.
    pub name: String,
    /// What kind of agent it is.
    pub category: Category,
    /// What its word counts for, if given.
    pub role: Option<Standing>,
    /// Where it runs, as written.
    pub runtime: Option<String>,
    /// How much harm it can do, if given.
    pub safety: Option<Safety>,
    /// Where it may be used; not empty.
    pub contexts: Vec<Context>,
    /// Who sees it.
    pub expose: Expose,
    /// What is at stake.
    pub risk: Risk,
    /// Who must agree.
    pub approval: Approval,
    /// The profiles it may be used in; not empty.
    pub profiles: Vec<Profile>,
    /// How it is watched.
    pub healthcheck: Healthcheck,
    /// Hosts it reaches by itself.
    pub outbound: Vec<String>,
    /// Whether nobody may delete it.
    pub protected: bool,
}

/// How much harm an agent can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Safety {
    /// The mode, if given.
    pub mode: Option<SafetyMode>,
    /// Whether it needs a valid approval each time.
    pub requires_approval: bool,
}

/// Who sees an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expose {
    /// Whether people can choose it.
    pub selectable: bool,
    /// Whether only the mesh uses it; never true together with `selectable`.
    pub internal_only: bool,
}

/// What is at stake when an agent errs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// How much.
    pub level: Level,
    /// Why; at least ten characters.
    pub rationale: String,
}

/// Who must agree before an agent is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Whether anybody must.
    pub required: bool,
    /// Who; not `none` when required.
    pub kind: ApprovalType,
    /// Their names; not empty when required.
    pub approvers: Vec<String>,
}

/// How an agent is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Healthcheck {
    /// `/api/agents/<id>/health`.
    pub endpoint: String,
    /// Seconds, 30 to 300.
    pub interval_seconds: f64,
}

/// An entry as far as it could be read.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    /// Where the id stands.
    pub(crate) at: At,
    /// The path of the id, e.g. `agents[3].id`.
    pub(crate) field: String,
    /// None if anything in the entry is wrong, which is reported by then.
    pub(crate) governance: Option<Governance>,
}

// === impl Governance ===

impl Governance {
    /// Whether using the agent needs a valid approval.
    pub fn needs_approval(&self) -> bool {
        self.approval.required || self.safety.is_some_and(|safety| safety.requires_approval)
    }

    /// The parts that are listed with an agent, in the words of registry.yaml.
    pub fn listed(&self) -> impl Iterator<Item = (&'static str, serde_json::Value)> + use<> {
        let contexts: Vec<&str> = self.contexts.iter().map(|context| context.name()).collect();
        let safety = self.safety.map(|safety| {
            let approval = ("requires_approval", safety.requires_approval.into());
            let mode = safety.mode.map(|mode| ("mode", mode.name().into()));
            ("safety", object(mode.into_iter().chain([approval])))
        });
        let Approval { required, kind, approvers } = &self.approval;
        let Expose { selectable, internal_only } = self.expose;
        [
            Some(("contexts", json!({ "allowed": contexts }))),
            safety,
            Some(("risk", json!({ "level": self.risk.level.name(), "rationale": self.risk.rationale }))),
            Some(("approval", json!({ "required": required, "type": kind.name(), "approvers": approvers }))),
            Some(("expose", json!({ "selectable": selectable, "internal_only": internal_only }))),
        ]
        .into_iter()
        .flatten()
    }
}

fn object<'a>(fields: impl Iterator<Item = (&'a str, serde_json::Value)>) -> serde_json::Value {
    serde_json::Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect())
}

// === reading ===

/// Reads an entry, reporting all that is wrong with it. None if it has no usable id.
pub(crate) fn entry(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Entry> {
    let mut fields = Fields::of(node, path, findings)?;
    let id = id::read(&mut fields);
    if let Some(id) = &id {
        id::warn_of_words(&mut fields, id);
    }
    let at = fields.at("id");
    let governance = governance(&mut fields, id.as_deref());
    fields.finish();
    Some(Entry { id: id?, at, field: path.field("id").to_string(), governance })
}

/// Every field is read before the first `?`, so that all mistakes are found.
fn governance(fields: &mut Fields<'_>, id: Option<&str>) -> Option<Governance> {
    let name = fields.required("name", Filled);
    let category = fields.required("category", one_of(Category::WORDS));
    let role = fields.optional("role", one_of(Standing::WORDS));
    let runtime = fields.optional("execution", execution).flatten();
    let safety = fields.optional("safety", safety);
    let contexts = fields.required("contexts", Section("allowed", contexts));
    let expose = fields.required("expose", Section("selectable and internal_only", expose));
    let risk = fields.required("risk", Section("level and rationale", risk));
    let approval = fields.required("approval", Section("required, type and approvers", approval));
    let profiles = fields.required("startup", Section("auto_start and allowed_profiles", startup));
    let checked =
        |node: &Node, path: &Path<'_>, findings: &mut Findings| healthcheck(node, path, findings, id);
    let healthcheck = fields.required("healthcheck", Section("endpoint and interval_seconds", checked));
    let outbound = fields.optional("network", network).unwrap_or_default();
    let protected = fields.optional("protected", Bool).unwrap_or(false);
    Some(Governance {
        name: name?,
        category: category?,
        role,
        runtime,
        safety,
        contexts: contexts?,
        expose: expose?,
        risk: risk?,
        approval: approval?,
        profiles: profiles?,
        healthcheck: healthcheck?,
        outbound,
        protected,
    })
}

fn execution(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Option<String>> {
    let mut fields = Fields::of(node, path, findings)?;
    let runtime = fields.optional("runtime", Text);
    fields.finish();
    Some(runtime)
}

fn safety(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Safety> {
    let mut fields = Fields::of(node, path, findings)?;
    let mode = fields.optional("mode", one_of(SafetyMode::WORDS));
    let requires_approval = fields.optional("requires_approval", Bool).unwrap_or(false);
    fields.finish();
    Some(Safety { mode, requires_approval })
}

fn contexts(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<Context>> {
    let mut fields = Fields::of(node, path, findings)?;
    let allowed = fields.required("allowed", set_of(one_of(Context::WORDS)));
    fields.finish();
    allowed
}

fn expose(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Expose> {
    let mut fields = Fields::of(node, path, findings)?;
    let selectable = fields.required("selectable", Bool);
    let internal_only = fields.required("internal_only", Bool);
    if selectable == Some(true) && internal_only == Some(true) {
        let message = "an agent that only the mesh uses cannot be chosen by people";
        fields.error("internal_only", message, "set `selectable` or `internal_only` to false");
    }
    fields.finish();
    Some(Expose { selectable: selectable?, internal_only: internal_only? })
}

fn risk(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Risk> {
    let mut fields = Fields::of(node, path, findings)?;
    let level = fields.required("level", one_of(Level::WORDS));
    let rationale = fields.required("rationale", Filled);
    if let Some(short) =
        rationale.as_ref().map(|text| text.trim().chars().count()).filter(|n| *n < LEAST_RATIONALE)
    {
        let message = format!("the rationale has {short} characters, fewer than {LEAST_RATIONALE}");
        fields.error("rationale", message, "say in a sentence why the level is right");
    }
    fields.finish();
    Some(Risk { level: level?, rationale: rationale? })
}

fn approval(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Approval> {
    let mut fields = Fields::of(node, path, findings)?;
    let required = fields.required("required", Bool);
    let kind = fields.required("type", one_of(ApprovalType::WORDS));
    let approvers = fields.required("approvers", list_of(Filled));
    if required == Some(true) && kind == Some(ApprovalType::None) {
        let message = "an approval is required, and nobody gives it";
        fields.error("type", message, "use manual or automated, or set `required: false`");
    }
    if required == Some(true) && approvers.as_ref().is_some_and(Vec::is_empty) {
        let message = "an approval is required, and there is nobody to give it";
        fields.error("approvers", message, "name at least one approver, or set `required: false`");
    }
    fields.finish();
    Some(Approval { required: required?, kind: kind?, approvers: approvers? })
}

fn startup(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<Profile>> {
    let mut fields = Fields::of(node, path, findings)?;
    fields.required("auto_start", Never);
    let profiles = fields.required("allowed_profiles", set_of(one_of(PROFILES)));
    fields.finish();
    profiles
}

fn healthcheck(
    node: &Node,
    path: &Path<'_>,
    findings: &mut Findings,
    id: Option<&str>,
) -> Option<Healthcheck> {
    let mut fields = Fields::of(node, path, findings)?;
    let endpoint = fields.required("endpoint", Text);
    let right = id.map(|id| format!("/api/agents/{id}/health"));
    if let (Some(given), Some(right)) = (&endpoint, right)
        && *given != right
    {
        fields.error(
            "endpoint",
            format!("{given:?} is not this agent's health path"),
            format!("use {right}"),
        );
    }
    let interval_seconds = fields.required("interval_seconds", number(INTERVAL));
    fields.finish();
    Some(Healthcheck { endpoint: endpoint?, interval_seconds: interval_seconds? })
}

fn network(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<String>> {
    let mut fields = Fields::of(node, path, findings)?;
    let outbound = fields.optional("outbound", list_of(Filled)).unwrap_or_default();
    fields.finish();
    Some(outbound)
}
