//! The thread that makes every change. All of it blocks on the disk.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bsm_runtime::{
    process::Process,
    versions::{Versioned as _, Versions},
};
use rusqlite::ErrorCode;
use tantivy::Searcher;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::{
    added,
    operator::{Operator, Told},
    rules::{Change, Shelves},
};
use crate::{
    corpus::Corpus, document::Document, edition::Edition, error::Error, search::Index, store::Store,
};

/// How many orders are carried out before what they change is shown and they are answered.
const GROUP: usize = 64;

/// Subjects of notes in the health of the mesh.
const HIDDEN: &str = "added documents with the ids of files";
const UNREAD: &str = "added documents that cannot be read";
const UNINDEXED: &str = "the index of documents";
const BROKEN: &str = "writing of documents";

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Order {
    /// The folder holds this now.
    Folder(Arc<Corpus>),
    /// Somebody wants a change.
    Change(Box<Wish>),
    /// Look whether another process has changed something. Every order does that, too.
    Look,
}

/// A change, who wants it, and where the answer goes.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) change: Change,
    pub(super) operator: Operator,
    pub(super) answer: oneshot::Sender<Result<Arc<Document>, Error>>,
}

/// What the thread owns.
pub(super) struct Thread {
    process: Process,
    store: Store,
    shelves: Shelves,
    /// What is kept and cannot be read, with its hash.
    unread: BTreeMap<String, String>,
    index: Index,
    served: Versions<Edition>,
    /// The store's number when it was read last.
    seen: i64,
    /// Set once the disk has failed: what a failed fsync leaves behind is unknown, so nothing is written after it.
    broken: bool,
}

// === impl Thread ===

impl Thread {
    /// Puts in force what there is.
    pub(super) fn new(
        process: Process,
        store: Store,
        shelves: Shelves,
        index: &Path,
    ) -> tantivy::Result<Thread> {
        let (corpus, hidden) = Corpus::joined(&shelves.folder, &shelves.added);
        let index = Index::open(index, &corpus)?;
        let served = Versions::new(Edition { corpus, searcher: index.searcher() });
        let thread = Thread {
            process,
            store,
            shelves,
            unread: BTreeMap::new(),
            index,
            served,
            seen: 0,
            broken: false,
        };
        thread.note_hidden(&hidden);
        thread.told();
        Ok(thread)
    }

    /// Told what the store was when the shelves were filled from it.
    pub(super) fn having_read(self, seen: i64, unread: BTreeMap<String, String>) -> Thread {
        let thread = Thread { seen, unread, ..self };
        thread.note_unread();
        thread
    }

    /// What is in force, now and later.
    pub(super) fn served(&self) -> Versions<Edition> {
        self.served.clone()
    }

    pub(super) fn serve(mut self, mut waiting: mpsc::Receiver<Order>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(more) = waiting.try_recv()
            {
                group.push(more);
            }
            self.carry_out(group);
        }
    }

    fn carry_out(&mut self, group: Vec<Order>) {
        let mut changed = self.look();
        let mut answers = Vec::new();
        for order in group {
            match order {
                Order::Look => {}
                Order::Folder(folder) => {
                    self.shelves.folder = folder;
                    changed = true;
                }
                Order::Change(wish) => {
                    let made = self.make(wish.change, &wish.operator);
                    changed |= made.is_ok();
                    answers.push((wish.answer, made));
                }
            }
        }
        if changed {
            self.show();
        }
        // Whoever asked may have gone; the change stands all the same.
        answers.into_iter().for_each(|(answer, made)| drop(answer.send(made)));
    }

    /// Takes over what other processes have changed; whether there was anything.
    fn look(&mut self) -> bool {
        let looked = self.store.foreign_version().and_then(|version| {
            let changed = version != self.seen;
            if changed {
                self.unread = added::read(&self.store, &mut self.shelves.added)?;
                self.note_unread();
                self.seen = version;
            }
            Ok(changed)
        });
        looked.unwrap_or_else(|error| {
            error!(%error, "the added documents cannot be read; those read last stay in force");
            false
        })
    }

    /// Makes a change that is allowed.
    fn make(&mut self, change: Change, operator: &Operator) -> Result<Arc<Document>, Error> {
        let old = self.shelves.judge(&change)?;
        if self.broken {
            return Err(Error::Unwritten);
        }
        let kept = |id: &str| self.unread.get(id).cloned();
        let hash = old.as_ref().map(|old| old.hash.clone()).or_else(|| kept(change.id()));
        let hash = hash.as_deref();
        let (action, id, new) = match &change {
            Change::Add(_, new) => ("document.add", &new.id, Some(new)),
            Change::Replace(_, new, _) => ("document.replace", &new.id, Some(new)),
            Change::Delete(id, _) => ("document.delete", id, None),
        };
        let told = Told { action, target: id, old: old.as_deref(), new };
        operator.audited(&self.process, told, || {
            let written = match &change {
                Change::Add(draft, new) | Change::Replace(draft, new, _) => self.store.put(draft, new, hash),
                Change::Delete(id, _) => self.store.delete(id, hash.unwrap_or_default()),
            };
            match written {
                Ok(true) => Ok(()),
                Ok(false) => Err(overtaken(id, hash)),
                Err(error) => Err(failed(&self.process, &mut self.broken, &error)),
            }
        })?;
        match change {
            Change::Add(_, new) | Change::Replace(_, new, _) => {
                let new = Arc::new(new);
                self.shelves.added.insert(new.id.clone(), Arc::clone(&new));
                if self.unread.remove(&new.id).is_some() {
                    self.note_unread();
                }
                Ok(new)
            }
            Change::Delete(id, _) => self.shelves.added.remove(&id).ok_or(Error::UnknownDocument(id)),
        }
    }

    /// Puts in force what there is. Searches find it from then on.
    fn show(&mut self) {
        let (corpus, hidden) = Corpus::joined(&self.shelves.folder, &self.shelves.added);
        self.note_hidden(&hidden);
        let before = self.served.current();
        if before.version() == corpus.version() {
            return;
        }
        let searcher = match self.index.update(&before.corpus, &corpus) {
            Ok(()) => self.index.searcher(),
            Err(error) => {
                error!(%error, "the index of the documents cannot be written");
                self.index_in_memory(&before, &corpus)
            }
        };
        self.served.replace(Edition { corpus, searcher });
        self.told();
    }

    /// An index that needs no disk, in the place of one that failed; if there is none, searches find what they found.
    fn index_in_memory(&mut self, before: &Edition, corpus: &Corpus) -> Searcher {
        match Index::in_memory(corpus) {
            Ok(index) => {
                self.index = index;
                self.index.searcher()
            }
            Err(error) => {
                error!(%error, "the documents cannot be indexed in memory either");
                self.process
                    .degraded
                    .note(UNINDEXED, "New documents are not found by searches; the log has the cause.");
                before.searcher.clone()
            }
        }
    }

    fn told(&self) {
        let (added, corpus) = (self.shelves.added.len(), &self.served.current().corpus);
        info!(documents = corpus.len(), added, bytes = corpus.bytes(), "documents are in force");
    }

    fn note_hidden(&self, ids: &[String]) {
        let sentence = "Files have the ids of documents that were added, and are served in their place: ";
        self.note(HIDDEN, sentence, ids);
    }

    fn note_unread(&self) {
        let sentence = "Added documents cannot be read and are left out; add them anew: ";
        self.note(UNREAD, sentence, &self.unread.keys().cloned().collect::<Vec<_>>());
    }

    fn note(&self, subject: &'static str, sentence: &str, ids: &[String]) {
        if ids.is_empty() {
            self.process.degraded.mend(subject);
            return;
        }
        let some = ids.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        warn!(documents = ids.len(), some, "{sentence}");
        self.process.degraded.note(subject, format!("{sentence}{some}."));
    }
}

/// Another process of the role was faster.
fn overtaken(id: &str, hash: Option<&str>) -> Error {
    match hash {
        None => Error::Exists(id.to_owned()),
        Some(_) => Error::Changed { id: id.to_owned(), hash: "not known yet".to_owned() },
    }
}

fn failed(process: &Process, broken: &mut bool, error: &rusqlite::Error) -> Error {
    error!(%error, "the added documents cannot be written");
    if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
        *broken = true;
        process
            .degraded
            .note(BROKEN, "The disk failed as documents were written; none is written until a restart.");
    }
    Error::Unwritten
}
