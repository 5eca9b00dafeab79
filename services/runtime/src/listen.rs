//! Binding ports early, with a sentence when one is taken.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::{role::Role, server::Listeners, settings::Settings};

/// Why a port cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{role} cannot listen on {address}: {}; give it another port with --set {role}.port=<port>", reason(.source))]
pub struct Error {
    role: Role,
    address: SocketAddr,
    source: io::Error,
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
    let api = bind_one(role, SocketAddr::new(settings.host, port)).await?;
    let ops = bind_one(role, SocketAddr::new(settings.host, Role::ops_port(port))).await?;
    Ok(Listeners { api, ops })
}

async fn bind_one(role: Role, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error { role, address, source })
}
