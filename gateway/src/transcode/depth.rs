//! How deeply JSON nests, counted before it is parsed.

/// Arrays and objects within each other at most.
pub(super) const MAX_DEPTH: usize = 32;

/// A place in a text, both from 1; the column counts bytes, as serde_json's does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Where the text first nests deeper than [`MAX_DEPTH`]. Brackets in strings do not count.
pub(super) fn too_deep(json: &[u8]) -> Option<Place> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some(place(&json[..at]));
        }
    }
    None
}

fn place(before: &[u8]) -> Place {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Place { line, column }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_levels_are_fine_and_thirty_three_are_not() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(too_deep(nested(32).as_bytes()), None);
        assert_eq!(too_deep(nested(33).as_bytes()), Some(Place { line: 1, column: 33 }));
        let mixed = format!("{{\n\"a\": {}", nested(32));
        assert_eq!(too_deep(mixed.as_bytes()), Some(Place { line: 2, column: 37 }));
    }

    #[test]
    fn brackets_in_strings_and_siblings_do_not_count() {
        let text = format!("\"{}\\\"{}\"", "[".repeat(40), "{".repeat(40));
        assert_eq!(too_deep(text.as_bytes()), None);
        assert_eq!(too_deep("[[]],".repeat(100).as_bytes()), None);
    }
}
