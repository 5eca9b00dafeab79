//! Somebody else's text as a part of a sentence of ours.

/// Characters of it at most.
const MOST: usize = 64;

/// The beginning of the text, with whatever a terminal would obey written out.
pub fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text.chars();
    for c in rest.by_ref().take(MOST) {
        if obeyed(c) { shown.extend(c.escape_debug()) } else { shown.push(c) }
    }
    if rest.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Control characters and those that turn the direction of writing.
fn obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_gave_is_shortened_and_cannot_move_the_cursor() {
        assert_eq!(shown("gateway->models"), "gateway->models");
        assert_eq!(shown("a\u{1b}[31m\n\u{202e}b"), "a\\u{1b}[31m\\n\\u{202e}b");
        assert_eq!(shown(&"ع".repeat(100_000)), format!("{}…", "ع".repeat(64)));
    }
}
