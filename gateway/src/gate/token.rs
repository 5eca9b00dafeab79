//! Where requests carry the operator's token.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bsm_runtime::admin_token::{AdminToken, HEADER};
use http::{HeaderMap, header};

/// Where Anthropic's clients put their key.
const API_KEY: &str = "x-api-key";

/// Whether the request carries the token: scripts put it into a header of its own, browsers into Basic
/// authentication as the password, clients of OpenAI's and Anthropic's APIs where they put their keys. A token in the query is never looked at: queries end up in logs.
pub(super) fn is_presented(token: &AdminToken, headers: &HeaderMap) -> bool {
    let own = headers.get(HEADER).map(|value| value.as_bytes().to_vec());
    let given = own.or_else(|| basic_password(headers)).or_else(|| key(headers));
    given.is_some_and(|given| token.is(&given))
}

/// `Authorization: Bearer <key>`, or the key in a header of its own.
fn key(headers: &HeaderMap) -> Option<Vec<u8>> {
    let bearer = || {
        let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().as_bytes().to_vec())
    };
    bearer().or_else(|| headers.get(API_KEY).map(|value| value.as_bytes().to_vec()))
}

/// The password of `Authorization: Basic <user>:<password>`.
fn basic_password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let pair =
        scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(encoded.trim()).ok())??;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}
