//! The operator's token, compared without telling how much of it was right.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};

/// The header and metadata key that carries the token.
pub const HEADER: &str = "x-admin-token";

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
