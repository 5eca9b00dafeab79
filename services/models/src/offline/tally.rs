//! What was found, put in order and kept short: a thousand hits of one rule in one file are one thought.

use std::collections::BTreeMap;

use super::change::Hit;
use super::review::Finding;
use super::rule::{Rule, Severity};

/// Findings of one rule in one file that are listed one by one.
const PER_RULE_AND_FILE: usize = 3;
/// Findings in all that are listed; the worst come first.
const IN_ALL: usize = 100;

/// A finding and the rule behind it.
#[derive(Debug)]
struct Entry {
    rule: &'static Rule,
    severity: Severity,
    /// The first of its rule, file and severity.
    first: bool,
    hit: Hit,
}

/// Collects hits.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    entries: Vec<Entry>,
    /// Hits per rule, file and severity; only the first few are entries.
    counts: BTreeMap<(&'static str, usize, Severity), usize>,
}

// === impl Tally ===

impl Tally {
    /// Adds a hit of `rule`.
    pub(crate) fn add(&mut self, rule: &'static Rule, hit: Hit) {
        let severity = hit.severity.unwrap_or(rule.severity);
        let count = self.counts.entry((rule.id, hit.order, severity)).or_default();
        *count += 1;
        if *count <= PER_RULE_AND_FILE {
            self.entries.push(Entry { rule, severity, first: *count == 1, hit });
        }
    }

    /// What counts: each rule once per file, however often it hit there.
    pub(crate) fn weighed(&self) -> impl Iterator<Item = (&'static Rule, Severity)> {
        let first = self.entries.iter().filter(|entry| entry.first);
        first.map(|entry| (entry.rule, entry.severity))
    }

    /// Number of hits with this severity, listed or not.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.counts.iter().filter(|((_, _, of), _)| *of == severity).map(|(_, count)| count).sum()
    }

    /// The findings, worst first, then by file, line and rule.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        self.entries.sort_by_key(Entry::key);
        let mut listed = BTreeMap::new();
        let counts = &self.counts;
        let finding = |entry: &Entry| {
            let key = (entry.rule.id, entry.hit.order, entry.severity);
            let this: &mut usize = listed.entry(key).or_default();
            *this += 1;
            let more = if *this == PER_RULE_AND_FILE { counts[&key] - PER_RULE_AND_FILE } else { 0 };
            entry.finding(more)
        };
        self.entries.iter().take(IN_ALL).map(finding).collect()
    }
}

// === impl Entry ===

impl Entry {
    fn key(&self) -> impl Ord + use<> {
        (std::cmp::Reverse(self.severity), self.hit.order, self.hit.line, self.rule.id)
    }

    fn finding(&self, more: usize) -> Finding {
        let Rule { id, what, suggestion, .. } = self.rule;
        let detail =
            if self.hit.detail.is_empty() { String::new() } else { format!(": {}", self.hit.detail) };
        let more = if more > 0 { format!(" ({more} more like this here)") } else { String::new() };
        Finding {
            severity: self.severity,
            file: self.hit.file.clone(),
            line: self.hit.line,
            message: format!("{what}{detail}{more}. [{id}]"),
            suggestion: (*suggestion).to_owned(),
        }
    }
}
