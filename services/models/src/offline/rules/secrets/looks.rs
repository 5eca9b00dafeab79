//! Whether a value looks like a secret or like something that stands in for one.

use crate::offline::rule::Match;

/// Words in values that stand in for real ones.
const PLACEHOLDERS: &[&str] = &[
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "your",
    "xxxx",
    "dummy",
    "sample",
    "redacted",
    "insert",
    "replace",
    "todo",
    "fake",
    "...",
    "…",
    "***",
    "${",
    "{{",
    "$(",
    "%(",
    "<",
    "{}",
    "process.env",
    "os.environ",
    "secrets.",
];
/// Passwords that everybody knows, for services on the developer's own machine.
const KNOWN: &[&str] =
    &["password", "postgres", "secret", "root", "admin", "guest", "test", "mysql", "redis"];

/// A value of a known shape: anything but filler such as `ghp_xxxxxxxx`.
pub(super) fn like_a_token(found: &Match<'_>) -> bool {
    let looped = entropy(found.value) < 2.5;
    let words_only = found.value.starts_with("sk-") && !found.value.bytes().any(|byte| byte.is_ascii_digit());
    !looped && !words_only && !super::is_documented_example(found)
}

/// A value behind a telling name: mixed enough that nobody meant it as a word.
pub(super) fn like_a_password(found: &Match<'_>) -> bool {
    let value = found.value;
    let lower = value.to_lowercase();
    let stands_in =
        PLACEHOLDERS.iter().any(|word| lower.contains(word)) || lower.starts_with(['$', '{', '%']);
    !stands_in
        && !KNOWN.contains(&lower.as_str())
        && !found.place.lock
        && mixed(value)
        && entropy(value) >= 2.75
}

/// Three kinds of characters, or many digits in something long.
fn mixed(value: &str) -> bool {
    let any = |kind: fn(&u8) -> bool| usize::from(value.as_bytes().iter().any(kind));
    let kinds = any(u8::is_ascii_lowercase)
        + any(u8::is_ascii_uppercase)
        + any(u8::is_ascii_digit)
        + any(|byte| byte.is_ascii_punctuation() && !b"-_./:".contains(byte));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && (kinds >= 3 || (digits >= 4 && value.len() >= 16))
}

/// Shannon entropy in bits per byte.
fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    value.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let total = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let bits = |count: u32| {
        let share = f64::from(count) / total;
        -share * share.log2()
    };
    counts.into_iter().filter(|count| *count > 0).map(bits).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_tells_noise_from_words() {
        assert!(entropy("aaaaaaaa") < 0.1 && entropy("") < 0.1);
        assert!((entropy("abcdabcd") - 2.0).abs() < 1e-9);
        assert!(entropy("f3Qz9LmX7vKp2RtY") > 3.9);
    }

    #[test]
    fn words_and_paths_are_not_mixed() {
        assert!(!mixed("next-page-token") && !mixed("secrets/db-v2") && !mixed("AccessToken"));
        assert!(mixed("Tr0ub4dor&3") && mixed("9f8e7d6c5b4a39281706"));
    }
}
