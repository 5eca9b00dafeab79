//! What the orchestrator refuses or fails to do.

use std::{io, path::PathBuf};

use bsm_runtime::{client::BadUrl, diagnostic::Diagnostic, folder};

use crate::{
    change::InvalidPayload, clients::Refused, engine::Unanswered, github, job::JobId, journal, prompt,
};

/// Why a request is not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The event's name is none.
    #[error("{0:?} cannot name an event: at most 100 characters of a-z, 0-9, '_', '-' and '.'")]
    InvalidEvent(String),
    /// The payload cannot be used.
    #[error("{0}")]
    InvalidPayload(#[from] InvalidPayload),
    /// The payload or context is larger than what is kept.
    #[error("the {field} has {size} bytes as JSON and may have {limit}")]
    TooLarge {
        /// payload or context.
        field: &'static str,
        /// Its size.
        size: usize,
        /// The largest allowed.
        limit: usize,
    },
    /// A field of the request is malformed.
    #[error("{} {problem}", json_name(field))]
    InvalidField {
        /// Which one, as the contract spells it.
        field: &'static str,
        /// What is wrong with it, following on the name: "must be …".
        problem: String,
    },
    /// There is no such job.
    #[error("there is no job {0}")]
    UnknownJob(String),
    /// The job has not ended.
    #[error("job {0} has not ended; its report comes with its end")]
    ReportNotReady(JobId),
    /// The job has not ended, and what was asked for needs that.
    #[error("job {0} has not ended; it can run again once it has")]
    NotEnded(JobId),
    /// The process drains.
    #[error("the orchestrator is shutting down; try again in a moment")]
    Draining,
    /// The agent's id cannot be one.
    #[error("{0:?} cannot be an agent's id: 1 to 63 characters of a-z, 0-9 and '-'")]
    InvalidAgentId(String),
    /// Nothing was asked.
    #[error("input must not be empty unless the payload carries a diff")]
    NoInput,
    /// Too much was asked.
    #[error("input has {length} characters and may have {limit}")]
    InputTooLong {
        /// How long it is, in characters.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A fault of this program.
    #[error("a fault of this program stopped {doing}; the log has the cause")]
    Panicked {
        /// What was being done.
        doing: &'static str,
    },
    /// The journal refused or failed.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// Another service refused or failed; its status is handed through.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The agent's prompt cannot be built.
    #[error(transparent)]
    Prompt(#[from] prompt::Error),
    /// The agent's answer cannot be used.
    #[error("{0}")]
    Unparseable(String),
}

impl From<Unanswered> for Error {
    fn from(unanswered: Unanswered) -> Self {
        let sentence = unanswered.to_string();
        match unanswered {
            Unanswered::Refused { source, .. } => Self::Refused(source),
            Unanswered::Unparseable { .. } => Self::Unparseable(sentence),
        }
    }
}

/// A field as people write it in JSON: `pageToken` for `page_token`.
fn json_name(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name + letters.as_str()
    })
}

/// Why the orchestrator cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder for its state.
    #[error(transparent)]
    Folder(#[from] folder::Error),
    /// The journal in it.
    #[error("{source}")]
    Journal {
        /// What is wrong with it.
        #[from]
        source: journal::Error,
    },
    /// The folder for reports.
    #[error("cannot make the report folder {}: {source}; the data folder must be writable", .path.display())]
    Reports {
        /// Where it should be.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// `events.yaml` or `policy.yaml`.
    #[error("the orchestrator's rules are not usable:\n{}", lines(.0))]
    Rules(Vec<Diagnostic>),
    /// The address of another service.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// The way to GitHub.
    #[error(transparent)]
    GitHub(#[from] github::OpenError),
}

fn lines(findings: &[Diagnostic]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
