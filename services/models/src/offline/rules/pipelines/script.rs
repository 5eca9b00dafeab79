//! Expressions inside `run:` blocks: where they are substituted, a title is a command.

use std::sync::LazyLock;

use bsm_diff::{Hunk, LineKind};
use regex::Regex;

use crate::offline::change::{Hit, View};

/// Values that whoever opens an issue or a pull request chooses.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\$\{\{[^}]*\bgithub\.(?:head_ref|event\.[\w.\[\]*]*(?:title|body|message|name|ref|label|email|description))\b",
    )
    .expect("the pattern is constant")
});

/// `key: ${{ … }}` and nothing else, which is how a value is passed safely.
static PASSED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^\s*(?:-\s+)?[\w-]+:\s*["']?\$\{\{[^}]*\}\}["']?\s*$"#).expect("the pattern is constant")
});

/// The added lines that put such a value into a script.
pub(super) fn injections<'a>(view: &'a View<'_>) -> impl Iterator<Item = Hit> + use<'a> {
    view.file.hunks.iter().flat_map(|hunk| in_hunk(view, hunk))
}

fn in_hunk(view: &View<'_>, hunk: &Hunk) -> Vec<Hit> {
    let mut block = Block::default();
    let mut hits = Vec::new();
    for line in hunk.lines.iter().filter(|line| line.kind != LineKind::Removed) {
        let runs = block.runs(&line.text);
        if line.kind == LineKind::Added && runs && FOREIGN.is_match(&line.text) {
            hits.push(view.hit_at(line));
        }
    }
    hits
}

/// Whether the line at hand belongs to a script.
#[derive(Debug, Default)]
enum Block {
    /// The hunk began in the middle of something.
    #[default]
    Unknown,
    /// In a `run: |` whose key stands at this column.
    Script(usize),
    Outside,
}

// === impl Block ===

impl Block {
    fn runs(&mut self, line: &str) -> bool {
        let start = line.trim_start();
        if start.is_empty() {
            return false;
        }
        let key = start.strip_prefix("- ").map_or(start, str::trim_start);
        let column = line.len() - key.len();
        if let Some(script) = key.strip_prefix("run:") {
            *self = if script.trim_start().starts_with(['|', '>']) {
                Self::Script(column)
            } else {
                Self::Outside
            };
            return true;
        }
        match *self {
            Self::Script(of) if line.len() - start.len() > of => true,
            Self::Script(_) | Self::Outside => {
                *self = Self::Outside;
                false
            }
            Self::Unknown => {
                !PASSED.is_match(line)
                    && !["if:", "name:", "group:", "run-name:"].iter().any(|word| key.starts_with(word))
            }
        }
    }
}
