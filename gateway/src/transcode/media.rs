//! Which bodies are taken: JSON in UTF-8, not compressed, and saying so.

use http::{HeaderMap, StatusCode, header};

use crate::fault::Fault;

/// Refuses a body that is not declared to be JSON.
///
/// A missing Content-Type is refused too: a web page may send such a request to any host without asking first,
/// while one that says `application/json` has to pass CORS.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Fault> {
    let text =
        |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    match text(header::CONTENT_ENCODING).as_deref() {
        None | Some("" | "identity") => {}
        Some(_) => return Err(unsupported("The body must not be compressed (no Content-Encoding).")),
    }
    match text(header::CONTENT_TYPE) {
        Some(declared) if is_json(&declared) => Ok(()),
        _ => Err(unsupported("The body must be JSON in UTF-8, sent with Content-Type: application/json.")),
    }
}

fn unsupported(message: &str) -> Fault {
    Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
}

fn is_json(declared: &str) -> bool {
    let mut parts = declared.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let json = name == "application/json" || (name.starts_with("application/") && name.ends_with("+json"));
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    json && charset.is_none_or(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_declared_json_in_utf8_is_taken() {
        for (content_type, taken) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=UTF-8"), true),
            (Some("application/json; charset=\"utf-8\""), true),
            (Some("application/problem+json"), true),
            (Some("application/json; charset=latin1"), false),
            (Some("text/plain"), false),
            (Some("application/x-www-form-urlencoded"), false),
            (Some("application/jsonp"), false),
            (Some(""), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(content_type.map(|value| (header::CONTENT_TYPE, value.parse().unwrap())));
            assert_eq!(check(&headers).is_ok(), taken, "{content_type:?}");
        }
    }

    #[test]
    fn a_compressed_body_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(check(&headers).unwrap_err().status, 415);
        headers.insert(header::CONTENT_ENCODING, "identity".parse().unwrap());
        assert!(check(&headers).is_ok());
    }
}
