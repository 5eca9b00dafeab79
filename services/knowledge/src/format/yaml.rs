//! YAML, read as all YAML here is: with budgets for depth and aliases, duplicate keys told with both places.

use bsm_runtime::{
    diagnostic::Findings,
    yaml::{self, Node, Value},
};

use super::data::{self, Datum};
use crate::outline::{Outline, TooLong};

/// Reads the text of `findings`. None after adding what is wrong.
pub(crate) fn read(findings: &mut Findings) -> Option<Result<Outline, TooLong>> {
    let node = yaml::read(findings)?;
    (!findings.is_fatal()).then(|| data::outline(&datum(&node)))
}

/// The stack is safe: the reader bounds the depth.
fn datum(node: &Node) -> Datum {
    match &node.value {
        Value::Null => Datum::Leaf(String::new()),
        Value::Bool(value) => Datum::Leaf(value.to_string()),
        Value::Int(value) => Datum::Leaf(value.to_string()),
        Value::Float(value) => Datum::Leaf(value.to_string()),
        Value::Text(text) => Datum::Leaf(text.clone()),
        Value::List(items) => Datum::List(items.iter().map(datum).collect()),
        Value::Map(entries) => {
            Datum::Map(entries.iter().map(|(key, value)| (key.text.clone(), datum(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::diagnostic::Strictness;

    use super::*;

    fn parse(body: &str) -> Result<Outline, String> {
        let mut findings = Findings::new("a.yaml", body, Strictness::Strict);
        match read(&mut findings) {
            Some(outline) => outline.map_err(|TooLong| "too long".to_owned()),
            None => Err(findings.into_vec().remove(0).message),
        }
    }

    #[test]
    fn fields_are_read_with_their_paths() {
        let outline = parse("title: T\nrules:\n  secrets: {severity: high, since: 2024-01-01}\n").unwrap();
        assert_eq!(
            outline.text,
            "title: T\n\n## rules\n\nrules.secrets.severity: high\nrules.secrets.since: 2024-01-01\n"
        );
    }

    #[test]
    fn bombs_and_nesting_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let all = vec![format!("*a{}", n - 1); 10].join(", ");
            bomb.push_str(&format!("a{n}: &a{n} [{all}]\n"));
        }
        assert!(parse(&bomb).unwrap_err().contains("unfolds to more than"), "aliases");
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        assert!(parse(&deep).unwrap_err().contains("nested more than 32 deep"));
    }
}
