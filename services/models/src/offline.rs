//! The reviewer that is always there: rules over the added lines of a diff, no model and no network.
//!
//! ```text
//! prompt -> marks -> Diff
//! Diff -> Place per file -> Scanner (one RegexSet over all line rules) ─┐
//!                        -> file and change checks ────────────────────┴-> Tally -> Review
//! ```
//! Everything is a pure function: the same diff and lens give the same review. It is honest about what it is: every
//! answer says that no model was asked. [`rules`] is the published list of what it knows.

mod answer;
mod change;
mod code;
mod language;
mod lens;
mod marks;
mod place;
mod review;
mod rule;
mod rules;
mod scanner;
mod tally;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Form, Message, Request, Role, Tongue, answer};
pub use lens::Lens;
pub use review::{Decision, Finding, Nothing, Review, review};
pub use rule::{Family, Rule, Severity};
pub use rules::rules;
