//! Who asks for a change, as far as is known, and how that is handed on between services.

use http::HeaderMap;
use secrecy::SecretString;
use tonic::{Request, metadata::MetadataMap};

use crate::{
    admin_token,
    call::{Call, account},
    server::Peer,
};

/// Metadata by which the gateway says who asked it.
pub const ACTOR: &str = "x-bsm-actor";
/// Metadata by which the gateway says where the client is.
pub const CLIENT_IP: &str = "x-bsm-client-ip";

/// Who asks, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `admin` (the token was shown), `local` (none is configured, and the caller is on this machine), the id of an API
    /// key, `anonymous`, or unknown.
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
        Caller::proved(request).unwrap_or_else(unknown)
    }

    /// The caller who proved to be somebody, by the operator's token or by where they sit.
    pub fn proved<T>(request: &Request<T>) -> Option<Caller> {
        request.extensions().get::<Caller>().cloned()
    }

    /// The caller of any rpc of a service: who proved to be somebody, else on whose account the hop before says that it
    /// calls. That is believed as budgets believe it, but for `admin`, who can prove it.
    pub fn told<T>(request: &Request<T>) -> Caller {
        Caller::proved(request).unwrap_or_else(|| {
            let call = Call::of(request);
            let claims_too_much = call.caller() == account::ADMIN;
            let actor = if claims_too_much { account::ANONYMOUS } else { call.caller() };
            let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_canonical().to_string());
            let peer = peer.unwrap_or_else(|| "unknown".to_owned());
            match request.metadata().get(CLIENT_IP).and_then(|ip| ip.to_str().ok()) {
                Some(ip) => Caller { actor: actor.to_owned(), address: ip.to_owned(), via: Some(peer) },
                None => Caller { actor: actor.to_owned(), address: peer, via: None },
            }
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::new(());
        for (name, value) in headers {
            request.metadata_mut().insert(*name, value.parse().unwrap());
        }
        let call = Call::handed_on(request.metadata().as_ref());
        request.extensions_mut().insert(call);
        request.extensions_mut().insert(Peer("10.0.0.2:9".parse().unwrap()));
        request
    }

    #[test]
    fn a_caller_is_who_the_hop_before_says_but_never_an_operator_without_proof() {
        let key = Caller::told(&request(&[("x-bsm-caller", "k1"), (CLIENT_IP, "203.0.113.9")]));
        assert_eq!((key.actor.as_str(), key.address.as_str()), ("k1", "203.0.113.9"));
        assert_eq!(key.via.as_deref(), Some("10.0.0.2"));
        let pretender = Caller::told(&request(&[("x-bsm-caller", "admin"), (ACTOR, "admin")]));
        assert_eq!((pretender.actor.as_str(), pretender.address.as_str()), ("anonymous", "10.0.0.2"));
        let mut proved = request(&[]);
        let admin = Caller { actor: "admin".into(), address: "10.0.0.9".into(), via: None };
        proved.extensions_mut().insert(admin.clone());
        assert_eq!(Caller::told(&proved), admin);
    }
}
