//! The operator's token, compared without telling how much of it was right.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Where scripts put the token; browsers put it into Basic authentication as the password.
const HEADER: &str = "x-admin-token";

/// Only a digest is kept, so that texts of any length compare in the same time.
#[derive(Debug)]
pub(super) struct AdminToken([u8; 32]);

impl AdminToken {
    pub(super) fn new(token: &SecretString) -> AdminToken {
        AdminToken(Sha256::digest(token.expose_secret()).into())
    }

    /// Whether the request carries the token. A token in the query is never looked at: queries end up in logs.
    pub(super) fn is_presented(&self, headers: &HeaderMap) -> bool {
        let own = headers.get(HEADER).map(|value| value.as_bytes().to_vec());
        own.or_else(|| basic_password(headers)).is_some_and(|given| self.is(&given))
    }

    fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        given.ct_eq(&self.0).into()
    }
}

/// The password of `Authorization: Basic <user>:<password>`.
fn basic_password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let pair =
        scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(encoded.trim()).ok())??;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}
