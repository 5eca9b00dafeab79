//! Which agents there are and where they may be used: what other files are held against.

use std::collections::BTreeMap;

use bsm_runtime::{
    diagnostic::{Findings, Strictness},
    yaml::{self, Filled, Node, Path, Read, Value, list_of, one_of},
};

/// The agents of `registry.yaml` with the contexts it allows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAgents(BTreeMap<String, Vec<String>>);

/// Reads the id of an agent; refuses one that is not registered, or not allowed in `context`.
pub(crate) struct AgentId<'a> {
    /// The agents there are; `None` to take any id.
    pub(crate) agents: Option<&'a KnownAgents>,
    /// Where the agent is to be used; `None` when that does not matter.
    pub(crate) context: Option<&'a str>,
}

/// Reads a list of agents: each once, and at least one.
pub(crate) struct AgentList<'a>(pub(crate) AgentId<'a>);

// === impl KnownAgents ===

impl KnownAgents {
    /// Reads ids and contexts from the registry file that `findings` was made with.
    ///
    /// `None`, with the finding, when the file cannot be read as YAML. What else may be wrong with it is the
    /// registry's to say: entries that it would refuse are passed over here.
    pub fn read(findings: &mut Findings) -> Option<Self> {
        let root = yaml::read(findings)?;
        let entries = root.get("agents").map_or(&[][..], items);
        Some(Self(entries.iter().filter_map(entry).collect()))
    }

    /// Whether the registry has an entry for this id.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Whether the registry allows an agent in a context.
    #[must_use]
    pub fn allows(&self, id: &str, context: &str) -> bool {
        self.0.get(id).is_some_and(|contexts| contexts.iter().any(|allowed| allowed == context))
    }

    /// What to write instead of an id that is not registered: the one most likely meant comes first.
    fn instead(&self, node: &Node, path: &Path<'_>) -> String {
        let ids: Vec<_> = self.0.keys().map(|id| (id.as_str(), ())).collect();
        // The reader of words knows which of them is the closest.
        let mut refused = Findings::new("", "", Strictness::Strict);
        one_of(&ids).read(node, path, &mut refused);
        let fix = refused.into_vec().pop().map(|found| found.fix).unwrap_or_default();
        format!("{fix}, or register it")
    }

    fn contexts(&self, id: &str) -> String {
        self.0.get(id).map(|contexts| contexts.join(", ")).unwrap_or_default()
    }
}

impl FromIterator<(String, Vec<String>)> for KnownAgents {
    fn from_iter<I: IntoIterator<Item = (String, Vec<String>)>>(agents: I) -> Self {
        Self(agents.into_iter().collect())
    }
}

fn entry(node: &Node) -> Option<(String, Vec<String>)> {
    let id = text(node.get("id")?)?;
    let allowed = node.get("contexts").and_then(|contexts| contexts.get("allowed")).map_or(&[][..], items);
    Some((id, allowed.iter().filter_map(text).collect()))
}

fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}

fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

// === impl AgentId ===

impl Read for AgentId<'_> {
    type Out = String;

    /// An unknown agent is reported and taken all the same, so that nothing follows from it elsewhere.
    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<String> {
        let id = Filled.read(node, path, findings)?;
        let Some(agents) = self.agents else { return Some(id) };
        if !agents.contains(&id) {
            let message = format!("agent {id:?} is not in registry.yaml");
            findings.error(node.at, path, message, agents.instead(node, path));
        } else if let Some(context) = self.context.filter(|context| !agents.allows(&id, context)) {
            let message = format!("agent {id:?} is not allowed in the context {context}");
            let fix = format!(
                "registry.yaml allows it {}; add {context} there, or use another agent",
                agents.contexts(&id)
            );
            findings.error(node.at, path, message, fix);
        }
        Some(id)
    }

    fn wanted(&self) -> String {
        "the id of an agent".to_owned()
    }
}

// === impl AgentList ===

impl Read for AgentList<'_> {
    type Out = Vec<String>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<String>> {
        if node.value == Value::List(Vec::new()) {
            findings.error(node.at, path, "there are no agents", "name at least one");
            return None;
        }
        distinct(node, path, findings, |node, path, findings| self.0.read(node, path, findings))
    }

    fn wanted(&self) -> String {
        "a list of agents".to_owned()
    }
}

/// Reads a list of ids with a reader for one, and reports those that come twice.
pub(super) fn distinct(
    node: &Node,
    path: &Path<'_>,
    findings: &mut Findings,
    one: impl Fn(&Node, &Path<'_>, &mut Findings) -> Option<String>,
) -> Option<Vec<String>> {
    let placed = |node: &Node, path: &Path<'_>, findings: &mut Findings| {
        one(node, path, findings).map(|id| (id, node.at, path.to_string()))
    };
    let mut ids: Vec<String> = Vec::new();
    for (id, at, path) in list_of(placed).read(node, path, findings)? {
        if ids.contains(&id) {
            findings.error(at, path, format!("agent {id:?} is given twice"), "name each agent once");
        } else {
            ids.push(id);
        }
    }
    Some(ids)
}
