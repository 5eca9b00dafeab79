//! The states of jobs and steps and the actions of decisions, as they are written everywhere: snake_case.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name that is none of those allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no {what}; it must be one of {allowed}")]
pub struct UnknownName {
    /// What was given.
    pub name: String,
    /// What it should have been, e.g. "job state".
    pub what: &'static str,
    /// The names allowed, separated by commas.
    pub allowed: String,
}

/// Declares an enum whose variants have one fixed spelling in JSON, in the journal and on the wire.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The spelling used everywhere.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownName {
                        name: text.chars().take(40).collect(),
                        what: $what,
                        allowed: [$($text,)+].join(", "),
                    }),
                }
            }
        }
    };
}

named!(
    /// Where a job stands.
    JobState, "job state", {
        /// Accepted and in the journal; not begun.
        Queued = "queued",
        /// Its steps are being done.
        Running = "running",
        /// A person must answer before it goes on.
        WaitingApproval = "waiting_approval",
        /// A decision was reached, whatever it says.
        Succeeded = "succeeded",
        /// It ended without a decision.
        Failed = "failed",
        /// Somebody ended it.
        Cancelled = "cancelled",
        /// A newer head of the same pull request took its place.
        Superseded = "superseded",
    }
);

named!(
    /// Where a step stands.
    StepState, "step state", {
        /// Not begun.
        Pending = "pending",
        /// Begun; runs again when the process dies meanwhile.
        Running = "running",
        /// Answered; never run again.
        Succeeded = "succeeded",
        /// Given up after its attempts.
        Failed = "failed",
        /// Not begun, because an earlier step failed.
        Skipped = "skipped",
        /// Ended with its job.
        Cancelled = "cancelled",
    }
);

named!(
    /// What a decision says is to be done.
    Action, "action", {
        /// Approve the change and merge it.
        ApproveAndMerge = "approve_and_merge",
        /// Ask the author for changes.
        RequestChanges = "request_changes",
        /// Stop the change.
        BlockPr = "block_pr",
        /// Leave it to a person.
        ManualReview = "manual_review",
    }
);

impl JobState {
    /// Whether the job will not move any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::WaitingApproval => false,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Superseded => true,
        }
    }
}

impl StepState {
    /// Whether the step will not move any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_equal_their_json() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for state in StepState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_allowed() {
        let err = "done".parse::<StepState>().unwrap_err();
        assert_eq!(
            err.to_string(),
            "\"done\" is no step state; it must be one of pending, running, succeeded, failed, skipped, cancelled"
        );
    }
}
