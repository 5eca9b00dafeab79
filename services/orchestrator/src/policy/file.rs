//! `policy.yaml` → rules, reporting every mistake at once.

use bsm_runtime::{
    diagnostic::Findings,
    yaml::{self, Bool, Fields, Filled, Node, Path, Read, Value, list_of, number, one_of, whole},
};

use super::{
    OTHERWISE, Outfall, Policy, Rule,
    condition::{Condition, Panel, Sight},
    lint,
};
use crate::{
    answer::{MAX_SCORE, Opinion, Severity},
    ci::CiState,
    job::Action,
    strategy::{AgentId, AgentList, KnownAgents},
    version,
};

/// The panel that every agent belongs to.
const ANY: &str = "any";
/// The forms of a condition; each has exactly one of these fields.
const FORMS: [&str; 9] = ["panel", "finding", "change", "required", "ci", "gate", "all", "any", "not"];
const SIGHTS: [(&str, Sight); 3] =
    [("complete", Sight::Complete), ("truncated", Sight::Truncated), ("missing", Sight::Missing)];

impl Policy {
    /// Reads the policy file that `findings` was made with, and holds its agents against those that there are.
    ///
    /// `None` when anything in it is an error; all of them are in `findings` then.
    pub fn read(findings: &mut Findings, agents: Option<&KnownAgents>) -> Option<Self> {
        let version = version::of(findings.text());
        let root = yaml::read(findings)?;
        let mut fields = Fields::of(&root, &Path::ROOT, findings)?;
        fields.required("version", whole(1..=1));
        let panels = fields.optional("panels", PanelMap { agents }).unwrap_or_default();
        let rules = fields.required("rules", Rules { panels: &panels });
        let otherwise = fields.required("otherwise", otherwise);
        fields.finish();
        let (rules, otherwise) = (rules?, otherwise?);
        (!findings.is_fatal()).then_some(Self { rules, otherwise, version })
    }
}

type Panels = Vec<Panel>;

/// Reads the panels: names with the agents that speak for them.
struct PanelMap<'a> {
    agents: Option<&'a KnownAgents>,
}

/// Reads the list of rules.
struct Rules<'a> {
    panels: &'a Panels,
}

/// Reads one condition.
#[derive(Clone, Copy)]
struct When<'a> {
    panels: &'a Panels,
}

// === impl PanelMap ===

impl Read for PanelMap<'_> {
    type Out = Panels;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Panels> {
        let Value::Map(entries) = &node.value else {
            let message = format!("{} stands where a map is needed", node.value);
            findings.error(node.at, path, message, "write each panel as `name: [agents]`");
            return None;
        };
        let mut panels = Panels::new();
        for (key, value) in entries {
            let path = path.field(&key.text);
            if key.text == ANY {
                let message = "the panel `any` is that of all agents and cannot be defined";
                findings.error(key.at, path, message, "use another name");
            }
            let list = AgentList(AgentId { agents: self.agents, context: None });
            // A faulty panel still has its name, so that the rules that use it are not reported too.
            let agents = list.read(value, &path, findings).unwrap_or_default();
            panels.push(Panel { name: key.text.clone(), agents });
        }
        Some(panels)
    }

    fn wanted(&self) -> String {
        "a map of panels".to_owned()
    }
}

// === impl Rules ===

impl Read for Rules<'_> {
    type Out = Vec<Rule>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<Rule>> {
        let placed = |node: &Node, path: &Path<'_>, findings: &mut Findings| {
            rule(node, path, findings, self.panels).map(|rule| (rule, node.at, path.to_string()))
        };
        let mut rules: Vec<Rule> = Vec::new();
        for (rule, at, path) in list_of(placed).read(node, path, findings)? {
            if rule.id == OTHERWISE || rules.iter().any(|earlier| earlier.id == rule.id) {
                let message = format!("a rule {:?} is there already", rule.id);
                findings.error(at, format!("{path}.id"), message, "give each rule its own id");
            }
            rules.push(rule);
        }
        Some(rules)
    }

    fn wanted(&self) -> String {
        "a list of rules".to_owned()
    }
}

fn rule(node: &Node, path: &Path<'_>, findings: &mut Findings, panels: &Panels) -> Option<Rule> {
    let mut fields = Fields::of(node, path, findings)?;
    let id = fields.required("id", Filled);
    let when = fields.required("when", When { panels });
    let action =
        fields.required("then", one_of(&Action::ALL.iter().map(|a| (a.as_str(), *a)).collect::<Vec<_>>()));
    let automated = fields.optional("automated", Bool).unwrap_or(false);
    let reason = fields.optional("reason", Filled);
    fields.finish();
    let (id, when, action) = (id?, when?, action?);
    let reason = reason.unwrap_or_else(|| format!("The rule {id} applies."));
    let rule = Rule { id, when, then: Outfall { action, reason, automated } };
    lint::check(&rule, node.at, path, findings);
    Some(rule)
}

/// What is done when no rule matches: anything but an approval, which must be earned.
fn otherwise(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Outfall> {
    let mut fields = Fields::of(node, path, findings)?;
    let earned = |action: &Action| *action != Action::ApproveAndMerge;
    let actions: Vec<_> = Action::ALL.iter().copied().filter(earned).map(|a| (a.as_str(), a)).collect();
    let action = fields.required("then", one_of(&actions));
    let reason = fields.optional("reason", Filled).unwrap_or_else(|| "No rule applies.".to_owned());
    fields.finish();
    Some(Outfall { action: action?, reason, automated: false })
}

// === impl When ===

impl Read for When<'_> {
    type Out = Condition;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Condition> {
        let mut fields = Fields::of(node, path, findings)?;
        let forms: Vec<_> = FORMS.into_iter().filter(|form| node.get(form).is_some()).collect();
        let [form] = forms[..] else {
            let message =
                format!("a condition has one of {}, and this has {}", FORMS.join(", "), forms.len());
            findings.error(node.at, path, message, "use `all` or `any` to join several conditions");
            return None;
        };
        let condition = self.form(form, &mut fields);
        fields.finish();
        condition
    }

    fn wanted(&self) -> String {
        format!("a condition: one of {}", FORMS.join(", "))
    }
}

impl When<'_> {
    fn form(&self, form: &str, fields: &mut Fields<'_>) -> Option<Condition> {
        match form {
            "panel" => {
                let panel = self.panel(fields);
                let opinions = some(fields, "says", &Opinion::ALL.map(|opinion| (opinion.as_str(), opinion)));
                Some(Condition::Says { panel: panel?, opinions: opinions? })
            }
            "finding" => {
                let severities = Severity::ALL.map(|severity| (severity.as_str(), severity));
                fields.required("finding", one_of(&severities)).map(Condition::Finding)
            }
            "change" => fields.required("change", one_of(&SIGHTS)).map(Condition::Change),
            "required" => {
                let succeeded = fields.required("required", one_of(&[("succeeded", ())]));
                let min_score = fields.optional("min_score", number(0.0..=MAX_SCORE));
                succeeded.map(|()| Condition::RequiredSucceeded { min_score })
            }
            "ci" => some(fields, "ci", &CiState::ALL.map(|state| (state.as_str(), state))).map(Condition::Ci),
            "gate" => {
                fields.required("gate", one_of(&[("none_pending", ())])).map(|()| Condition::NoGatePending)
            }
            "all" => self.parts(fields, "all").map(Condition::All),
            "any" => self.parts(fields, "any").map(Condition::Any),
            _ => fields.required("not", *self).map(|part| Condition::Not(Box::new(part))),
        }
    }

    /// The panel that the condition names; the inner `None` is that of all agents.
    fn panel(&self, fields: &mut Fields<'_>) -> Option<Option<Panel>> {
        let mut names: Vec<_> = self.panels.iter().map(|panel| (panel.name.as_str(), Some(panel))).collect();
        names.push((ANY, None));
        fields.required("panel", one_of(&names)).map(|panel| panel.cloned())
    }

    /// The conditions of `all` and `any`. Of none, every one would hold and none would: neither is meant.
    fn parts(&self, fields: &mut Fields<'_>, name: &'static str) -> Option<Vec<Condition>> {
        let parts = fields.required(name, list_of(*self))?;
        filled(fields, name, parts)
    }
}

/// A list with at least one of some words.
fn some<T: Clone>(fields: &mut Fields<'_>, name: &'static str, words: &[(&str, T)]) -> Option<Vec<T>> {
    let list = fields.required(name, list_of(one_of(words)))?;
    filled(fields, name, list)
}

fn filled<T>(fields: &mut Fields<'_>, name: &'static str, list: Vec<T>) -> Option<Vec<T>> {
    // Items that were refused are reported already; an empty list is not.
    if list.is_empty() && fields.node(name).is_some_and(|node| node.value == Value::List(Vec::new())) {
        fields.error(name, "the list is empty", "name at least one");
    }
    (!list.is_empty()).then_some(list)
}
