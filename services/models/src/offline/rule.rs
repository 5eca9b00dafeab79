//! What a rule is: whom it concerns, how bad it is, what it says, and how it looks.

use serde::{Deserialize, Serialize};

use super::change::{Change, Hit};
use super::language::Language;
use super::lens::Lens;
use super::place::Place;

/// One entry of the published rule list.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Stable name, kebab-case; shown in brackets behind every message.
    pub id: &'static str,
    /// What it is about.
    pub family: Family,
    /// How bad a hit is where it is worst; tests and documents may lower it.
    pub severity: Severity,
    /// The lenses in which it speaks.
    pub lenses: &'static [Lens],
    /// The lenses in which a medium hit already asks for changes (high and critical always do).
    pub must_fix: &'static [Lens],
    /// What was found, a sentence without its full stop.
    pub what: &'static str,
    /// What to do about it, a sentence.
    pub suggestion: &'static str,
    /// How it looks for hits.
    pub(crate) check: Check,
}

impl Rule {
    /// Whether it takes a word's name for a sign of a secret, rather than knowing the shape of a key.
    pub(crate) fn is_guess_at_secret(&self) -> bool {
        self.family == Family::Secrets && self.severity < Severity::Critical
    }
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Credentials and private keys.
    Secrets,
    /// Calls that are dangerous in their language.
    DangerousCalls,
    /// Manifests and lock files.
    Dependencies,
    /// CI workflows.
    Pipelines,
    /// Images, clusters, clouds.
    Infrastructure,
    /// How much changes at once.
    Size,
    /// Tests that are missing, removed or skipped.
    Tests,
    /// What should have been cleaned up.
    Leftovers,
    /// Licences and their headers.
    Licences,
    /// Data that is dropped.
    Data,
    /// Text that is not what it seems.
    Deception,
    /// Files that are not ordinary text.
    Files,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth tidying.
    Low,
    /// Worth a discussion; some must be fixed.
    Medium,
    /// Must be fixed before merging.
    High,
    /// Must never be merged.
    Critical,
}

/// How a rule looks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Check {
    /// At each added line.
    Line(LineCheck),
    /// At the change as a whole.
    Change(fn(&Change<'_>) -> Vec<Hit>),
}

/// A pattern for added lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineCheck {
    /// Regular expression over bytes; group 1, if there is one, is what the hit is about.
    pub(crate) pattern: &'static str,
    /// Where it applies.
    pub(crate) scope: Scope,
    /// What of the line it sees.
    pub(crate) sees: Sees,
    /// What it does in tests.
    pub(crate) in_tests: There,
    /// What it does in documents.
    pub(crate) in_docs: There,
    /// A line that matches this too is no hit; empty for none.
    pub(crate) unless: &'static str,
    /// The last word on a match, for what a pattern cannot say.
    pub(crate) keep: fn(&Match<'_>) -> bool,
    /// What of the match the message shows.
    pub(crate) shows: Shows,
}

/// The files in which a pattern applies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    /// All, generated and lock files too.
    Anywhere,
    /// Handwritten files of these languages.
    Languages(&'static [Language]),
    /// Handwritten files that the function accepts.
    Places(fn(&Place<'_>) -> bool),
}

/// How much of a line a pattern sees; the rest is blanked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sees {
    /// The whole line.
    All,
    /// No comments.
    Uncommented,
    /// No comments and no contents of strings.
    Code,
}

/// What a rule does in a special kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum There {
    /// The same as elsewhere.
    Same,
    /// Reports with this severity.
    As(Severity),
    /// Says nothing.
    Quiet,
}

/// What a message may repeat of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    /// Nothing.
    Nothing,
    /// Group 1, which is known to be harmless: the name of an action, an image.
    Name,
    /// The first four characters of group 1 or of the match, if it is long enough to hide the rest.
    Masked,
}

/// A match to be judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Match<'a> {
    /// Group 1, or the whole match.
    pub(crate) value: &'a str,
    /// The line.
    pub(crate) line: &'a str,
    /// The file.
    pub(crate) place: &'a Place<'a>,
}

// === impl Severity ===

impl Severity {
    /// All, from the least to the worst.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its name, as in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

// === impl Check ===

/// Each is low in tests and quiet in documents; `Check::Line(LineCheck { .. })` around one changes that.
impl Check {
    /// A pattern for code in these languages: no comments, no strings.
    pub(crate) const fn code(languages: &'static [Language], pattern: &'static str) -> Self {
        Self::Line(LineCheck::new(Scope::Languages(languages), Sees::Code, pattern))
    }

    /// The same, for a pattern that needs the contents of strings.
    pub(crate) const fn strings(languages: &'static [Language], pattern: &'static str) -> Self {
        Self::Line(LineCheck::new(Scope::Languages(languages), Sees::Uncommented, pattern))
    }

    /// A pattern for the uncommented lines of certain files.
    pub(crate) const fn places(places: fn(&Place<'_>) -> bool, pattern: &'static str) -> Self {
        Self::Line(LineCheck::new(Scope::Places(places), Sees::Uncommented, pattern))
    }

    /// The same check, but a line that matches `unless` too is no hit.
    pub(crate) const fn unless(self, unless: &'static str) -> Self {
        match self {
            Self::Line(check) => Self::Line(LineCheck { unless, ..check }),
            Self::Change(_) => self,
        }
    }
}

// === impl LineCheck ===

impl LineCheck {
    /// A check that is low in tests and quiet in documents.
    pub(crate) const fn new(scope: Scope, sees: Sees, pattern: &'static str) -> Self {
        Self {
            pattern,
            scope,
            sees,
            in_tests: There::As(Severity::Low),
            in_docs: There::Quiet,
            unless: "",
            keep: |_| true,
            shows: Shows::Nothing,
        }
    }

    /// True when the rule applies to files like this.
    pub(crate) fn applies(&self, place: &Place<'_>) -> bool {
        match self.scope {
            Scope::Anywhere => true,
            Scope::Languages(languages) => !place.machine_made() && languages.contains(&place.language),
            Scope::Places(accepts) => !place.machine_made() && accepts(place),
        }
    }

    /// How bad a hit is in this file; `None` when the rule is quiet there.
    pub(crate) fn severity(&self, usual: Severity, place: &Place<'_>) -> Option<Severity> {
        let there = |what| match what {
            There::Same => Some(usual),
            There::As(severity) => Some(severity.min(usual)),
            There::Quiet => None,
        };
        if place.doc {
            there(self.in_docs)
        } else if place.test {
            there(self.in_tests)
        } else {
            Some(usual)
        }
    }
}
