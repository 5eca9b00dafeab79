//! The memory itself: records in a SQLite file, and the indexes that find them.

mod reader;
mod row;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;

use bsm_runtime::folder::Folder;
use rusqlite::Connection;
use tokio::sync::Semaphore;
use tracing::info;

use self::{reader::Reader, writer::Writer};
use crate::{
    collections::Collections,
    error::{Error, OpenError},
    likeness::Query,
    record::{Collection, Found, Record, Search, Stored},
};

/// The file's name in the folder.
pub const FILE: &str = "memory.db";

/// How many searches run at once; more wait. Each holds a thread and, at most, one answer.
const SEARCHES: usize = 8;

/// How often a search begins anew because a record it found was replaced before it was read.
const ATTEMPTS: usize = 16;

/// The memory. Clones share it; the last one to go closes the file and gives the folder back.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // Dropped in this order: readers let go of the file, so that the writer's end leaves one tidy file behind;
    // then the folder is given back.
    reader: Reader,
    writer: Writer,
    collections: Arc<Collections>,
    searches: Arc<Semaphore>,
    _folder: Folder,
}

// === impl Store ===

impl Store {
    /// Opens the memory in `folder`, makes it if there is none, and builds its indexes. Blocks on the disk.
    ///
    /// # Errors
    /// When the file is newer, foreign, damaged, or cannot be written.
    pub fn open(folder: Folder) -> Result<Store, OpenError> {
        let path = folder.path().join(FILE);
        let db = schema::open_writer(&path)?;
        let collections = Arc::new(Collections::default());
        let records = load(&db, &collections).map_err(|source| schema::refused(&path, source))?;
        info!(records, "the memory is open");
        let writer = Writer::start(db, Arc::clone(&collections)).map_err(OpenError::Thread)?;
        let (reader, searches) = (Reader::new(path), Arc::new(Semaphore::new(SEARCHES)));
        Ok(Store { inner: Arc::new(Inner { reader, writer, collections, searches, _folder: folder }) })
    }

    /// Keeps a record, in place of the one with the same id in its collection. `now` is in ms since 1970 and counts
    /// unless the id is known. Once this answers, the record has survived fsync and is found.
    ///
    /// Cancelled, the record is kept or not, but never by halves.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn put(&self, collection: Collection, record: Record, now: i64) -> Result<Stored, Error> {
        self.inner.writer.write(collection, record, now).await
    }

    /// The records most alike to what is searched, best first, as one answer of at most `most` bytes.
    ///
    /// # Errors
    /// When the answer would be larger; those of the disk; [`Error::Overtaken`], which may be tried again.
    pub async fn find(&self, search: Search, most: usize) -> Result<Vec<Found>, Error> {
        let turn = Arc::clone(&self.inner.searches).acquire_owned().await.map_err(|_| Error::Closed)?;
        let inner = Arc::clone(&self.inner);
        let searching = tokio::task::spawn_blocking(move || {
            let _turn = turn; // goes back when the search is over, not when the caller leaves
            inner.find(&search, most)
        });
        searching.await.map_err(|_| Error::Closed)?
    }

    /// Ends when nothing can be written any more, because the writing thread has ended.
    pub async fn ended(&self) {
        self.inner.writer.ended().await;
    }
}

impl Inner {
    fn find(&self, search: &Search, most: usize) -> Result<Vec<Found>, Error> {
        let Some(index) = self.collections.get(&search.collection) else { return Ok(Vec::new()) };
        let query = Query { words: &search.words, k: search.k, filter: &search.filter };
        for _ in 0..ATTEMPTS {
            if let Some(found) = self.reader.fetch(&index.search(&query), most)? {
                return Ok(found);
            }
        }
        Err(Error::Overtaken)
    }
}

/// Builds the indexes from the file; says how many records there are.
fn load(db: &Connection, collections: &Collections) -> rusqlite::Result<usize> {
    let mut records = 0;
    row::each(db, |collection, entry| {
        collections.begin(&collection).insert(entry);
        records += 1;
    })?;
    Ok(records)
}
