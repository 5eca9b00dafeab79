//! What an agent's id may look like.

use bsm_runtime::yaml::{Fields, Filled};

/// The most characters of an id, so that it fits into paths, labels and DNS names.
const MOST: usize = 63;

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

fn is_valid(id: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=MOST).contains(&id.len()) && id.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

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
