//! The text of an API key, `bsm_<id>_<secret>`: how it is made and read. Who keeps keys never sees a secret, only its
//! [`Presented::proof`].

use std::fmt;

use sha2::{Digest as _, Sha256};

/// What every key begins with, by which it is told from other tokens.
pub const PREFIX: &str = "bsm_";

/// Characters of an id: 60 bits.
pub const ID_LENGTH: usize = 12;

/// Bytes of a secret.
pub const SECRET_LENGTH: usize = 32;

/// The characters of ids: digits and letters without those that look alike.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A key that somebody presents, without its secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Presented {
    /// Its id.
    pub id: String,
    /// The SHA-256 of its secret.
    pub proof: [u8; 32],
}

/// The id that these random bytes make.
pub fn id(random: [u8; ID_LENGTH]) -> String {
    random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

/// The text of a key.
pub fn text(id: &str, secret: &[u8; SECRET_LENGTH]) -> String {
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{id}_{secret}")
}

/// Whether a token means to be a key.
pub fn is_meant(token: &[u8]) -> bool {
    token.starts_with(PREFIX.as_bytes())
}

// === impl Presented ===

impl Presented {
    /// Reads the text of a key. What has another form gets an id that no key has, so that it goes the same way as a key
    /// that is wrong.
    pub fn read(token: &[u8]) -> Presented {
        let text = std::str::from_utf8(token).ok().and_then(|text| text.strip_prefix(PREFIX));
        let (id, secret) = text.and_then(|rest| rest.split_once('_')).unwrap_or_default();
        let is_id = id.len() == ID_LENGTH && id.bytes().all(|byte| LETTERS.contains(&byte));
        let id = if is_id { id.to_owned() } else { "-".repeat(ID_LENGTH) };
        Presented { id, proof: Sha256::digest(secret.as_bytes()).into() }
    }
}

impl fmt::Debug for Presented {
    /// The id alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_its_secret_is_not_kept() {
        let text = text(&id([0, 1, 2, 3, 4, 5, 31, 32, 200, 254, 255, 9]), &[0xab; SECRET_LENGTH]);
        assert_eq!(text, format!("bsm_012345z08yz9_{}", "ab".repeat(32)));
        let read = Presented::read(text.as_bytes());
        assert_eq!(read.id, "012345z08yz9");
        assert_eq!(read.proof, <[u8; 32]>::from(Sha256::digest("ab".repeat(32))));
        assert_eq!(format!("{read:?}"), "Presented { id: \"012345z08yz9\", .. }");
    }

    #[test]
    fn what_has_another_form_is_nobodys_key() {
        for token in
            ["", "sk-1", "bsm_", "bsm_short_ab", "bsm_0123456789AB_ab", "bsm_012345678901", "bsm__ab"]
        {
            assert_eq!(Presented::read(token.as_bytes()).id, "------------", "{token}");
        }
        assert_eq!(Presented::read(b"bsm_\xff").id, "------------");
        assert!(is_meant(b"bsm_x") && !is_meant(b"sk-bsm_x") && !is_meant(b""));
    }
}
