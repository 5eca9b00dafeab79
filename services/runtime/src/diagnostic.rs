//! What is wrong in a data file, where, and what would be right.
//!
//! Files that people write are never refused at the first mistake: a [`Findings`] collects all of them, so that
//! one run of `bsm validate` is enough to mend a file.

use std::{
    fmt::{self, Write as _},
    path::Path,
};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

mod source;
#[cfg(test)]
mod tests;

use source::Source;

/// One finding about a file.
///
/// Displayed as `file:line:column: error: field: message`, the offending line with a caret, and the fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file as the user named it, e.g. `agents/registry.yaml`.
    pub file: String,
    /// From 1; 0 when the finding is about the file as a whole.
    pub line: u32,
    /// In characters, from 1; 0 when the finding is about the file as a whole.
    pub column: u32,
    /// Whether the file can be used in spite of this.
    pub severity: Severity,
    /// The path of the field, e.g. `agents[3].risk.level`; empty for a finding about the file.
    pub field: String,
    /// What is wrong, with the offending text.
    pub message: String,
    /// What would be right; empty if there is nothing to add.
    pub fix: String,
    /// The offending line and a caret below it, if the text is known.
    pub snippet: Option<String>,
}

/// Whether a file with this finding can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is used; someone should look at it.
    Warning,
}

/// What unknown fields are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// Errors. What a typing mistake deserves, and the default.
    #[default]
    Strict,
    /// Warnings, because files of older systems carry some.
    Lenient,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct At {
    /// From 1; 0 for the file as a whole.
    pub line: u32,
    /// In characters, from 1; 0 for the file as a whole.
    pub column: u32,
}

/// The findings about one file, gathered while it is read.
#[derive(Debug)]
pub struct Findings {
    file: String,
    source: Source,
    strictness: Strictness,
    found: Vec<Diagnostic>,
    /// Lines that are not shown, because a secret stands in them.
    concealed: Vec<u32>,
    left_out: usize,
    fatal: bool,
}

/// How many findings are kept for one file; the rest is only counted, so that a hostile file cannot fill the memory.
pub const MOST_FINDINGS: usize = 1000;

// === impl At ===

impl At {
    /// The file as a whole.
    pub const FILE: At = At { line: 0, column: 0 };
}

// === impl Findings ===

impl Findings {
    /// Starts with the text of a file that is called `file` in the diagnostics.
    pub fn new(file: impl Into<String>, text: impl Into<String>, strictness: Strictness) -> Self {
        let source = Source::new(text.into());
        Self {
            file: file.into(),
            source,
            strictness,
            found: Vec::new(),
            concealed: Vec::new(),
            left_out: 0,
            fatal: false,
        }
    }

    /// Reads the file at `path`, blocking. A file that is missing, unreadable, too large or not UTF-8 is the first
    /// finding, and the text is empty.
    pub fn of_file(path: &Path, strictness: Strictness) -> Self {
        let file = path.display().to_string();
        match source::read(path) {
            Ok(text) => Self::new(file, text, strictness),
            Err(unreadable) => {
                let mut findings = Self::new(file, "", strictness);
                findings.error(At::FILE, "", unreadable.message, unreadable.fix);
                findings
            }
        }
    }

    /// What the file is called in the diagnostics.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The whole text of the file.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// The first character that is not blank in `line`: where to point when only the line is known.
    pub fn start_of_line(&self, line: u32) -> At {
        let indent = self.source.line(line).chars().take_while(|c| c.is_whitespace()).count();
        At { line, column: u32::try_from(indent).unwrap_or(u32::MAX).saturating_add(1) }
    }

    /// Adds a finding that makes the file unusable.
    pub fn error(
        &mut self,
        at: At,
        field: impl fmt::Display,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.fatal = true;
        self.add(Severity::Error, at, &field, message.into(), fix.into());
    }

    /// Adds a finding that someone should look at.
    pub fn warning(
        &mut self,
        at: At,
        field: impl fmt::Display,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(Severity::Warning, at, &field, message.into(), fix.into());
    }

    /// Adds a finding about something unexpected, such as an unknown field: an error when strict, else a warning.
    pub fn unexpected(&mut self, at: At, field: impl fmt::Display, message: String, fix: impl Into<String>) {
        match self.strictness {
            Strictness::Strict => self.error(at, field, message, fix),
            Strictness::Lenient => self.warning(at, field, message, fix),
        }
    }

    /// Keeps the line of this place out of every finding, those before it included: it may hold a secret.
    pub fn conceal(&mut self, at: At) {
        self.concealed.push(at.line);
    }

    /// Whether there was any error.
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// The findings in the order of the file.
    pub fn into_vec(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|finding| (finding.line, finding.column));
        for finding in self.found.iter_mut().filter(|finding| self.concealed.contains(&finding.line)) {
            finding.snippet = None;
        }
        if self.left_out > 0 {
            let message = format!("{} more findings in this file are not listed", self.left_out);
            let severity = if self.fatal { Severity::Error } else { Severity::Warning };
            self.found.push(self.diagnostic(severity, At::FILE, String::new(), message, String::new()));
        }
        self.found
    }

    fn add(&mut self, severity: Severity, at: At, field: &dyn fmt::Display, message: String, fix: String) {
        if self.found.len() >= MOST_FINDINGS {
            self.left_out += 1;
            return;
        }
        let finding = self.diagnostic(severity, at, field.to_string(), message, fix);
        self.found.push(finding);
    }

    fn diagnostic(
        &self,
        severity: Severity,
        at: At,
        field: String,
        message: String,
        fix: String,
    ) -> Diagnostic {
        let At { line, column } = at;
        let snippet = self.source.snippet(at);
        Diagnostic { file: self.file.clone(), line, column, severity, field, message, fix, snippet }
    }
}

// === impl Diagnostic ===

impl Diagnostic {
    /// The diagnostic as text of several lines, each ended, with ANSI colours if `colour` asks for them.
    pub fn render(&self, colour: Colour) -> String {
        let palette = Palette::new(colour, self.severity);
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text, &palette);
        text
    }

    fn write(&self, out: &mut String, palette: &Palette) -> fmt::Result {
        let Palette { place, severity, caret } = palette;
        write!(out, "{place}{}", self.file)?;
        if self.line > 0 {
            write!(out, ":{}:{}", self.line, self.column)?;
        }
        write!(out, ":{place:#} {severity}{}:{severity:#} ", self.severity)?;
        if !self.field.is_empty() {
            write!(out, "{}: ", self.field)?;
        }
        writeln!(out, "{}", self.message)?;
        if let Some(snippet) = &self.snippet {
            writeln!(out, "{caret}{snippet}{caret:#}")?;
        }
        if !self.fix.is_empty() {
            writeln!(out, "  fix: {}", self.fix)?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(Colour::Plain).trim_end())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// Whether rendered text carries ANSI colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Nothing but the text.
    Plain,
    /// For a terminal.
    Ansi,
}

struct Palette {
    place: Style,
    severity: Style,
    caret: Style,
}

impl Palette {
    fn new(colour: Colour, severity: Severity) -> Self {
        let plain = Style::new();
        let severe = match severity {
            Severity::Error => AnsiColor::Red.on_default().bold(),
            Severity::Warning => AnsiColor::Yellow.on_default().bold(),
        };
        match colour {
            Colour::Plain => Self { place: plain, severity: plain, caret: plain },
            Colour::Ansi => Self { place: plain.bold(), severity: severe, caret: plain.dimmed() },
        }
    }
}
