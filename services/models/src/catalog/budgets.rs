//! What callers, agents and jobs may ask of models: a list of lines such as `key 60 requests/minute`.

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Node, Path, Read, Text, list_of};

use crate::budget::Rule;

/// Reads one line.
#[derive(Clone, Copy, Debug)]
struct ABudget;

/// The lines of a list.
pub(super) fn read(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<Rule>> {
    list_of(ABudget).read(node, path, findings)
}

impl Read for ABudget {
    type Out = Rule;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Rule> {
        let text = Text.read(node, path, findings)?;
        let rule = text.parse::<Rule>();
        if rule.is_err() {
            let fix =
                "write `key 10 requests/minute`, `agent reviewer 50000 tokens/day` or `job 0.25 usd/day`";
            findings.error(node.at, path, format!("{text:?} is no budget"), fix);
        }
        rule.ok()
    }

    fn wanted(&self) -> String {
        "a budget such as key 60 requests/minute".to_owned()
    }
}
