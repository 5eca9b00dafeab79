//! A diff as the rules see it, and what they find.

use bsm_diff::{Diff, File, Line, secrets};

use super::place::Place;
use super::rule::Severity;

/// A diff with the place of each of its files.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) diff: &'a Diff,
    pub(crate) files: Vec<View<'a>>,
}

/// One file of a change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// Position in the change, from 1.
    pub(crate) order: usize,
    pub(crate) file: &'a File,
    pub(crate) place: Place<'a>,
}

/// Something that a rule found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The file; empty for the change as a whole.
    pub(crate) file: String,
    /// The file's position in the change, from 1; 0 for the change as a whole.
    pub(crate) order: usize,
    /// The line in the new version of the file, if it is about one.
    pub(crate) line: Option<u32>,
    /// What to add to the rule's sentence; empty for nothing. Never a secret.
    pub(crate) detail: String,
    /// How bad it is here, where that differs from the rule's own severity.
    pub(crate) severity: Option<Severity>,
}

// === impl Change ===

impl<'a> Change<'a> {
    pub(crate) fn new(diff: &'a Diff) -> Self {
        let view = |(order, file): (usize, &'a File)| View { order, file, place: Place::of(file.path()) };
        Self { diff, files: (1..).zip(&diff.files).map(view).collect() }
    }

    /// A hit for every file that `matches`.
    pub(crate) fn hits(&self, matches: impl Fn(&View<'a>) -> bool) -> Vec<Hit> {
        self.files.iter().filter(|view| matches(view)).map(View::hit).collect()
    }
}

// === impl View ===

impl View<'_> {
    /// A hit on the file as a whole. Should the path hold a key, the hit does not.
    pub(crate) fn hit(&self) -> Hit {
        Hit { file: secrets::mask(self.place.path), order: self.order, ..Hit::default() }
    }

    /// A hit on one of its lines.
    pub(crate) fn hit_at(&self, line: &Line) -> Hit {
        // A malformed hunk may begin at line 0, which is no line.
        Hit { line: line.new.filter(|number| *number > 0), ..self.hit() }
    }
}

// === impl Hit ===

impl Hit {
    /// The same with a detail.
    pub(crate) fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}
