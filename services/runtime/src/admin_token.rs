//! The operator's token, compared without telling how much of it was right.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};

/// The header and metadata key that carries the token.
pub const HEADER: &str = "x-admin-token";

/// A shorter token, in bytes, can be guessed.
const SHORTEST: usize = 16;

/// Tokens found in examples and in old defaults.
const KNOWN: &[&str] = &["change-me-please-now", "admin-token-change-me", "your-secret-admin-token"];

/// Why a token keeps nobody out for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// It can be guessed.
    #[error("ADMIN_TOKEN is shorter than {SHORTEST} characters, which can be guessed; set a longer one")]
    Short,
    /// Everybody can read it.
    #[error("ADMIN_TOKEN is a value from an example; make one of your own")]
    Known,
}

/// What is weak about a token, if anything.
pub fn weakness(token: &SecretString) -> Option<Weakness> {
    match token.expose_secret() {
        token if token.len() < SHORTEST => Some(Weakness::Short),
        token if KNOWN.contains(&token) => Some(Weakness::Known),
        _ => None,
    }
}

/// Whether a token can be sent at all: headers hold the printable signs of ASCII.
pub fn can_be_sent(token: &str) -> bool {
    token.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Shows the token in the metadata of a call. A token that no header can hold is not shown, and the call refused.
pub fn show(token: Option<&SecretString>, metadata: &mut MetadataMap) {
    if let Some(mut value) = token.and_then(|token| AsciiMetadataValue::try_from(token.expose_secret()).ok())
    {
        value.set_sensitive(true); // kept out of the tables of header compression
        metadata.insert(HEADER, value);
    }
}

/// The token to compare with. Only a digest is kept, so that texts of any length compare in the same time.
#[derive(Clone, Debug)]
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// The token of the settings.
    pub fn new(token: &SecretString) -> AdminToken {
        AdminToken(Sha256::digest(token.expose_secret()).into())
    }

    /// Whether `given` is the token.
    pub fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        given.ct_eq(&self.0).into()
    }
}
