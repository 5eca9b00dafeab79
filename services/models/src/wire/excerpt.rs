//! The part of a provider's own words that may be shown to a caller.

/// Characters at most.
const LONGEST: usize = 200;

/// A provider's sentence without addresses and control characters, cut to 200 characters.
#[must_use]
pub fn excerpt(text: &str) -> String {
    // The words beyond the cut are not worth splitting: a provider may answer with megabytes.
    let head: String = text.chars().take(LONGEST * 2).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = head.split_whitespace().filter(|word| !word.contains("://")).collect();
    let shown = words.join(" ");
    match shown.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &shown[..at]),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn addresses_and_control_characters_are_left_out() {
        assert_eq!(excerpt("see https://internal.host/x\n\u{1b}[31mfor more"), "see [31mfor more");
    }

    #[test]
    fn long_sentences_are_cut_between_characters() {
        assert_eq!(excerpt(&"ع".repeat(5_000)), format!("{}…", "ع".repeat(200)));
    }
}
