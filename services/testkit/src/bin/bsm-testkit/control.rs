//! The second port: what a running process is asked and told.

use std::{io, net::SocketAddr};

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, Uri};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;

/// Serves control on this port of loopback and tells where. `help` is for whoever asks for it, or for nothing that
/// there is.
pub(crate) async fn serve(port: u16, router: Router, help: &'static str) -> io::Result<SocketAddr> {
    let lost = move |uri: Uri| async move {
        (StatusCode::NOT_FOUND, format!("There is no {} here.\n\n{help}\n", uri.path()))
    };
    let router = router.route("/", get(async move || format!("{help}\n"))).fallback(lost);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Something that was told and makes no sense; the caller gets the sentence.
pub(crate) struct Wrong(String);

/// Reads JSON whatever its content type, as `curl -d` sends it.
pub(crate) fn json<T: DeserializeOwned>(body: &str) -> Result<T, Wrong> {
    serde_json::from_str(body).map_err(|err| Wrong(format!("the body is not what this takes: {err}")))
}

/// Reads JSON that was put together here, so that no place in a text can be told.
pub(crate) fn value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Wrong> {
    serde_json::from_value(value).map_err(|err| Wrong(format!("the body is not what this takes: {err}")))
}

// === impl Wrong ===

impl<E: ToString> From<E> for Wrong {
    fn from(err: E) -> Self {
        Wrong(err.to_string())
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, format!("{}\n", self.0)).into_response()
    }
}
