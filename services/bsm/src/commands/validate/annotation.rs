//! Findings as GitHub workflows read them from a step's output, to show them at their lines of a change.

use std::fmt::Write as _;

use bsm_runtime::diagnostic::{Diagnostic, Severity};

/// One command a finding, each on a line.
pub(super) fn all(found: &[Diagnostic]) -> String {
    found.iter().map(|finding| one(finding) + "\n").collect()
}

fn one(finding: &Diagnostic) -> String {
    let Diagnostic { file, line, column, severity, field, message, fix, .. } = finding;
    let kind = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    // GitHub looks for the path from the root of the repository.
    let file = file.strip_prefix("./").unwrap_or(file);
    let mut command = format!("::{kind} file={}", property(file));
    // Writing to a String cannot fail.
    if *line > 0 {
        let _ = write!(command, ",line={line},col={column}");
    }
    if !field.is_empty() {
        let _ = write!(command, ",title={}", property(field));
    }
    let fix = if fix.is_empty() { String::new() } else { format!("\nfix: {fix}") };
    let _ = write!(command, "::{}", data(&format!("{message}{fix}")));
    command
}

/// A command is a line, and `%` escapes.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Properties end at `,` and `:`, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_command_whatever_is_in_it() {
        let mut finding = Diagnostic {
            file: "./agents/a,b.yaml".into(),
            line: 3,
            column: 5,
            severity: Severity::Error,
            field: "agents[0].id".into(),
            message: "100% wrong\n::stop-commands::x".into(),
            fix: "write a: b".into(),
            snippet: None,
        };
        assert_eq!(
            one(&finding),
            "::error file=agents/a%2Cb.yaml,line=3,col=5,title=agents[0].id::100%25 wrong%0A::stop-commands::x%0Afix: write a: b"
        );
        finding = Diagnostic {
            line: 0,
            column: 0,
            field: String::new(),
            fix: String::new(),
            severity: Severity::Warning,
            ..finding
        };
        assert_eq!(one(&finding), "::warning file=agents/a%2Cb.yaml::100%25 wrong%0A::stop-commands::x");
    }
}
