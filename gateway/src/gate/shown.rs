//! What a request shows of who it comes from, told apart before anything is decided.

use bsm_runtime::{
    admin_token::{AdminToken, HEADER},
    api_key::Presented,
};
use http::{HeaderMap, header};

use super::{key, token};

/// What a request shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The operator's token.
    Token,
    /// An API key, right or wrong.
    Key(Presented),
    /// A token that is meant for somebody else's API: clients of such APIs cannot be kept from sending one.
    Foreign,
    /// Something that cannot be the operator's token, though it was sent as that.
    Wrong(Wrong),
    /// Nothing.
    Nothing,
}

/// What was sent as the operator's token and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// An `Authorization` header of a scheme that is not taken here, or of none.
    Scheme,
    /// The password of Basic authentication.
    Password,
}

/// The schemes of `Authorization` that are taken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Bearer,
    Basic,
    Other,
}

// === impl Shown ===

impl Shown {
    /// What is shown in these headers. The operator's token goes before a key, and both before what is wrong beside them.
    pub(super) fn of(token: Option<&AdminToken>, headers: &HeaderMap) -> Shown {
        if token.is_some_and(|token| token::is_presented(token, headers)) {
            return Shown::Token;
        }
        if let Some(key) = key::presented(headers) {
            return Shown::Key(key);
        }
        match Scheme::of(headers) {
            Some(Scheme::Other) => Shown::Wrong(Wrong::Scheme),
            Some(Scheme::Basic) => Shown::Wrong(Wrong::Password),
            Some(Scheme::Bearer) => Shown::Foreign,
            None if headers.contains_key(key::X_API_KEY) => Shown::Foreign,
            None => Shown::Nothing,
        }
    }

    /// What is wrong with it, for who is not let in. The same for every key that opens nothing, and for every token.
    pub(super) fn sentence(&self, headers: &HeaderMap) -> &'static str {
        match self {
            Shown::Wrong(Wrong::Scheme) => {
                "The scheme of the Authorization header is none that is taken here: they are Bearer and Basic."
            }
            Shown::Wrong(Wrong::Password) => {
                "The password of Basic authentication is not the operator's token."
            }
            Shown::Key(_) => INVALID_KEY,
            Shown::Foreign => "The key that was sent is none of this gateway's, which begin with bsm_.",
            Shown::Nothing if headers.contains_key(HEADER) => {
                "The token in the header x-admin-token is not the operator's."
            }
            Shown::Nothing | Shown::Token => "This needs an API key or the operator's token.",
        }
    }
}

/// What is said of a key that opens nothing, whatever is wrong with it.
pub(super) const INVALID_KEY: &str = "The API key is not valid: it is unknown, wrong, expired or revoked.";

// === impl Scheme ===

impl Scheme {
    /// That of the `Authorization` header, if there is one. A scheme without anything behind it is none.
    fn of(headers: &HeaderMap) -> Option<Scheme> {
        let value = headers.get(header::AUTHORIZATION)?.as_bytes();
        let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
        let (scheme, rest) = value.split_at(end);
        Some(match scheme {
            _ if rest.trim_ascii().is_empty() => Scheme::Other,
            scheme if scheme.eq_ignore_ascii_case(b"bearer") => Scheme::Bearer,
            scheme if scheme.eq_ignore_ascii_case(b"basic") => Scheme::Basic,
            _ => Scheme::Other,
        })
    }
}
