//! TLS in front of a server on loopback, with certificates of an authority that nobody else knows.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// Signs certificates for this test alone.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// Takes TLS connections and hands on what is in them. It ends with the runtime it was started on.
pub struct Terminator {
    port: u16,
    connections: Arc<AtomicUsize>,
}

// === impl Authority ===

impl Authority {
    /// A new one.
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes its certificate where SSL_CERT_FILE can name it.
    pub fn write(&self, file: &Path) {
        std::fs::write(file, self.0.pem()).unwrap();
    }

    /// A server of this name which speaks these protocols, such as `h2`.
    fn server(&self, name: &str, protocols: &[&str]) -> ServerConfig {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth();
        let mut config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}

impl Default for Authority {
    fn default() -> Authority {
        Authority::new()
    }
}

// === impl Terminator ===

impl Terminator {
    /// Takes connections for `localhost` and hands them on to this port.
    pub async fn start(authority: &Authority, protocols: &[&str], to: u16) -> Terminator {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(authority.server("localhost", protocols)));
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(hand_on(acceptor.clone(), stream, to, counted.clone()));
            }
        });
        Terminator { port, connections }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connections whose handshake went well.
    pub fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }
}

async fn hand_on(acceptor: TlsAcceptor, stream: TcpStream, to: u16, counted: Arc<AtomicUsize>) {
    let Ok(mut inside) = acceptor.accept(stream).await else { return };
    counted.fetch_add(1, Relaxed);
    let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
    let _ = copy_bidirectional(&mut inside, &mut server).await; // either may leave as it likes
}
