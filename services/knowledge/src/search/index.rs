//! The index of all passages: derived from the documents, kept on disk so that a start need not make it anew, and made
//! anew whenever what is on disk is not exactly what the documents would give.

use std::{
    fmt::Display,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use bsm_runtime::{
    folder::{self, Folder},
    versions::Versioned as _,
};
use tantivy::{
    IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term, directory::MmapDirectory,
    indexer::IndexWriterOptions,
};
use tracing::{info, warn};

use super::{analysis, fields::Fields};
use crate::corpus::Corpus;

/// How much memory the words of documents take before they are written out, in bytes.
const HEAP: usize = 32 * 1024 * 1024;

/// The files of the index, below a folder that belongs to one process.
const FILES: &str = "passages";

/// An index that one process writes.
pub(crate) struct Index {
    fields: Fields,
    writer: IndexWriter,
    reader: IndexReader,
    /// None: it is in memory.
    _folder: Option<Folder>,
}

/// Why the index cannot be on disk.
#[derive(Debug, thiserror::Error)]
enum Unkept {
    #[error(transparent)]
    Folder(#[from] folder::Error),
    #[error("cannot clear its files: {0}")]
    Clear(io::Error),
    #[error(transparent)]
    Index(#[from] tantivy::TantivyError),
}

// === impl Index ===

impl Index {
    /// The index of these documents: that in the folder, if it is theirs, else a new one; in memory when the folder is
    /// another process's or cannot be written. Blocks.
    ///
    /// # Errors
    /// When there cannot even be one in memory.
    pub(crate) fn open(place: &Path, corpus: &Corpus) -> tantivy::Result<Index> {
        Index::on_disk(place, corpus).or_else(|unkept| {
            warn!(reason = %unkept, "the index of the documents is in memory and made anew at every start");
            Index::in_memory(corpus)
        })
    }

    /// A new one that no disk is needed for.
    ///
    /// # Errors
    /// When memory or threads cannot be had.
    pub(crate) fn in_memory(corpus: &Corpus) -> tantivy::Result<Index> {
        Index::made(tantivy::Index::create_in_ram(Fields::schema()), None, corpus)
    }

    fn on_disk(place: &Path, corpus: &Corpus) -> Result<Index, Unkept> {
        let folder = Folder::open(place)?;
        let files = place.join(FILES);
        // The library checks sums; that it takes files which pass them without panicking is not its promise.
        match catch_unwind(AssertUnwindSafe(|| Index::kept(&files, corpus))) {
            Ok(Ok((writer, reader, fields))) => {
                return Ok(Index { fields, writer, reader, _folder: Some(folder) });
            }
            Ok(Err(reason)) => info!(reason, "the index of the documents is made anew"),
            Err(_) => warn!("the index of the documents is damaged and made anew"),
        }
        match fs::remove_dir_all(&files) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Unkept::Clear(error)),
            _ => {}
        }
        fs::create_dir(&files).map_err(Unkept::Clear)?;
        let index = tantivy::Index::create_in_dir(&files, Fields::schema())?;
        Ok(Index::made(index, Some(folder), corpus)?)
    }

    /// What is on disk, or why it is of no use.
    fn kept(files: &Path, corpus: &Corpus) -> Result<(IndexWriter, IndexReader, Fields), String> {
        let said = |error: &dyn Display| error.to_string();
        if !files.exists() {
            return Err("there is none yet".to_owned());
        }
        let directory = MmapDirectory::open(files).map_err(|error| said(&error))?;
        let mut index = tantivy::Index::open(directory).map_err(|error| said(&error))?;
        if index.schema() != Fields::schema() {
            return Err("it has other fields".to_owned());
        }
        let of = index.load_metas().map_err(|error| said(&error))?.payload;
        if of.as_deref() != Some(&*mark(corpus)) {
            return Err("it is of other documents".to_owned());
        }
        let damaged = index.validate_checksum().map_err(|error| said(&error))?;
        if !damaged.is_empty() {
            return Err(format!("{} of its files are damaged", damaged.len()));
        }
        ready(&mut index).map_err(|error| said(&error))
    }

    fn made(mut index: tantivy::Index, folder: Option<Folder>, corpus: &Corpus) -> tantivy::Result<Index> {
        let (writer, reader, fields) = ready(&mut index)?;
        let mut index = Index { fields, writer, reader, _folder: folder };
        index.update(&Corpus::default(), corpus)?;
        Ok(index)
    }

    /// Makes the index of `old` one of `new`. When this returns, searches find what is in `new` and nothing else.
    ///
    /// # Errors
    /// When it cannot be written; it is of no more use then.
    pub(crate) fn update(&mut self, old: &Corpus, new: &Corpus) -> tantivy::Result<()> {
        let gone = |id: &str| Term::from_field_text(self.fields.document, id);
        for before in old.for_audience(&[]).filter(|before| !new.holds(before)) {
            self.writer.delete_term(gone(&before.id));
        }
        for document in new.for_audience(&[]).filter(|document| !old.holds(document)) {
            for entry in self.fields.entries(document) {
                self.writer.add_document(entry)?;
            }
        }
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&mark(new));
        commit.commit()?;
        self.reader.reload()
    }

    /// What searches see until the next update.
    pub(crate) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }
}

/// What the index of these documents is marked with.
fn mark(corpus: &Corpus) -> String {
    format!("{}:{}", analysis::VERSION, corpus.version())
}

fn ready(index: &mut tantivy::Index) -> tantivy::Result<(IndexWriter, IndexReader, Fields)> {
    index.tokenizers().register(analysis::NAME, analysis::analyzer());
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(HEAP)
        .build();
    let writer = index.writer_with_options::<TantivyDocument>(options)?;
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    let fields = Fields::of(&index.schema())?;
    Ok((writer, reader, fields))
}
