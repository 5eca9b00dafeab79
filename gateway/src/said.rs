//! Headers in which a client says how its call is meant: they can be read, or the request is refused. A wish that is
//! passed over in silence is one that the client believes fulfilled.

use bsm_stack::{Priority, priority::PRIORITY};
use http::{HeaderMap, HeaderName};

use crate::fault::Fault;

/// Headers whose lines are parts of one list; of all others there is one line.
const LISTS: [&str; 3] = ["cache-control", "anthropic-beta", "openai-beta"];

/// What a header says; `None` without it.
///
/// # Errors
/// 400 when it is not visible ASCII, or says two things.
pub(crate) fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Fault> {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else { return Ok(None) };
    let read = |line: &http::HeaderValue| line.to_str().map(str::to_owned);
    let mut said = read(first).map_err(|_| refused(name, "must be visible ASCII characters"))?;
    for line in lines {
        let line = read(line).map_err(|_| refused(name, "must be visible ASCII characters"))?;
        if LISTS.contains(&name.as_str()) {
            said = format!("{said}, {line}");
        } else if line != said {
            return Err(refused(name, "must be given once only"));
        }
    }
    Ok(Some(said))
}

/// How important a client calls its request.
///
/// # Errors
/// 400 when it is none of the words for that.
pub(crate) fn priority(headers: &HeaderMap) -> Result<Option<Priority>, Fault> {
    let Some(word) = text(headers, &PRIORITY)? else { return Ok(None) };
    let known = Priority::parse(word.trim());
    known.map(Some).ok_or_else(|| refused(&PRIORITY, "must be batch, normal or critical"))
}

fn refused(name: &HeaderName, problem: &str) -> Fault {
    let fault = Fault::bad_request("INVALID_HEADER", format!("The header {name} {problem}."));
    fault.violation(name.as_str(), problem)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &[u8])| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn a_header_that_cannot_be_read_or_says_two_things_is_refused() {
        let name = HeaderName::from_static("idempotency-key");
        for lines in [
            &[("idempotency-key", &b"k-\xfc"[..])][..],
            &[("idempotency-key", b"a"), ("idempotency-key", b"b")],
        ] {
            let fault = text(&headers(lines), &name).unwrap_err();
            assert_eq!(
                (fault.status.as_u16(), &*fault.code, fault.field()),
                (400, "INVALID_HEADER", Some("idempotency-key"))
            );
        }
        let twice = headers(&[("idempotency-key", b"a"), ("idempotency-key", b"a")]);
        assert_eq!(text(&twice, &name).unwrap().as_deref(), Some("a"));
        let list = headers(&[("cache-control", b"no-cache"), ("cache-control", b"max-age=1")]);
        assert_eq!(
            text(&list, &http::header::CACHE_CONTROL).unwrap().as_deref(),
            Some("no-cache, max-age=1")
        );
        assert_eq!(text(&list, &name), Ok(None));
    }

    #[test]
    fn an_unknown_importance_is_refused() {
        assert_eq!(priority(&headers(&[("x-bsm-priority", b" Batch")])), Ok(Some(Priority::Batch)));
        assert_eq!(priority(&headers(&[])), Ok(None));
        for word in [&b"urgent"[..], b"", b"\xfc"] {
            assert_eq!(priority(&headers(&[("x-bsm-priority", word)])).unwrap_err().status, 400, "{word:?}");
        }
    }
}
