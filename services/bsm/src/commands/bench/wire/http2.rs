//! HTTP/2: a few connections, many calls at a time on each, in turn.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Mutex;

use super::{
    super::{
        origin::Origin,
        outcome::{Outcome, Sent},
        request::Template,
    },
    answer, broken, unreachable,
};

type Connection = SendRequest<Full<Bytes>>;

/// So much may be on its way to us, of a call and of a connection: the target is measured, not our windows.
const WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// Connections that are opened when needed and kept.
pub(crate) struct Http2 {
    origin: Origin,
    template: Template,
    lanes: Vec<Mutex<Option<Connection>>>,
    turn: AtomicUsize,
}

impl Http2 {
    pub(super) fn new(origin: Origin, template: Template, most: usize) -> Http2 {
        let lanes = (0..most.max(1)).map(|_| Mutex::new(None)).collect();
        Http2 { origin, template, lanes, turn: AtomicUsize::new(0) }
    }

    pub(super) fn most(&self) -> usize {
        self.lanes.len()
    }

    /// A call that is given up resets its stream and no other.
    pub(super) async fn call(&self, sent: &Sent) -> Outcome {
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(err) => return unreachable(&err),
        };
        sent.mark();
        match connection.send_request(self.template.request()).await {
            Ok(response) => answer::read(self.template.scheme, response).await.0,
            Err(err) => broken(&err),
        }
    }

    async fn connection(&self) -> io::Result<Connection> {
        let turn = self.turn.fetch_add(1, Relaxed) % self.lanes.len();
        let mut lane = self.lanes[turn].lock().await; // held while connecting, so that one call does it for all
        if let Some(open) = lane.as_ref().filter(|open| !open.is_closed()) {
            return Ok(open.clone());
        }
        let opened = self.connect().await?;
        Ok(lane.insert(opened).clone())
    }

    async fn connect(&self) -> io::Result<Connection> {
        let stream = TokioIo::new(self.origin.connect().await?);
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        let (connection, driver) = builder.handshake(stream).await.map_err(io::Error::other)?;
        tokio::spawn(driver); // ends with the connection; what goes wrong, the calls hear, too
        Ok(connection)
    }
}
