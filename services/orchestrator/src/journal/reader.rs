//! Reading beside the writer: a few read-only connections, used on blocking threads and never on the runtime's.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{error::Error, schema};

/// How many reads run at once.
const CONNECTIONS: usize = 4;

/// The pool of reading connections. In WAL mode they see the last commit and never wait for the writer.
#[derive(Clone)]
pub(super) struct Reader {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Reader {
    pub(super) fn new(path: PathBuf) -> Self {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        Self { path: Arc::new(path), idle: Arc::default(), places }
    }

    /// Runs `query` on a reading connection.
    ///
    /// # Errors
    /// Those of `query`, or when no connection can be opened.
    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Error::Closed)?;
        let reader = self.clone();
        let read = move || {
            let _place = place;
            reader.on_connection(query)
        };
        tokio::task::spawn_blocking(read).await.map_err(|err| Error::of_task("a reading", &err))?
    }

    /// Keeps every read waiting until what this returns is dropped.
    #[cfg(test)]
    pub(super) async fn hold(&self) -> tokio::sync::OwnedSemaphorePermit {
        Arc::clone(&self.places).acquire_many_owned(CONNECTIONS as u32).await.unwrap()
    }

    fn on_connection<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let db = match idle {
            Some(db) => db,
            None => schema::open_reader(&self.path)?,
        };
        let answer = query(&db);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
        answer
    }
}
