//! The gateway as clients see it: whole requests through the whole router, in front of services on real sockets.

mod contract;
mod deliveries;
mod faces;
mod fake;
mod kept;
mod keys;
mod limits;
mod operate;
mod sockets;
mod streams;

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    response::Response,
};
use bsm_runtime::{
    drain::Drain,
    metrics::Metrics,
    process::Process,
    role::Role,
    server::Peer,
    settings::{Layers, Settings},
};
use http::HeaderMap;
use serde_json::Value;
use tower::ServiceExt as _;

use fake::Fake;

/// Long enough for any answer of a test that passes.
const SOON: Duration = Duration::from_secs(10);

/// The secret that signs deliveries.
const SECRET: &str = "a-secret-of-16-b";

/// A gateway in front of fakes.
struct Rig {
    router: Router,
    fake: Fake,
    process: Process,
    /// Kept until the end of the test.
    _data: tempfile::TempDir,
}

impl Rig {
    async fn start(flags: &[(&str, &str)]) -> Rig {
        let fake = Fake::start().await;
        Rig::toward(fake.address, fake, flags)
    }

    /// With every role at `address`.
    fn toward(address: SocketAddr, fake: Fake, flags: &[(&str, &str)]) -> Rig {
        let data = tempfile::tempdir().unwrap();
        let mut all = vec![("data_dir".to_owned(), data.path().display().to_string())];
        all.push(("webhook_secret".to_owned(), SECRET.to_owned()));
        for role in Role::ALL {
            all.push((format!("{role}.url"), format!("http://{address}")));
        }
        all.extend(flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let settings = Settings::from_layers(&Layers::read(None, |_| None, &all)).unwrap();
        let drain = Drain::new(Duration::from_secs(1));
        let process = Process::new(Role::Gateway, settings.into(), drain, Metrics::default());
        let router = crate::pipeline::router(crate::build(&process).unwrap().gateway);
        Rig { router, fake, process, _data: data }
    }

    async fn send(&self, request: Request) -> Response {
        tokio::time::timeout(SOON, self.router.clone().oneshot(request)).await.expect("in time").unwrap()
    }

    async fn json(&self, request: Request) -> (u16, Value) {
        let answer = read(self.send(request).await).await;
        (answer.status, answer.json())
    }
}

/// An answer read to its end.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err}: {}", self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn read(response: Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes =
        tokio::time::timeout(SOON, to_bytes(response.into_body(), usize::MAX)).await.expect("in time");
    Answer { status, headers, body: String::from_utf8(bytes.unwrap().to_vec()).unwrap() }
}

/// A request as it comes from this machine.
fn request(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request {
    let mut request = http::Request::builder().method(method).uri(path).header("host", "localhost:8080");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer: SocketAddr = "127.0.0.1:40000".parse().unwrap();
    request.extension(Peer(peer)).body(body.into()).unwrap()
}

fn get(path: &str) -> Request {
    request("GET", path, &[], Body::empty())
}

fn post(path: &str, json: &Value) -> Request {
    request("POST", path, &[("content-type", "application/json")], json.to_string())
}
