//! Binding ports early, with a sentence when one is taken.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::{role::Role, server::Listeners, settings::Settings};

/// Why a port cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error(
    "{role} cannot listen on {address}{}: {}; give it another port with --set {role}.port=<port>",
    purpose.clause(), reason(.source)
)]
pub struct Error {
    role: Role,
    purpose: Purpose,
    address: SocketAddr,
    source: io::Error,
}

/// Which of a role's two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Api,
    Ops,
}

impl Purpose {
    /// The API's port is the one that was chosen; the other needs a word.
    const fn clause(self) -> &'static str {
        match self {
            Purpose::Api => "",
            Purpose::Ops => " (for metrics, 1000 above the port of its API)",
        }
    }
}

fn reason(err: &io::Error) -> String {
    match err.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        _ => err.to_string(),
    }
}

/// Binds a role's two ports. With port 0 the system chooses both.
///
/// # Errors
/// When a port is taken or not allowed.
pub async fn bind(role: Role, settings: &Settings) -> Result<Listeners, Error> {
    let port = settings.port(role);
    let bind = async |purpose, port| {
        let address = SocketAddr::new(settings.host, port);
        TcpListener::bind(address).await.map_err(|source| Error { role, purpose, address, source })
    };
    let api = bind(Purpose::Api, port).await?;
    let ops = bind(Purpose::Ops, Role::ops_port(port)).await?;
    Ok(Listeners { api, ops })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_taken_port_for_metrics_is_told_from_that_of_the_api() {
        let told = |purpose| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 9080));
            Error { role: Role::Gateway, purpose, address, source: io::ErrorKind::AddrInUse.into() }
                .to_string()
        };
        assert_eq!(
            [told(Purpose::Api), told(Purpose::Ops)],
            ["", " (for metrics, 1000 above the port of its API)"].map(|purpose| format!(
                "gateway cannot listen on 127.0.0.1:9080{purpose}: the port is in use; give it another port with \
                 --set gateway.port=<port>"
            ))
        );
    }
}
