//! What a client's Accept header asks for.

use http::{HeaderMap, header};

/// Whether the client asks for `wanted` by name, and not less than for JSON.
///
/// `*/*` and `text/*` ask for nothing in particular: they get JSON.
pub(crate) fn prefers(headers: &HeaderMap, wanted: &str) -> bool {
    let ranges = || {
        let values = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).filter_map(range)
    };
    let quality = |media_type: &str| {
        ranges().filter(|(name, _)| *name == media_type).map(|(_, q)| q).fold(0.0, f32::max)
    };
    let q = quality(wanted);
    q > 0.0 && q >= quality("application/json")
}

/// One entry of the header: its media type in lower case, and its quality from 0 to 1.
fn range(entry: &str) -> Option<(String, f32)> {
    let mut parts = entry.split(';').map(str::trim);
    let name = parts.next().filter(|name| name.contains('/'))?.to_ascii_lowercase();
    let q = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let q = q.map_or(Some(1.0), |q| q.parse().ok().filter(|q| (0.0..=1.0).contains(q)))?;
    Some((name, q))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_preferred_when_named_and_not_below_json() {
        for (accept, prefers_markdown) in [
            ("text/markdown", true),
            ("Text/Markdown; charset=utf-8", true),
            ("application/json, text/markdown", true),
            ("application/json;q=0.5, text/markdown;q=0.9", true),
            ("application/json, text/markdown;q=0.9", false),
            ("text/markdown;q=0", false),
            ("text/markdown;q=nonsense", false),
            ("*/*", false),
            ("text/*", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(prefers(&headers, "text/markdown"), prefers_markdown, "{accept}");
        }
        assert!(!prefers(&HeaderMap::new(), "text/markdown"));
    }
}
