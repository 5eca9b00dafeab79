//! Who asks for a change, as far as is known, and how that is handed on between services.

use http::HeaderMap;
use secrecy::SecretString;
use tonic::{Request, metadata::MetadataMap};

use crate::admin_token;

/// Metadata by which the gateway says who asked it.
pub const ACTOR: &str = "x-bsm-actor";
/// Metadata by which the gateway says where the client is.
pub const CLIENT_IP: &str = "x-bsm-client-ip";

/// Who asks, for the audit log. There are no identities yet beyond "holds the token" and "sits at this machine".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `admin` (the token was shown), `local` (none is configured, and the caller is on this machine), or unknown.
    pub actor: String,
    /// The client's address.
    pub address: String,
    /// The address that the call came from, when somebody else handed it on.
    pub via: Option<String>,
}

impl Caller {
    /// The caller of an admin rpc, as the server stack found out. Outside of that, nobody known.
    pub fn of<T>(request: &Request<T>) -> Caller {
        let unknown = || Caller { actor: "unknown".into(), address: "unknown".into(), via: None };
        request.extensions().get::<Caller>().cloned().unwrap_or_else(unknown)
    }

    /// Says in the metadata of a call to another service who asked for it, and shows the token by which that
    /// service knows that it may believe it.
    pub fn forward(&self, token: Option<&SecretString>, metadata: &mut MetadataMap) {
        for (key, text) in [(ACTOR, &self.actor), (CLIENT_IP, &self.address)] {
            if let Ok(value) = text.parse() {
                metadata.insert(key, value);
            }
        }
        admin_token::show(token, metadata);
    }

    /// What a service that was admitted to hand calls on says of the one who asked it.
    pub(crate) fn forwarded(self, headers: &HeaderMap) -> Caller {
        let text = |key| headers.get(key).and_then(|value| value.to_str().ok()).map(str::to_owned);
        match (text(ACTOR), text(CLIENT_IP)) {
            (Some(actor), Some(address)) => Caller { actor, address, via: Some(self.address) },
            _ => self,
        }
    }
}
