//! How a provider that searches is to search.

use std::str::FromStr;

use bsm_proto::models::v1;

use super::UnknownWord;
use super::parse::Checker;

/// Sites at most.
const MAX_DOMAINS: usize = 20;
/// Characters of a site's name at most.
const MAX_DOMAIN: usize = 253;

/// How a provider that searches is to search; others ignore it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// What is searched; `None` for the provider's default.
    pub mode: Option<SearchMode>,
    /// The sites to keep to; with a leading `-` those to leave out.
    pub domains: Vec<String>,
    /// How old what is found may be; `None` for any age.
    pub recency: Option<Recency>,
    /// How much of it the model reads; `None` for the provider's default.
    pub context: Option<ContextSize>,
}

/// Words of the contract that are the same on the wire.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $($(#[$what:meta])* $variant:ident = $word:literal),+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$what])* $variant),+ }

        impl $name {
            /// Its name, in the contract and on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok($name::$variant),)+
                    other => Err(UnknownWord::new($expected, other)),
                }
            }
        }
    };
}

words!(
    /// What is searched.
    SearchMode, "web, academic or sec",
    /// The web.
    Web = "web",
    /// Scholarly work.
    Academic = "academic",
    /// What companies file with the SEC.
    Sec = "sec"
);
words!(
    /// How old what is found may be.
    Recency, "hour, day, week, month or year",
    /// An hour.
    Hour = "hour",
    /// A day.
    Day = "day",
    /// A week.
    Week = "week",
    /// A month.
    Month = "month",
    /// A year.
    Year = "year"
);
words!(
    /// How much of what is found the model reads.
    ContextSize, "low, medium or high",
    /// Little: cheap.
    Low = "low",
    /// The usual.
    Medium = "medium",
    /// Much: dear.
    High = "high"
);

// === impl Checker ===

impl Checker {
    pub(super) fn search(&mut self, search: v1::Search) -> Search {
        if search.domains.len() > MAX_DOMAINS {
            self.refuse(
                "search.domains",
                format!("must be at most {MAX_DOMAINS}, not {}", search.domains.len()),
            );
        }
        for (at, domain) in search.domains.iter().enumerate().take(MAX_DOMAINS) {
            let is_word = !domain.chars().any(|c| c.is_whitespace() || c.is_control());
            if !(1..=MAX_DOMAIN).contains(&domain.len()) || !is_word {
                let problem = "must be the name of a site, such as example.org";
                self.refuse(&format!("search.domains[{at}]"), problem);
            }
        }
        Search {
            mode: self.word("search.mode", search.mode.as_deref()),
            recency: self.word("search.recency", search.recency.as_deref()),
            context: self.word("search.context_size", search.context_size.as_deref()),
            domains: search.domains,
        }
    }
}
