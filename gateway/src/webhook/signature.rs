//! Whether a delivery is GitHub's: HMAC-SHA-256 over its raw bytes.

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

const HEADER: &str = "x-hub-signature-256";
const PREFIX: &str = "sha256=";

/// A shorter secret can be guessed from one delivery.
const SHORTEST: usize = 16;

/// Why a delivery counts as nobody's. For the log, never for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("no webhook secret is configured; set GITHUB_WEBHOOK_SECRET")]
    NoSecret,
    #[error("a webhook secret is shorter than {SHORTEST} characters; set a longer one")]
    ShortSecret,
    #[error("the delivery does not have exactly one {HEADER} header")]
    NotOneSignature,
    #[error("the signature is not \"{PREFIX}\" and 64 hex digits")]
    Malformed,
    #[error("the signature does not fit the body under any configured secret")]
    Mismatch,
}

/// The secrets that may have signed a delivery: one, or two while it is being changed.
#[derive(Debug)]
pub(crate) struct Secrets(Result<Vec<SecretString>, Problem>);

/// A well-formed signature, not yet held against anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim([u8; 32]);

impl Secrets {
    /// None, or one that is too short, makes every delivery refused: a mistake in the configuration must not
    /// open the door.
    pub(crate) fn new(secrets: &[SecretString]) -> Secrets {
        Secrets(match secrets {
            [] => Err(Problem::NoSecret),
            some if some.iter().any(|secret| secret.expose_secret().len() < SHORTEST) => {
                Err(Problem::ShortSecret)
            }
            some => Ok(some.to_vec()),
        })
    }

    /// What keeps deliveries from being taken at all, if anything.
    pub(crate) fn problem(&self) -> Option<Problem> {
        self.0.as_ref().err().copied()
    }

    /// The signature of a delivery.
    pub(crate) fn claim(&self, headers: &HeaderMap) -> Result<Claim, Problem> {
        if let Some(problem) = self.problem() {
            return Err(problem);
        }
        let mut values = headers.get_all(HEADER).into_iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(Problem::NotOneSignature);
        };
        let hex = value.as_bytes().strip_prefix(PREFIX.as_bytes()).ok_or(Problem::Malformed)?;
        Ok(Claim(from_hex(hex).ok_or(Problem::Malformed)?))
    }

    /// Whether one of the secrets signed the body. Every secret is tried in full, so that the time taken does not
    /// tell which one fits, or how well.
    pub(crate) fn verify(&self, claim: &Claim, body: &[u8]) -> Result<(), Problem> {
        let secrets = self.0.as_ref().map_err(|problem| *problem)?;
        let fits = secrets.iter().map(|secret| sign(secret, body).ct_eq(&claim.0));
        let one_fits = fits.fold(Choice::from(0), |any, fits| any | fits);
        if one_fits.into() { Ok(()) } else { Err(Problem::Mismatch) }
    }
}

fn sign(secret: &SecretString, body: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
    let mut mac = mac.expect("HMAC takes a key of any length");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn from_hex(hex: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; 32];
    if hex.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
