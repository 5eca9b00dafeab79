//! The schema knows the fields that the readers know: what they say of an unknown field names them all.

use bsm_runtime::{
    diagnostic::{Findings, Strictness},
    yaml,
};
use serde_json::Value;

use super::*;
use crate::{definition, governance};

/// The names of the fields at `path` of a schema, in alphabetical order.
fn fields_of(schema: &Value, path: &str) -> Vec<String> {
    let at = path
        .split('.')
        .filter(|part| !part.is_empty())
        .fold(schema, |schema, part| &schema["properties"][part]);
    let mut names: Vec<String> = at["properties"].as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}

/// The same, as the reader of `text` tells them of an unknown field.
fn told(text: &str, read: impl Fn(&yaml::Node, &mut Findings)) -> Vec<String> {
    let mut findings = Findings::new("x.yaml", text, Strictness::Strict);
    let root = yaml::read(&mut findings).unwrap();
    read(&root, &mut findings);
    let found = findings.into_vec();
    let known = found.iter().find_map(|finding| finding.fix.strip_prefix("remove it; known are "));
    let mut names: Vec<String> = known.unwrap().split(", ").map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn every_field_that_is_read_is_in_the_schema_and_no_other() {
    let registry = schema(Kind::Registry);
    let entry = &registry["properties"]["agents"]["items"];
    let read = |root: &yaml::Node, findings: &mut Findings| {
        governance::entry(root, &yaml::Path::ROOT, findings);
    };
    assert_eq!(fields_of(entry, ""), told("qqqqqqqqqqqqqqqqqqqq: 1", read));
    for part in
        ["execution", "safety", "contexts", "expose", "risk", "approval", "startup", "healthcheck", "network"]
    {
        assert_eq!(
            fields_of(entry, part),
            told(&format!("{part}: {{ qqqqqqqqqqqqqqqqqqqq: 1 }}"), read),
            "{part}"
        );
    }
    let own = schema(Kind::Definition);
    let read = |root: &yaml::Node, findings: &mut Findings| {
        definition::definition(root, findings, "2026-01-01".parse().unwrap());
    };
    assert_eq!(fields_of(&own, ""), told("qqqqqqqqqqqqqqqqqqqq: 1", read));
    for part in ["ownership", "lifecycle"] {
        assert_eq!(
            fields_of(&own, part),
            told(&format!("{part}: {{ qqqqqqqqqqqqqqqqqqqq: 1 }}"), read),
            "{part}"
        );
    }
}
