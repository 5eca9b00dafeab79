//! Where requests carry an API key.

use bsm_runtime::api_key::{self, Presented};
use http::{HeaderMap, header};

/// The header of Anthropic's clients, beside which all others use `Authorization: Bearer`.
pub(super) const X_API_KEY: &str = "x-api-key";

/// The key that the request presents, right or wrong. Tokens that are not meant as one of ours count as none: clients of
/// other APIs cannot be kept from sending something. A key in the query is never looked at: queries end up in logs.
pub(super) fn presented(headers: &HeaderMap) -> Option<Presented> {
    let own = headers.get(X_API_KEY).map(|value| value.as_bytes());
    [bearer(headers), own].into_iter().flatten().find(|token| api_key::is_meant(token)).map(Presented::read)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.as_bytes().split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn keys_are_found_where_clients_put_them_and_other_tokens_are_none() {
        let text = format!("bsm_0123456789ab_{}", "0".repeat(64));
        for (name, value, found) in [
            ("authorization", format!("Bearer {text}"), true),
            ("authorization", format!("bearer  {text} "), true),
            ("x-api-key", text.clone(), true),
            ("authorization", text.clone(), false),
            ("authorization", format!("Basic {text}"), false),
            ("authorization", "Bearer sk-anything".to_owned(), false),
            ("x-api-key", "sk-ant-anything".to_owned(), false),
            ("authorization", "Bearer".to_owned(), false),
            ("x-admin-token", text.clone(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(http::HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
            let id = presented(&headers).map(|key| key.id);
            assert_eq!(id.as_deref(), found.then_some("0123456789ab"), "{name}: {value}");
        }
    }
}
