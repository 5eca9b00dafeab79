//! Fetches records by key over read-only connections, which never wait for the writer.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use bsm_runtime::sqlite;
use rusqlite::Connection;

use super::row;
use crate::{
    error::{Doing, Error},
    likeness::Hit,
    record::Found,
};

/// What reads the file. Connections are opened when all others are busy, and kept.
#[derive(Debug)]
pub(super) struct Reader {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(path: PathBuf) -> Reader {
        Reader { path, idle: Mutex::default() }
    }

    /// The records of these hits, in their order; none when one of them was replaced meanwhile. Blocks on the disk.
    ///
    /// # Errors
    /// When they are larger than `most` bytes together, or the file cannot be read.
    pub(super) fn fetch(&self, hits: &[Hit], most: usize) -> Result<Option<Vec<Found>>, Error> {
        let idle = self.lock().pop();
        let db = match idle {
            Some(db) => db,
            None => sqlite::open_to_read(&self.path).doing("opening the memory to read")?,
        };
        let found = fetch(&db, hits, most);
        self.lock().push(db);
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fetch(db: &Connection, hits: &[Hit], most: usize) -> Result<Option<Vec<Found>>, Error> {
    let (mut found, mut bytes) = (Vec::with_capacity(hits.len()), 0);
    for hit in hits {
        let Some(fetched) = row::fetch(db, hit.key).doing("reading a record")? else { return Ok(None) };
        bytes += fetched.bytes;
        if bytes > most {
            return Err(Error::ResultsTooLarge { found: hits.len(), fitting: found.len() });
        }
        let row::Fetched { record, created_at, .. } = fetched;
        found.push(Found { score: hit.score, created_at, record });
    }
    Ok(Some(found))
}
