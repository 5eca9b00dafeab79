//! What a new key must be, and whether one that is presented is valid. Pure.

use bsm_proto::registry::v1::CreateKeyRequest;
use subtle::ConstantTimeEq as _;

use super::{
    error::Error,
    scope::{SCOPES, Scopes},
};

/// Characters of a name at most.
const LONGEST_NAME: usize = 64;

/// The last moment at which a key may end, in ms since 1970: the year 9999.
const LAST: f64 = 253_370_764_800_000.0;

/// A keyed hash of a secret.
pub(super) type Seal = [u8; 32];

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) scopes: Scopes,
    pub(super) seal: Seal,
    /// In ms since 1970, as all times.
    pub(super) created_at: i64,
    pub(super) created_by: String,
    pub(super) expires_at: Option<i64>,
    pub(super) revoked_at: Option<i64>,
}

/// What a request wants of a new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) scopes: Scopes,
    pub(super) expires_at: Option<i64>,
}

// === impl Wanted ===

impl Wanted {
    /// Checks a request.
    ///
    /// # Errors
    /// Every field that is not as the contract wants it.
    pub(super) fn check(request: CreateKeyRequest, now: i64) -> Result<Wanted, Error> {
        let mut wrong = Vec::new();
        let CreateKeyRequest { name, scopes, expires_at } = request;
        let length = name.trim().chars().count();
        if !(1..=LONGEST_NAME).contains(&length) || name.chars().any(char::is_control) {
            wrong.push(("name", format!("must be 1 to {LONGEST_NAME} characters, none a control character")));
        }
        let set = Scopes::of(&scopes);
        if set.is_none() {
            wrong.push(("scopes", format!("must be some of {}, each once", SCOPES.join(", "))));
        }
        // NaN is in no range, so it ends here too.
        if expires_at.is_some_and(|at| !(now as f64 + 1.0..=LAST).contains(&at)) {
            wrong.push(("expires_at", "must be a time to come, in ms since 1970-01-01 UTC".to_owned()));
        }
        match set {
            Some(scopes) if wrong.is_empty() => {
                let expires_at = expires_at.map(|at| at as i64);
                Ok(Wanted { name: name.trim().to_owned(), scopes, expires_at })
            }
            _ => Err(Error::Invalid(wrong)),
        }
    }
}

// === impl Key ===

impl Key {
    /// valid, expired or revoked.
    pub(super) fn state(&self, now: i64) -> &'static str {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(at)) if at <= now => "expired",
            (None, _) => "valid",
        }
    }
}

/// What a presented key may do: `found` is the key of its id, `seal` the hash of what was presented. Compares in the
/// same way whether there is such a key or not.
///
/// # Errors
/// [`Error::NotValid`], whatever is wrong with it.
pub(super) fn admit(found: Option<&Key>, seal: &Seal, now: i64) -> Result<Scopes, Error> {
    let kept = found.map_or([0; 32], |key| key.seal);
    let is_same = bool::from(kept.ct_eq(seal));
    found
        .filter(|key| is_same && key.state(now) == "valid")
        .map(|key| key.scopes.clone())
        .ok_or(Error::NotValid)
}
