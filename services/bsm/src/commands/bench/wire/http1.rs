//! HTTP/1.1: a bounded number of connections, one call at a time on each.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::Semaphore;

use super::{
    super::{
        origin::Origin,
        outcome::{Outcome, Sent},
        request::Template,
    },
    answer, broken, unreachable,
};

type Connection = SendRequest<Full<Bytes>>;

/// Connections that are opened when needed and kept.
pub(crate) struct Http1 {
    origin: Origin,
    template: Template,
    idle: Mutex<Vec<Connection>>,
    /// Whoever comes first gets the next free one.
    slots: Semaphore,
    pub(super) most: usize,
}

impl Http1 {
    pub(super) fn new(origin: Origin, template: Template, most: usize) -> Http1 {
        Http1 { origin, template, idle: Mutex::default(), slots: Semaphore::new(most), most }
    }

    /// A connection whose call is given up is closed: an answer may still be on its way.
    pub(super) async fn call(&self, sent: &Sent) -> Outcome {
        let _slot = self.slots.acquire().await;
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(err) => return unreachable(&err),
        };
        sent.mark();
        let response = match connection.send_request(self.template.request()).await {
            Ok(response) => response,
            Err(err) => return broken(&err),
        };
        let (outcome, whole) = answer::read(self.template.scheme, response).await;
        if whole {
            self.idle().push(connection);
        }
        outcome
    }

    async fn connection(&self) -> io::Result<Connection> {
        loop {
            let idle = self.idle().pop();
            let Some(mut connection) = idle else { return self.connect().await };
            if connection.ready().await.is_ok() {
                return Ok(connection); // otherwise the target closed it meanwhile
            }
        }
    }

    async fn connect(&self) -> io::Result<Connection> {
        let stream = TokioIo::new(self.origin.connect().await?);
        let (connection, driver) = http1::handshake(stream).await.map_err(io::Error::other)?;
        tokio::spawn(driver); // ends with the connection; what goes wrong, the call hears, too
        Ok(connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
