//! A review as people read it, in plain text.

use std::fmt::Write;

use super::{Finding, Review};

/// The summary, then the findings, the gravest first.
#[must_use]
pub fn readable(review: &Review) -> String {
    let mut out = format!("{} (decision: {}, score {}/10)", review.summary, review.decision, review.score);
    let mut findings: Vec<_> = review.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in findings {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n- {}{}: {}", finding.severity, place(finding), finding.message);
        if !finding.suggestion.is_empty() {
            let _ = write!(out, " Suggestion: {}", finding.suggestion);
        }
    }
    out
}

fn place(finding: &Finding) -> String {
    match finding.place() {
        place if place.is_empty() => String::new(),
        place => format!(" in {place}"),
    }
}

// === impl Finding ===

impl Finding {
    /// `config/prod.env line 3`, `config/prod.env`, or nothing.
    #[must_use]
    pub fn place(&self) -> String {
        match (self.file.as_str(), self.line) {
            ("", _) => String::new(),
            (file, None) => file.to_owned(),
            (file, Some(line)) => format!("{file} line {line}"),
        }
    }
}
