//! A short name for one version of a text.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The first 12 hexadecimal digits of the text's SHA-256.
pub(crate) fn of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(6).fold(String::new(), |mut name, byte| {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}
