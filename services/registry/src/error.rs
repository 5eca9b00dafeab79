//! What the registry refuses.

use std::{fmt, path::PathBuf};

use bsm_runtime::diagnostic::{Diagnostic, Severity};

use crate::{rules::Forbidden, vocabulary::Context};

/// A call that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A context that does not exist.
    #[error("{given:?} is not a context; use one of {}", contexts())]
    UnknownContext {
        /// The field of the request.
        field: &'static str,
        /// What was asked for.
        given: String,
    },
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

/// The names of all contexts.
pub(crate) fn contexts() -> String {
    let names: Vec<&str> = Context::WORDS.iter().map(|(name, _)| *name).collect();
    names.join(", ")
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
