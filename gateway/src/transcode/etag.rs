//! Entity tags, so that a client which polls is told "not modified" instead of the same again.

use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A weak tag of the answer without its correlation id: answers with one tag say the same, not byte by byte.
pub(super) fn of(value: &Value) -> HeaderValue {
    let digest = Sha256::digest(value.to_string());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("W/\"{hex}\"")).expect("hex digits are valid in a header")
}

/// Whether the client holds the answer with this tag already.
pub(super) fn matches(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = bare(tag.to_str().unwrap_or_default());
    let held = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    held.flat_map(|value| value.split(',')).any(|held| held.trim() == "*" || bare(held) == tag)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_content_has_the_same_tag_and_other_content_another() {
        assert_eq!(of(&json!({"a": 1})), of(&json!({"a": 1})));
        assert_ne!(of(&json!({"a": 1})), of(&json!({"a": 2})));
    }

    #[test]
    fn a_held_tag_matches_weakly_and_in_lists() {
        let tag = of(&json!(1));
        let text = tag.to_str().unwrap().to_owned();
        for (held, matches_it) in [
            (text.clone(), true),
            (text.trim_start_matches("W/").to_owned(), true),
            (format!("\"x\", {text}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
            (String::new(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, held.parse().unwrap());
            assert_eq!(matches(&headers, &tag), matches_it, "{held}");
        }
    }
}
