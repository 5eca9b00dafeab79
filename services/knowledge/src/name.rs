//! The names that documents and agents go by: 1 to 63 characters of a-z, 0-9 and '-'.

/// The longest name, in bytes.
const LONGEST: usize = 63;

/// Whether `text` is such a name.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Ids that stand for something else in a path of the API: `/api/knowledge/search`.
const TAKEN: [&str; 1] = ["search"];

/// Whether a document may have this id.
pub(crate) fn is_id(text: &str) -> bool {
    is_name(text) && !TAKEN.contains(&text)
}

/// The id of the document in a file at `source`, a path with '/' between its parts.
pub(crate) fn id_of_file(source: &str) -> Option<String> {
    let name = source.rsplit('/').next().unwrap_or(source);
    id_of(name.rsplit_once('.').map_or(name, |(stem, _)| stem))
}

/// The id of the document in a file called `stem` (without its ending): lower case, and everything between
/// letters and digits becomes one '-'. None when nothing is left or the rest is too long.
fn id_of(stem: &str) -> Option<String> {
    let words = stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let id = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    is_id(&id).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_name_in_lower_case_with_dashes_between_words() {
        for (stem, id) in [
            ("secure-coding", Some("secure-coding")),
            ("Secure  Coding (v2)", Some("secure-coding-v2")),
            ("__README__", Some("readme")),
            ("دليل", None),
            ("--", None),
            ("Search", None), // a word of the API's paths
            ("", None),
        ] {
            assert_eq!(id_of(stem).as_deref(), id, "{stem:?}");
        }
        assert_eq!(id_of(&"a".repeat(63)).map(|id| id.len()), Some(63));
        assert_eq!(id_of(&"a".repeat(64)), None);
    }
}
