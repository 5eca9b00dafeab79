//! The budgets of the settings, which are stronger than those of the models file.

use bsm_runtime::settings::ModelSettings;

use crate::budget::{BadRule, PutAside, Rule, said_twice};

/// Where they are said.
const SOURCE: &str = "models.budgets (BSM_BUDGETS)";

/// Budgets of the settings that cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBudgets {
    /// One is none.
    #[error("{SOURCE}: number {number}: {problem}")]
    Rule {
        /// Which of them, from 1.
        number: usize,
        /// What is wrong with it.
        problem: BadRule,
    },
    /// Two are of the same subject, unit and window.
    #[error(
        "{SOURCE}: number {}, \"{}\", is of the same as number {}, \"{}\": subject, unit and window; keep one of the two",
        .second.0, .second.1, .first.0, .first.1
    )]
    Twice {
        /// The first and its place, from 1.
        first: (usize, Rule),
        /// The second and its place.
        second: (usize, Rule),
    },
}

/// The budgets of the settings.
///
/// # Errors
/// The first that is none, else the first that is said twice.
pub(super) fn of_settings(settings: &ModelSettings) -> Result<Vec<Rule>, BadBudgets> {
    let read = |(at, line): (usize, &String)| {
        line.parse().map_err(|problem| BadBudgets::Rule { number: at + 1, problem })
    };
    let rules = settings.budgets.iter().enumerate().map(read).collect::<Result<Vec<Rule>, BadBudgets>>()?;
    match said_twice(&rules) {
        None => Ok(rules),
        Some((first, second)) => {
            let placed = |at: usize| (at + 1, rules[at].clone());
            Err(BadBudgets::Twice { first: placed(first), second: placed(second) })
        }
    }
}

/// What is told of a budget of the models file that does not count.
pub(super) fn told(put_aside: &PutAside) -> String {
    let PutAside { rule, by } = put_aside;
    format!("the budget \"{rule}\" of the models file does not count: {SOURCE} says \"{by}\"")
}
