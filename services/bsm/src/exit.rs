//! What the exit codes of `bsm` mean: the one table. 64 and above follow BSD's sysexits.

use std::process::ExitCode;

use bsm_runtime::settings::Invalid;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; for a review: approve_and_merge.
    Done,
    /// For a review: request_changes. For a check: mistakes were found. For what is done in many places or many
    /// times: not in all of them.
    Changes,
    /// For a review: block_pr.
    Block,
    /// For a review: manual_review.
    Manual,
    /// The command line is wrong.
    Usage,
    /// The input is not what it should be.
    Data,
    /// The input cannot be read.
    NoInput,
    /// A running mesh cannot be reached, or does not do what it is asked.
    Unavailable,
    /// A part of bsm failed.
    Software,
    /// What was asked for could not be printed.
    Output,
    /// The caller may not do this.
    Permission,
    /// The settings are wrong.
    Config,
}

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Changes => 1,
            Exit::Block => 2,
            Exit::Manual => 3,
            Exit::Usage => 64,
            Exit::Data => 65,
            Exit::NoInput => 66,
            Exit::Unavailable => 69,
            Exit::Software => 70,
            Exit::Output => 74,
            Exit::Permission => 77,
            Exit::Config => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// A failure with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub(crate) struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// Why.
    pub sentence: String,
}

impl Failure {
    /// A failure as an error that `main` recognises.
    pub(crate) fn error(exit: Exit, sentence: impl Into<String>) -> anyhow::Error {
        Failure { exit, sentence: sentence.into() }.into()
    }
}

/// Prints clap's message. Help and version are no mistakes; anything else is 64, because clap's own 2 means
/// "block" here.
pub(crate) fn of_usage(err: &clap::Error) -> ExitCode {
    let _ = err.print(); // a closed terminal must not change the exit code
    if err.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() }
}

/// Prints the error with its causes.
pub(crate) fn of_failure(err: &anyhow::Error) -> ExitCode {
    anstream::eprintln!("bsm: {}", sentence(err));
    exit_of(err).into()
}

/// The error for machines: what is said to people, and how the process ends.
pub(crate) fn json_of(err: &anyhow::Error) -> serde_json::Value {
    serde_json::json!({ "error": sentence(err), "exitCode": exit_of(err).code() })
}

/// The error with its causes, each once.
fn sentence(err: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in err.chain() {
        let cause = cause.to_string();
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

fn exit_of(err: &anyhow::Error) -> Exit {
    if let Some(failure) = err.downcast_ref::<Failure>() {
        return failure.exit;
    }
    if err.is::<Invalid>() { Exit::Config } else { Exit::Software }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_decisions_have_codes_below_64() {
        for exit in [
            Exit::Usage,
            Exit::Data,
            Exit::NoInput,
            Exit::Unavailable,
            Exit::Software,
            Exit::Output,
            Exit::Permission,
            Exit::Config,
        ] {
            assert!(exit.code() >= 64);
        }
    }

    #[test]
    fn a_failure_deep_in_a_chain_keeps_its_code() {
        let err = Failure::error(Exit::Data, "no diff").context("reading standard input");
        assert_eq!(exit_of(&err), Exit::Data);
        assert_eq!(exit_of(&anyhow::anyhow!("other")), Exit::Software);
    }
}
