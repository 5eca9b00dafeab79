//! How much of a prompt passages take, and which of them fit.

use super::Found;

/// How many tokens a text is for a model, rather too many than too few: a quarter of a token for each character of
/// ASCII, half of one for any other. Models differ; what matters is that prompts stay within their bounds.
pub(crate) fn tokens(text: &str) -> u32 {
    let quarters: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    u32::try_from(quarters.div_ceil(4)).unwrap_or(u32::MAX)
}

/// Those that fit, best first: one that is too long for what is left is left out, a shorter one behind it is not.
pub(super) fn fitting(found: Vec<Found>, budget: Option<u32>) -> Vec<Found> {
    let Some(mut left) = budget else { return found };
    let mut fits = |one: &Found| match left.checked_sub(tokens(one.text())) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    found.into_iter().filter(|one| fits(one)).collect()
}

/// How many passages fill what is left at most.
const MOST_FILLING: usize = 500;

/// Adds others while they fit. The first that does not ends it, so that what is added are whole documents but the last.
pub(super) fn fill(found: &mut Vec<Found>, others: impl Iterator<Item = Found>, budget: Option<u32>) {
    let taken: u32 = found.iter().map(|one| tokens(one.text())).fold(0, u32::saturating_add);
    let mut left = budget.unwrap_or_default().saturating_sub(taken);
    for other in others.take(MOST_FILLING) {
        match left.checked_sub(tokens(other.text())) {
            Some(rest) => left = rest,
            None => return,
        }
        found.push(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_estimated_by_script() {
        assert_eq!((tokens(""), tokens("a"), tokens("four"), tokens("fives")), (0, 1, 1, 2));
        assert_eq!(tokens("دليل"), 2);
    }
}
