//! A model provider on loopback that speaks the OpenAI wire and answers as scripted.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::post};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::reply::Reply;

/// A call that arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The body as sent.
    pub body: Value,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The bearer token.
    pub key: Option<String>,
}

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The running server. It ends with the runtime it was started on.
#[derive(Clone)]
pub struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Arc<Script>>,
    asked: Mutex<Vec<Asked>>,
}

impl Provider {
    /// Starts on a free port; `script` is asked about each call.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> io::Result<Provider> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { script: Mutex::new(Arc::new(script)), asked: Mutex::default() });
        let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Provider { address, shared })
    }

    /// The base URL to configure.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Every call so far, in order of arrival.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers differently from now on.
    pub fn script(&self, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(script);
    }
}

async fn complete(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    axum::Json(body): axum::Json<Value>,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        body,
        idempotency_key: text("idempotency-key"),
        key: text("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
    };
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    let script = shared.script.lock().unwrap_or_else(PoisonError::into_inner).clone();
    script(&asked).respond(&asked.body).await
}
