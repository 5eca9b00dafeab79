//! What the registry refuses.

use std::{fmt, path::PathBuf};

use bsm_runtime::diagnostic::{Diagnostic, Severity};

use crate::{lifecycle, rules::Forbidden, vocabulary::Context};

/// A call that is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Words that are not of the lists they must be of; never empty.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    UnknownWords(Vec<UnknownWord>),
    /// An agent that does not exist, or that the registry does not govern where that is needed.
    #[error("agent {agent:?} is not registered{}", meant(.closest.as_deref()))]
    UnknownAgent {
        /// The id that was asked for.
        agent: String,
        /// The id that it most likely means, if any is close enough.
        closest: Option<String>,
    },
    /// An agent that may not be used here and now.
    #[error("agent {agent} {rule}")]
    Forbidden {
        /// Its id.
        agent: String,
        /// The rule that forbids it.
        rule: Forbidden,
    },
    /// A start or a stop that does not fit what the agent is doing.
    #[error("agent {agent} {misfit}")]
    Misfit {
        /// Its id.
        agent: String,
        /// What does not fit.
        misfit: lifecycle::Misfit,
    },
    /// The file of the states.
    #[error("what agents are doing cannot be read or written now")]
    Store(#[from] rusqlite::Error),
    /// The folder of that file.
    #[error("what agents are doing cannot be read or written now")]
    Folder(#[from] std::io::Error),
    /// The audit log, without whose line nothing is changed.
    #[error("the audit log cannot be written, so nothing was changed")]
    Audit(#[from] bsm_runtime::audit_log::Error),
    /// The process ends.
    #[error("the registry is being closed")]
    CutOff,
}

/// A word that is not of its list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a {kind}; use one of {}", .words.join(", "))]
pub struct UnknownWord {
    /// The field of the request.
    pub field: &'static str,
    /// What the words are.
    pub kind: &'static str,
    /// What was given.
    pub given: String,
    /// The words that there are.
    pub words: Vec<&'static str>,
}

/// Why the registry does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The files are not usable; displayed with every finding.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The process ended while the files were read.
    #[error("reading the agents was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Files with errors, and all that was found about them.
#[derive(Debug)]
pub struct Unusable {
    /// The folder.
    pub dir: PathBuf,
    /// Every finding, warnings included.
    pub found: Vec<Diagnostic>,
}

fn meant(closest: Option<&str>) -> String {
    closest.map(|id| format!("; did you mean {id}?")).unwrap_or_default()
}

// === impl UnknownWord ===

impl UnknownWord {
    /// `given` in `field` is none of `words`.
    pub(crate) fn of<T>(
        field: &'static str,
        kind: &'static str,
        given: &str,
        words: &'static [(&'static str, T)],
    ) -> UnknownWord {
        let words = words.iter().map(|(word, _)| *word).collect();
        UnknownWord { field, kind, given: given.chars().take(64).collect(), words }
    }
}

impl Error {
    /// `given` in `field` is no context.
    pub(crate) fn unknown_context(field: &'static str, given: &str) -> Error {
        Error::UnknownWords(vec![UnknownWord::of(field, "context", given, Context::WORDS)])
    }
}

impl std::error::Error for Unusable {}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.found.iter().filter(|finding| finding.severity == Severity::Error).count();
        let noun = if errors == 1 { "error" } else { "errors" };
        write!(f, "the agents in {} are not usable ({errors} {noun})", self.dir.display())?;
        self.found.iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}
