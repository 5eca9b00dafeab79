//! Every rule has examples that it must find and examples that it must leave alone; what holds for all is below.

mod behaviour;
mod calls;
mod changes;
mod lines;
mod secrets;

use std::collections::BTreeSet;
use std::fmt::Write;

use bsm_diff::Diff;

use super::{Finding, Lens, Review, review, rules};

/// Examples for one rule about lines of one file; an example is one line, or several joined by `\n`.
struct Lines {
    rule: &'static str,
    path: &'static str,
    hits: &'static [&'static str],
    misses: &'static [&'static str],
}

/// Examples for one rule about whole changes, as diffs.
struct Whole {
    rule: &'static str,
    hits: Vec<String>,
    misses: Vec<String>,
}

/// A diff that adds a file with this content.
fn adding(path: &str, text: &str) -> String {
    let lines: Vec<_> = text.split('\n').collect();
    let mut out = format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n",
        lines.len()
    );
    lines.iter().for_each(|line| writeln!(out, "+{line}").unwrap());
    out
}

/// A diff that changes a file from line 1 on: `body` is the hunk's lines with their first column.
fn changing(path: &str, body: &str) -> String {
    let count = |out: char| body.lines().filter(|line| !line.starts_with(out)).count();
    format!("--- a/{path}\n+++ b/{path}\n@@ -1,{} +1,{} @@\n{body}\n", count('+'), count('-'))
}

fn reviewed(diff: &str, lens: Lens) -> Review {
    let diff = Diff::parse(diff);
    review(&diff, lens).unwrap()
}

fn of_rule<'a>(review: &'a Review, rule: &str) -> Vec<&'a Finding> {
    let end = format!("[{rule}]");
    review.findings.iter().filter(|finding| finding.message.ends_with(&end)).collect()
}

fn lines() -> impl Iterator<Item = &'static Lines> {
    [calls::CASES, lines::CASES, secrets::CASES].into_iter().flatten()
}

/// Whether a rule speaks where it should, as a list of complaints.
fn complaint(rule: &str, diff: &str, expected: bool) -> Option<String> {
    let found = of_rule(&reviewed(diff, Lens::Everything), rule).first().map(|finding| finding.line);
    (found.is_some() != expected).then(|| format!("{rule}: found {found:?} in\n{diff}"))
}

#[test]
fn every_rule_about_lines_finds_its_examples_and_leaves_the_others_alone() {
    let check = |case: &Lines, text: &str, expected| {
        complaint(case.rule, &adding(case.path, &secrets::real(text)), expected)
    };
    let hits = lines().flat_map(|case| case.hits.iter().filter_map(move |text| check(case, text, true)));
    let misses = lines().flat_map(|case| case.misses.iter().filter_map(move |text| check(case, text, false)));
    let complaints: Vec<_> = hits.chain(misses).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_rule_about_changes_finds_its_examples_and_leaves_the_others_alone() {
    let cases = changes::cases();
    let hits =
        cases.iter().flat_map(|case| case.hits.iter().filter_map(|diff| complaint(case.rule, diff, true)));
    let misses =
        cases.iter().flat_map(|case| case.misses.iter().filter_map(|diff| complaint(case.rule, diff, false)));
    let complaints: Vec<_> = hits.chain(misses).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_finding_names_the_file_and_the_line() {
    for case in lines() {
        for text in case.hits.iter().filter(|text| !text.contains('\n')) {
            let diff = format!(
                "{}\n@@ -9,0 +40,1 @@\n+{}\n",
                adding(case.path, "x").trim_end(),
                secrets::real(text)
            );
            let review = reviewed(&diff, Lens::Everything);
            let found = of_rule(&review, case.rule);
            let places: Vec<_> = found.iter().map(|finding| (finding.file.as_str(), finding.line)).collect();
            assert_eq!(places, [(case.path, Some(40))], "{}", case.rule);
        }
    }
}

#[test]
fn every_rule_has_an_example_of_both_kinds() {
    let whole = changes::cases();
    let hits = lines().filter(|case| !case.hits.is_empty()).map(|case| case.rule);
    let hits: BTreeSet<_> =
        hits.chain(whole.iter().filter(|case| !case.hits.is_empty()).map(|c| c.rule)).collect();
    let misses = lines().filter(|case| !case.misses.is_empty()).map(|case| case.rule);
    let misses: BTreeSet<_> =
        misses.chain(whole.iter().filter(|case| !case.misses.is_empty()).map(|c| c.rule)).collect();
    let all: BTreeSet<_> = rules().iter().map(|rule| rule.id).collect();
    assert_eq!(all.difference(&hits).collect::<Vec<_>>(), Vec::<&&str>::new(), "no example to find");
    assert_eq!(all.difference(&misses).collect::<Vec<_>>(), Vec::<&&str>::new(), "no example to leave alone");
    assert_eq!(all.len(), rules().len(), "ids are unique");
}

#[test]
fn the_published_list_is_fit_to_be_read() {
    for rule in rules() {
        assert!(rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.id);
        assert!(!rule.lenses.is_empty(), "{} speaks nowhere", rule.id);
        assert!(rule.must_fix.iter().all(|lens| rule.lenses.contains(lens)), "{}", rule.id);
        assert!(!rule.what.ends_with('.') && !rule.what.is_empty(), "{}", rule.id);
        assert!(rule.suggestion.ends_with('.'), "{}", rule.id);
    }
}
