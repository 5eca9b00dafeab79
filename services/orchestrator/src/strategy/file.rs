//! `events.yaml` → strategies, reporting every mistake at once.

use bsm_runtime::{
    diagnostic::Findings,
    yaml::{self, Fields, Node, Path, Read, Text, Value, one_of, whole},
};

use super::{
    AgentId, AgentList, DEFAULT, Execution, KnownAgents, OnFailure, StepRules, Strategies, Strategy,
    agents::distinct, is_event_name,
};
use crate::version;

/// Where agents may be used.
const CONTEXTS: [(&str, &str); 7] = [
    ("chat", "chat"),
    ("api", "api"),
    ("github", "github"),
    ("ci", "ci"),
    ("system", "system"),
    ("security", "security"),
    ("mobile", "mobile"),
];
const EXECUTIONS: [(&str, Execution); 2] =
    [("parallel", Execution::Parallel), ("sequential", Execution::Sequential)];
const ON_FAILURE: [(&str, OnFailure); 2] = [("stop", OnFailure::Stop), ("continue", OnFailure::Continue)];

/// Seconds that a job may take when the file does not say.
const DEADLINE: u32 = 600;
const MOST_DEADLINE: i64 = 86_400;
const MOST_TIMEOUT: i64 = 3_600;
const MOST_ATTEMPTS: i64 = 10;

impl Strategies {
    /// Reads the events file that `findings` was made with, and holds its agents against those that there are.
    ///
    /// `None` when anything in it is an error; all of them are in `findings` then.
    pub fn read(findings: &mut Findings, agents: Option<&KnownAgents>) -> Option<Self> {
        let version = version::of(findings.text());
        let root = yaml::read(findings)?;
        let mut fields = Fields::of(&root, &Path::ROOT, findings)?;
        fields.required("version", whole(1..=1));
        let all = fields.required("strategies", All { agents });
        fields.finish();
        let all = all.filter(|_| !findings.is_fatal())?;
        let default = all.iter().find(|strategy| strategy.event == DEFAULT)?.clone();
        Some(Self { all, default, version })
    }
}

/// Reads the map of strategies.
struct All<'a> {
    agents: Option<&'a KnownAgents>,
}

/// Reads one strategy.
struct One<'a> {
    event: &'a str,
    agents: Option<&'a KnownAgents>,
}

/// Reads the agents without which nothing is approved: a part of all that take part.
struct Required<'a> {
    among: &'a [String],
}

// === impl All ===

impl Read for All<'_> {
    type Out = Vec<Strategy>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<Strategy>> {
        let Value::Map(entries) = &node.value else {
            let message = format!("{} stands where a map is needed", node.value);
            findings.error(node.at, path, message, "write each strategy as `event.name: {…}`");
            return None;
        };
        if !entries.iter().any(|(key, _)| key.text == DEFAULT) {
            let fix = "add `default: {…}`, which answers every event that no other strategy names";
            findings.error(node.at, path, "there is no strategy `default`", fix);
        }
        let mut all = Vec::new();
        for (key, value) in entries {
            let path = path.field(&key.text);
            if !is_event_name(&key.text) {
                let message = format!("{:?} cannot name an event", key.text);
                findings.error(
                    key.at,
                    path,
                    message,
                    "use 1 to 100 characters of a-z, 0-9, '_', '-' and '.'",
                );
            }
            all.extend(One { event: &key.text, agents: self.agents }.read(value, &path, findings));
        }
        Some(all)
    }

    fn wanted(&self) -> String {
        "a map of strategies, `default` among them".to_owned()
    }
}

// === impl One ===

impl Read for One<'_> {
    type Out = Strategy;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Strategy> {
        let mut fields = Fields::of(node, path, findings)?;
        let description = fields.optional("description", Text).unwrap_or_default();
        let context = fields.required("context", one_of(&CONTEXTS));
        let execution = fields.required("execution", one_of(&EXECUTIONS));
        let agents = fields.required("agents", AgentList(AgentId { agents: self.agents, context }));
        let among = agents.as_deref().unwrap_or_default();
        // Whoever is not known cannot be missed: a faulty `agents` is not reported a second time.
        let required = fields.node("required").filter(|node| node.value != Value::Null && agents.is_some());
        let required = required.and_then(|_| fields.optional("required", Required { among }));
        if required.as_ref().is_some_and(Vec::is_empty) {
            let message = "no agent is required, so nothing that this strategy looks at can ever be approved";
            fields.warning("required", message, "leave `required` out to require all agents, or name some");
        }
        let deadline = fields.optional("deadline_seconds", whole(1..=MOST_DEADLINE));
        let step = fields.optional("step", step).unwrap_or_default();
        fields.finish();
        Some(Strategy {
            event: self.event.to_owned(),
            description,
            context: context?.to_owned(),
            execution: execution?,
            required: required.unwrap_or_else(|| among.to_vec()),
            agents: agents?,
            deadline_seconds: deadline.map_or(DEADLINE, small),
            step,
        })
    }

    fn wanted(&self) -> String {
        "a strategy".to_owned()
    }
}

fn step(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<StepRules> {
    let mut fields = Fields::of(node, path, findings)?;
    let timeout = fields.optional("timeout_seconds", whole(1..=MOST_TIMEOUT));
    let attempts = fields.optional("max_attempts", whole(1..=MOST_ATTEMPTS));
    let on_failure = fields.optional("on_failure", one_of(&ON_FAILURE));
    fields.finish();
    let usual = StepRules::default();
    Some(StepRules {
        timeout_seconds: timeout.map_or(usual.timeout_seconds, small),
        max_attempts: attempts.map_or(usual.max_attempts, small),
        on_failure: on_failure.unwrap_or(usual.on_failure),
    })
}

/// A number that its range has made small.
fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

// === impl Required ===

impl Read for Required<'_> {
    type Out = Vec<String>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<String>> {
        distinct(node, path, findings, |node, path, findings| {
            let id = Text.read(node, path, findings)?;
            if !self.among.contains(&id) {
                let message = format!("{id:?} is required but not among the agents");
                findings.error(node.at, path, message, format!("use some of {}", self.among.join(", ")));
            }
            Some(id)
        })
    }

    fn wanted(&self) -> String {
        "a list of some of the agents".to_owned()
    }
}
