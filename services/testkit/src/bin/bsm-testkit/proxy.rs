//! `bsm-testkit proxy`.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use bsm_testkit::{
    Fault, Proxy, Seed,
    proxy::{Counts, Setup},
};
use http::StatusCode;

use crate::{cannot_listen, cli, control::Wrong};

pub(crate) async fn start(args: cli::Proxy) -> anyhow::Result<(SocketAddr, Router)> {
    let setup = Setup { listen: ([127, 0, 0, 1], args.port).into(), seed: Seed(args.seed) };
    let proxy = Proxy::set_up(args.to, setup).await.with_context(|| cannot_listen(args.port))?;
    proxy.set(args.fault).await?;
    let address = proxy.address();
    let control = Router::new()
        .route("/fault", get(show).put(set).delete(heal))
        .route("/cut", post(cut))
        .route("/counts", get(counts))
        .route("/fired", get(fired))
        .with_state(Arc::new(proxy));
    Ok((address, control))
}

async fn show(State(proxy): State<Arc<Proxy>>) -> String {
    format!("{}\n", proxy.fault())
}

async fn set(State(proxy): State<Arc<Proxy>>, body: String) -> Result<String, Wrong> {
    proxy.set(body.trim().parse::<Fault>()?).await?;
    Ok(show(State(proxy)).await)
}

async fn heal(State(proxy): State<Arc<Proxy>>) -> Result<String, Wrong> {
    proxy.heal().await?;
    Ok(show(State(proxy)).await)
}

async fn cut(State(proxy): State<Arc<Proxy>>) -> Json<Counts> {
    proxy.cut();
    counts(State(proxy)).await
}

async fn counts(State(proxy): State<Arc<Proxy>>) -> Json<Counts> {
    Json(proxy.counts())
}

/// No fault has not fired, either: whoever asks wants proof of one.
async fn fired(State(proxy): State<Arc<Proxy>>) -> (StatusCode, String) {
    let fault = proxy.fault();
    match proxy.fired() {
        _ if fault == Fault::NONE => (StatusCode::CONFLICT, "no fault is in force\n".to_owned()),
        Ok(()) => (StatusCode::OK, format!("{fault} has fired\n")),
        Err(not_yet) => (StatusCode::CONFLICT, format!("{not_yet}\n")),
    }
}
