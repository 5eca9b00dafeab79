//! What an agent's id may look like.

use bsm_runtime::yaml::{Fields, Filled};

/// The most characters of an id, so that it fits into paths, labels and DNS names.
pub(crate) const MOST: usize = 63;

/// Reads the field `id`, reporting one that is missing or no id.
pub(crate) fn read(fields: &mut Fields<'_>) -> Option<String> {
    let id = fields.required("id", Filled)?;
    if is_valid(&id) {
        return Some(id);
    }
    let fix = format!("use 1 to {MOST} characters of a-z, 0-9 and -");
    let message = if id.chars().count() > MOST {
        format!("the id has {} characters", id.chars().count())
    } else {
        format!("{id:?} is not an id")
    };
    fields.error("id", message, fix);
    None
}

/// Words that stand in the API's paths where an agent's id stands, too.
const WORDS_OF_PATHS: [&str; 4] = ["run", "start", "status", "stop"];

/// Warns of an id under which an agent cannot be asked for.
pub(crate) fn warn_of_words(fields: &mut Fields<'_>, id: &str) {
    if WORDS_OF_PATHS.contains(&id) {
        let message =
            format!("/api/agents/{id}/… means something else, so this agent has no paths of its own");
        fields.warning("id", message, "give it another id");
    }
}

fn is_valid(id: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=MOST).contains(&id.len()) && id.bytes().all(allowed)
}

/// The one of `known` that a misspelt id most likely means, if any is close enough.
pub(crate) fn closest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > MOST {
        return None; // whatever it is, it is no slip of the hand
    }
    let allowed = 1 + given.len() / 4;
    let near = known.map(|id| (distance(given, id), id)).filter(|(distance, _)| *distance <= allowed);
    near.min_by_key(|(distance, _)| *distance).map(|(_, id)| id)
}

/// Levenshtein's: how many bytes to insert, delete or replace. Bytes will do, because ids are ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, from) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut above[0], row + 1);
        for (column, to) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = above[column + 1];
            above[column + 1] = replaced.min(diagonal + 1).min(above[column] + 1);
        }
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_the_id_that_was_meant() {
        let find = |given| closest(given, ["security-agent", "legal-agent", "my-agent"].into_iter());
        for given in ["secruity-agent", "security-agnet", "Security-Agent", "security_agent", "security-agen"]
        {
            assert_eq!(find(given), Some("security-agent"), "{given}");
        }
        assert_eq!(find("legl-agent"), Some("legal-agent"));
        for given in ["", "nobody", "xyz-robot-nine", &"security-agent".repeat(9)] {
            assert_eq!(find(given), None, "{given}");
        }
    }

    #[test]
    fn the_distance_counts_single_changes() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!((distance("", "abc"), distance("abc", "")), (3, 3));
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn an_id_is_short_and_plain() {
        for id in ["a", "agent-auto", "0-9", &"x".repeat(63)] {
            assert!(is_valid(id), "{id}");
        }
        for id in ["", "Agent", "a_b", "a b", "a/b", "../a", "ä", "a\n", &"x".repeat(64)] {
            assert!(!is_valid(id), "{id}");
        }
    }
}
