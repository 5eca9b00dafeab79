//! What callers, agents and jobs may ask of models: a list of lines such as `key 60 requests/minute`.

use bsm_runtime::diagnostic::{At, Findings};
use bsm_runtime::yaml::{Node, Path, Read, Text, list_of};

use crate::budget::{Rule, said_twice};

/// Reads one line.
#[derive(Clone, Copy, Debug)]
struct ABudget;

/// The lines of a list. Two of the same subject, unit and window are a mistake.
pub(super) fn read(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<Rule>> {
    let placed = list_of(ABudget).read(node, path, findings)?;
    let (rules, places): (Vec<Rule>, Vec<Place>) = placed.into_iter().unzip();
    if let Some((first, second)) = said_twice(&rules) {
        let At { line, column } = places[first].at;
        let message = format!(
            "{} is of the same as {}, at line {line}, column {column}: subject, unit and window",
            rules[second], rules[first]
        );
        findings.error(places[second].at, &places[second].path, message, "keep one of the two");
    }
    Some(rules)
}

/// Where a line stands.
struct Place {
    at: At,
    path: String,
}

impl Read for ABudget {
    type Out = (Rule, Place);

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<(Rule, Place)> {
        let text = Text.read(node, path, findings)?;
        let rule = text.parse::<Rule>();
        if rule.is_err() {
            let fix =
                "write `key 10 requests/minute`, `agent reviewer 50000 tokens/day` or `job 0.25 usd/day`";
            findings.error(node.at, path, format!("{text:?} is no budget"), fix);
        }
        Some((rule.ok()?, Place { at: node.at, path: path.to_string() }))
    }

    fn wanted(&self) -> String {
        "a budget such as key 60 requests/minute".to_owned()
    }
}
