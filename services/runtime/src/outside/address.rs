//! Where one request goes: a URL in its normal form, and the user that it may name.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use url::Url;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Without a user: nobody but the server is to see one.
    pub(super) uri: Uri,
    /// Whoever the URL names, as `Authorization` tells it.
    pub(super) user: Option<HeaderValue>,
}

/// A request's URL is none.
#[derive(Debug, thiserror::Error)]
#[error("the request has no URL that can be asked")]
pub(super) struct NoUrl;

// === impl Address ===

impl Address {
    pub(super) fn of(mut url: Url) -> Result<Address, NoUrl> {
        let user = user(&url);
        if user.is_some() {
            url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| NoUrl)?;
        }
        url.set_fragment(None);
        Ok(Address { uri: url.as_str().parse().map_err(|_| NoUrl)?, user })
    }
}

fn user(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [decoded(url.username()), decoded(url.password().unwrap_or_default())].join(&b':');
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether a request's URL is of the origin of `own` and in its normal form, as far as that can be seen without reading
/// it anew, which takes longer than all else that is done here. `false` means that it has to be read.
pub(super) fn is_plainly_below(own: &Url, uri: &Uri) -> bool {
    uri.scheme_str() == Some(own.scheme())
        && uri.host() == own.host_str()
        && uri.port_u16() == own.port()
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && uri.path_and_query().is_some_and(|path| is_plain(path.as_str()))
}

/// Whether nothing in a path would be written otherwise: no character that must be escaped, and no `.` or `..`.
fn is_plain(path: &str) -> bool {
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:&=?".contains(&byte);
    path.bytes().all(may_stand) && !path.contains("/.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_plain(own: &str, url: &str) -> bool {
        is_plainly_below(&own.parse().unwrap(), &url.parse().unwrap())
    }

    #[test]
    fn only_what_stays_as_it_is_passes_without_being_read_anew() {
        for (own, url) in [
            ("http://127.0.0.1:9000/v1", "http://127.0.0.1:9000/v1/chat/completions"),
            ("https://api.openai.com/v1", "https://api.openai.com/v1/x?alt=sse"),
            ("http://[::1]:9000", "http://[::1]:9000/v1beta/models/a-1:generate"),
        ] {
            assert!(is_plain(own, url), "{url}");
            assert_eq!(Url::parse(url).unwrap().as_str(), url);
        }
    }

    #[test]
    fn other_origins_and_other_forms_of_the_same_are_read_anew() {
        let own = "http://api.example.com/v1";
        for url in [
            "https://api.example.com/v1",
            "http://api.example.com.evil.net/v1",
            "http://api.example.com:81/v1",
            "http://api.example.com:80/v1",
            "http://API.example.com/v1",
            "http://api.example.com@evil.net/v1",
            "http://me@api.example.com/v1",
            "http://evil.net/http://api.example.com/",
            "http://api.example.com/a/../v1",
            "http://api.example.com/a/./v1",
            "http://api.example.com/%2e%2e/v1",
            "http://api.example.com/{model}",
            "/v1",
        ] {
            assert!(!is_plain(own, url), "{url}");
        }
    }

    #[test]
    fn a_user_in_a_url_goes_into_the_header_and_nowhere_else() {
        let address = Address::of("http://me:p%40ss@a.example/x#y".parse().unwrap()).unwrap();
        let user = HeaderValue::from_static("Basic bWU6cEBzcw==");
        assert_eq!(address, Address { uri: Uri::from_static("http://a.example/x"), user: Some(user) });
    }
}
