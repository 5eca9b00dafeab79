//! Which families a task goes to.

use std::sync::Arc;

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Fields, Key, Node, Path, Read as _, Value};

use super::choice::{self, Among, Choice};
use crate::ask::Complexity;

/// The route of whatever needs a search, also a task by this name.
pub const SEARCH: &str = "search";
/// The route of every task that has none of its own.
pub const OTHER: &str = "other";

/// The tasks that have a route of their own in the built-in file, and those of the agents that come with bsm. Requests may
/// name others.
const TASKS: [&str; 13] = [
    "code_review",
    "security_scan",
    "legal_analysis",
    "chat_response",
    "legal_research",
    "security_cve_lookup",
    SEARCH,
    OTHER,
    "architecture_review",
    "governance_review",
    "integrity_check",
    "merge_review",
    "operations",
];

/// The complexities, in the order of a route's cells.
pub(super) const COMPLEXITIES: [(&str, Complexity); 4] = [
    ("critical", Complexity::Critical),
    ("high", Complexity::High),
    ("medium", Complexity::Medium),
    ("low", Complexity::Low),
];

/// Families that could be taken, by name.
pub type Cell = Choice<Arc<str>>;

/// The route of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The task.
    pub task: Arc<str>,
    /// In the order of [`Complexity`].
    pub cells: [Cell; 4],
}

/// All routes; [`SEARCH`] and [`OTHER`] are among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(pub Vec<Route>);

// === impl Routes ===

impl Routes {
    /// The route of a task by name.
    #[must_use]
    pub fn named(&self, task: &str) -> Option<&Route> {
        self.0.iter().find(|route| &*route.task == task)
    }

    /// The route that a task takes; `search` says whether it needs one.
    #[must_use]
    pub fn of(&self, task: &str, search: bool) -> &Route {
        let wanted = if search { SEARCH } else { task };
        let found = self.named(wanted).or_else(|| self.named(OTHER));
        found.expect("the check of the catalog wants a route `other`")
    }
}

// === impl Route ===

impl Route {
    /// The families for a complexity.
    #[must_use]
    pub fn cell(&self, complexity: Complexity) -> &Cell {
        &self.cells[complexity as usize]
    }

    /// Whether all complexities go the same way.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.cells.iter().all(|cell| *cell == self.cells[0])
    }
}

/// The tasks that are known beforehand.
pub(super) fn known_tasks() -> impl Iterator<Item = &'static str> {
    TASKS.into_iter()
}

/// Whether a task is known beforehand; if not, requests must name it.
#[must_use]
pub fn is_known(task: &str) -> bool {
    TASKS.contains(&task)
}

/// The word of a complexity.
#[must_use]
pub fn word(complexity: Complexity) -> &'static str {
    COMPLEXITIES[complexity as usize].0
}

/// The route under `key`: a cell for all complexities, or one for each; those missing are as in `base`.
pub(super) fn read(
    (key, node): (&Key, &Node),
    path: &Path<'_>,
    findings: &mut Findings,
    base: Option<&Route>,
) -> Option<Route> {
    let task = key.text.as_str().into();
    let for_all =
        !matches!(&node.value, Value::Map(fields) if !fields.iter().any(|(key, _)| key.text == "among"));
    if for_all {
        let cell = cell(node, path, findings)?;
        return Some(Route { task, cells: std::array::from_fn(|_| cell.clone()) });
    }
    let mut fields = Fields::of(node, path, findings)?;
    let cells = COMPLEXITIES.map(|(name, complexity)| match base {
        Some(base) => fields.optional(name, cell).or_else(|| Some(base.cell(complexity).clone())),
        None => fields.required(name, cell),
    });
    fields.finish();
    match cells {
        [Some(critical), Some(high), Some(medium), Some(low)] => {
            Some(Route { task, cells: [critical, high, medium, low] })
        }
        _ => None,
    }
}

/// `[name, name]`, `{ among: { name: weight } }`, or `{ strategy: cheapest, among: [name, name] }`.
fn cell(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Cell> {
    let name = |name: &str| (!name.trim().is_empty()).then(|| Arc::from(name));
    if !matches!(node.value, Value::Map(_)) {
        return Some(Among(name).read(node, path, findings)?.into_choice());
    }
    let mut fields = Fields::of(node, path, findings)?;
    let cell = choice::read(&mut fields, "among", name, None);
    fields.finish();
    cell
}
