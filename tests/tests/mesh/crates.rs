//! Dependencies between the crates point one way.

use std::process::Command;

use serde_json::Value;

/// Which crates of the workspace each crate may depend on. What is not named here is not allowed.
const ALLOWED: &[(&str, &[&str])] = &[
    ("bsm-proto", &[]),
    ("bsm-stack", &[]),
    ("bsm-diff", &[]),
    ("bsm-recall", &[]),
    ("bsm-runtime", &["bsm-proto", "bsm-stack"]),
    ("bsm-registry", BELOW),
    ("bsm-knowledge", BELOW),
    ("bsm-memory", BELOW),
    ("bsm-models", BELOW),
    ("bsm-orchestrator", BELOW),
    ("bsm-gateway", BELOW),
    ("bsm-testkit", BELOW),
    ("bsm", ABOVE),
    ("bsm-tests", ABOVE),
];

const BELOW: &[&str] = &["bsm-proto", "bsm-stack", "bsm-diff", "bsm-runtime"];

const ABOVE: &[&str] = &[
    "bsm-proto",
    "bsm-stack",
    "bsm-diff",
    "bsm-runtime",
    "bsm-registry",
    "bsm-knowledge",
    "bsm-memory",
    "bsm-models",
    "bsm-orchestrator",
    "bsm-gateway",
    "bsm-testkit",
];

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn no_crate_depends_against_the_rule() {
    let metadata = metadata();
    let mut against = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            panic!("{name} is new: give it a row in this table");
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            // The test kit serves everybody's tests, and nothing but tests.
            let for_tests = on == "bsm-testkit" && dependency["kind"] == "dev";
            if (on == "bsm" || on.starts_with("bsm-")) && !allowed.contains(&on) && !for_tests {
                against.push(format!("{name} -> {on}"));
            }
        }
    }
    assert!(against.is_empty(), "dependencies against the rule: {against:?}");
}

#[test]
fn the_table_names_every_crate_and_no_other() {
    let mut found = names(&metadata()["packages"]);
    let mut named: Vec<_> = ALLOWED.iter().map(|(name, _)| name.to_string()).collect();
    found.sort_unstable();
    named.sort_unstable();
    assert_eq!(found, named);
}

#[test]
fn the_product_never_holds_the_test_kit() {
    for package in metadata()["packages"].as_array().unwrap().iter().filter(|p| p["name"] != "bsm-tests") {
        for dependency in package["dependencies"].as_array().unwrap() {
            let outside_tests = dependency["name"] == "bsm-testkit" && dependency["kind"] != "dev";
            assert!(!outside_tests, "{} uses the test kit outside of tests", package["name"]);
        }
    }
}
