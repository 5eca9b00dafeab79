//! Which models fail together: a model's family is its name without date, version and size. Pure.

#[cfg(test)]
mod tests;

/// Characters of a family's name at most.
pub const LONGEST: usize = 48;

/// Before the name of a model that somebody has tuned; the rest of such a name is the model and whose it is.
const TUNED: &str = "ft:";

/// The family of a model, fit to be a part of a guard's name: at most [`LONGEST`] of `a-z 0-9 . _ -`, never empty.
///
/// What follows a `:` or `@` is dropped (`qwen2.5-coder:7b`), and so are the last parts that are a date, a number of
/// three digits or more, a version such as `v0.2`, a size such as `70b`, or `latest`; but never the first part.
/// `gpt-4o-mini` is a model of its own, and so is `claude-3-5-sonnet` beside `claude-3-7-sonnet`.
#[must_use]
pub fn family(model: &str) -> String {
    let name = model.to_ascii_lowercase();
    let name = name.strip_prefix(TUNED).unwrap_or(&name);
    let name = name.split([':', '@']).next().unwrap_or_default();
    let clean: String = name.chars().map(|c| if is_plain(c) { c } else { '-' }).take(LONGEST).collect();
    let mut parts: Vec<&str> = clean.split('-').filter(|part| !part.is_empty()).collect();
    loop {
        match dropped(&parts) {
            0 => break,
            last => parts.truncate(parts.len() - last),
        }
    }
    if parts.is_empty() { "unnamed".to_owned() } else { parts.join("-") }
}

const fn is_plain(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_')
}

/// How many of the last parts say nothing about the family.
fn dropped(parts: &[&str]) -> usize {
    match parts {
        [_, .., year, month, day] if is_number(year, 4) && is_number(month, 2) && is_number(day, 2) => 3,
        [_, .., last] if is_edition(last) => 1,
        _ => 0,
    }
}

fn is_number(part: &str, digits: usize) -> bool {
    part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_edition(part: &str) -> bool {
    let numeric = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    part == "latest"
        || (part.len() >= 3 && is_number(part, part.len()))
        || part.strip_prefix('v').is_some_and(numeric)
        || part.strip_suffix('b').is_some_and(numeric)
}
