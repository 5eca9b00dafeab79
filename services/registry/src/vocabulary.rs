//! The closed lists of words in the registry's files, each an enum.

use bsm_runtime::settings::Profile;

/// An enum whose variants are written as words.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
        }

        impl $name {
            /// Every word with its meaning.
            pub const WORDS: &'static [(&'static str, $name)] = &[$(($word, $name::$variant),)+];

            /// As written in the files and on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }
    };
}

vocabulary! {
    /// Where an agent may be used.
    Context {
        /// A conversation.
        Chat = "chat",
        /// The REST API.
        Api = "api",
        /// Pull requests and their checks.
        Github = "github",
        /// A build.
        Ci = "ci",
        /// Schedules, health checks, manual runs.
        System = "system",
        /// Security work.
        Security = "security",
        /// The mobile app.
        Mobile = "mobile",
    }
}

impl Context {
    /// The context of this name, if there is one.
    pub fn parse(name: &str) -> Option<Context> {
        Self::WORDS.iter().find(|(word, _)| *word == name).map(|(_, context)| *context)
    }

    /// Whether agents with this context reach beyond a conversation, which safe mode forbids.
    pub fn reaches_outside(self) -> bool {
        match self {
            Context::Github | Context::Ci | Context::System | Context::Security => true,
            Context::Chat | Context::Api | Context::Mobile => false,
        }
    }
}

vocabulary! {
    /// What kind of agent it is.
    Category {
        /// Talks with people.
        Conversational = "conversational",
        /// Looks after the platform.
        Infra = "infra",
        /// Works on changes.
        System = "system",
        /// Looks for weaknesses.
        Security = "security",
        /// Looks at what was done.
        Audit = "audit",
    }
}

vocabulary! {
    /// What an agent's word counts for.
    Standing {
        /// Gives advice.
        Advisor = "advisor",
        /// Judges changes.
        Reviewer = "reviewer",
        /// Judges what was done.
        Auditor = "auditor",
        /// Does things.
        Executor = "executor",
    }
}

vocabulary! {
    /// How much harm an agent's actions can do.
    SafetyMode {
        /// None.
        Safe = "safe",
        /// Little.
        Restricted = "restricted",
        /// Things that cannot be undone.
        Destructive = "destructive",
    }
}

vocabulary! {
    /// How much is at stake; also how hard a task is for the model route.
    Level {
        /// Little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// Much.
        High = "high",
        /// Everything.
        Critical = "critical",
    }
}

impl Level {
    /// High or critical.
    pub fn is_grave(self) -> bool {
        matches!(self, Level::High | Level::Critical)
    }
}

vocabulary! {
    /// Who approves.
    ApprovalType {
        /// Nobody.
        None = "none",
        /// A person.
        Manual = "manual",
        /// A check.
        Automated = "automated",
    }
}

vocabulary! {
    /// The form of an agent's answers.
    AnswerKind {
        /// JSON in the schema of reviews.
        Review = "review",
        /// Prose.
        Text = "text",
    }
}

/// The profiles as words.
pub(crate) const PROFILES: &[(&str, Profile)] = &[
    (Profile::Development.name(), Profile::Development),
    (Profile::Staging.name(), Profile::Staging),
    (Profile::Production.name(), Profile::Production),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_nothing_else_does() {
        for (word, context) in Context::WORDS {
            assert_eq!(Context::parse(word), Some(*context));
            assert_eq!(context.name(), *word);
        }
        assert_eq!(Context::parse("Chat"), None);
        assert_eq!(Context::parse(""), None);
    }
}
