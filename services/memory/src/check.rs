//! The rules that the fields of a request must follow, and the list of those that do not.

use crate::{error::Error, record::Action};

/// The longest text, in bytes.
const TEXT: usize = 64 * 1024;

/// The namespace of requests that name none.
const NAMESPACE: &str = "default";

/// How many results a search has unless it says so, and at most.
const RESULTS: u32 = 5;
const MOST_RESULTS: u32 = 1_000;

/// A field that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// As the contract calls it.
    pub field: &'static str,
    /// What it must be, to be read after the field's name.
    pub description: String,
}

/// Judges the fields of a request, all of them, so that a client learns of every mistake at once.
#[derive(Debug, Default)]
pub(crate) struct Check {
    violations: Vec<Violation>,
}

// === impl Check ===

impl Check {
    /// The value of a field, or none after noting what it must be.
    pub(crate) fn field<T>(&mut self, field: &'static str, judged: Result<T, String>) -> Option<T> {
        judged.map_err(|description| self.violations.push(Violation { field, description })).ok()
    }

    /// Why the request is refused.
    pub(crate) fn refusal(self) -> Error {
        Error::Invalid(self.violations)
    }
}

/// A text that must be there.
pub(crate) fn text(given: String) -> Result<String, String> {
    if given.trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    if given.len() > TEXT {
        return Err(format!("must be at most {} KiB, not {} bytes", TEXT / 1024, given.len()));
    }
    Ok(given)
}

/// Code that must be there; of any length, because only its beginning is kept.
pub(crate) fn code(given: &str) -> Result<&str, String> {
    if given.trim().is_empty() { Err("must not be empty".to_owned()) } else { Ok(given) }
}

/// The id of a record; `fresh` makes one when none is given.
pub(crate) fn id(given: Option<String>, fresh: impl FnOnce() -> String) -> Result<String, String> {
    match given {
        None => Ok(fresh()),
        Some(id) if !id.is_empty() => word(id),
        Some(_) => word_refused(),
    }
}

/// An id of something else; may be missing, which is empty.
pub(crate) fn word(given: String) -> Result<String, String> {
    let fits = given.len() <= 128 && given.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(given) } else { word_refused() }
}

fn word_refused() -> Result<String, String> {
    Err("must be 1 to 128 visible ASCII characters".to_owned())
}

pub(crate) fn namespace(given: Option<String>) -> Result<String, String> {
    let given = given.unwrap_or_else(|| NAMESPACE.to_owned());
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=63).contains(&given.len()) && given.bytes().all(known) {
        return Ok(given);
    }
    Err("must be 1 to 63 characters of a-z, 0-9 and '-'".to_owned())
}

pub(crate) fn top_k(given: Option<u32>) -> Result<usize, String> {
    match given.unwrap_or(RESULTS) {
        k @ 1..=MOST_RESULTS => Ok(k as usize),
        k => Err(format!("must be 1 to {MOST_RESULTS}, not {k}")),
    }
}

pub(crate) fn action(given: &str) -> Result<Action, String> {
    Action::from_name(given)
        .ok_or_else(|| format!("must be one of {}", Action::ALL.map(Action::name).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_visible_ascii_and_fresh_when_not_given() {
        let fresh = || "fresh".to_owned();
        assert_eq!(id(None, fresh).as_deref(), Ok("fresh"));
        assert_eq!(id(Some("a/B:1".to_owned()), fresh).as_deref(), Ok("a/B:1"));
        for bad in ["", "a b", "é", "a\n", &"x".repeat(129)] {
            assert!(id(Some(bad.to_owned()), fresh).is_err(), "{bad:?}");
        }
        assert_eq!(word(String::new()).as_deref(), Ok(""));
    }

    #[test]
    fn namespaces_are_short_names() {
        assert_eq!(namespace(None).as_deref(), Ok("default"));
        assert!(namespace(Some("a".repeat(63))).is_ok());
        for bad in ["", "A", "a_b", "../x", &"a".repeat(64)] {
            assert!(namespace(Some(bad.to_owned())).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_search_has_one_to_a_thousand_results() {
        assert_eq!([top_k(None), top_k(Some(1)), top_k(Some(1_000))], [Ok(5), Ok(1), Ok(1_000)]);
        assert_eq!(top_k(Some(0)), Err("must be 1 to 1000, not 0".to_owned()));
        assert!(top_k(Some(1_001)).is_err());
    }

    #[test]
    fn texts_are_there_and_at_most_64_kib() {
        assert!(text("x".repeat(TEXT)).is_ok());
        assert_eq!(text("x".repeat(TEXT + 1)), Err("must be at most 64 KiB, not 65537 bytes".to_owned()));
        assert!(text(" \n".to_owned()).is_err() && code(" ").is_err());
        assert!(code(&"x".repeat(TEXT * 2)).is_ok());
        let wanted = "must be one of approve_and_merge, request_changes, block_pr, manual_review";
        assert_eq!(action("merge"), Err(wanted.to_owned()));
    }
}
