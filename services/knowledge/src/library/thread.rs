//! The thread that makes every change. All of it blocks on the disk.

use std::{collections::BTreeMap, sync::Arc};

use bsm_runtime::{process::Process, versions::Versions};
use rusqlite::ErrorCode;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::{
    operator::{Operator, Told},
    rules::{Change, Shelves},
};
use crate::{
    corpus::Corpus,
    document::Document,
    error::Error,
    store::{Revision, Store},
};

/// How many orders are carried out before what they change is shown and they are answered.
const GROUP: usize = 64;

/// Subjects of notes in the health of the mesh.
const HIDDEN: &str = "added documents with the ids of files";
const UNREAD: &str = "added documents that cannot be read";
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
    served: Versions<Corpus>,
    /// The store's number when it was read last.
    seen: i64,
    /// Set once the disk has failed: what a failed fsync leaves behind is unknown, so nothing is written after it.
    broken: bool,
}

// === impl Thread ===

impl Thread {
    /// Reads what was added, and puts all in force.
    pub(super) fn new(
        process: Process,
        store: Store,
        folder: Arc<Corpus>,
    ) -> rusqlite::Result<(Thread, Versions<Corpus>)> {
        let shelves = Shelves { folder, added: BTreeMap::new() };
        let served = Versions::new(Corpus::default());
        let seen = store.foreign_version()?;
        let mut thread = Thread { process, store, shelves, served: served.clone(), seen, broken: false };
        thread.read_added()?;
        thread.show();
        Ok((thread, served))
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
                self.read_added()?;
                self.seen = version;
            }
            Ok(changed)
        });
        looked.unwrap_or_else(|error| {
            error!(%error, "the added documents cannot be read; those read last stay in force");
            false
        })
    }

    /// Reads those that are not known as they are kept.
    fn read_added(&mut self) -> rusqlite::Result<()> {
        let kept = self.store.revisions()?;
        self.shelves.added.retain(|id, known| kept.get(id) == Some(&revision(known)));
        let mut unread = Vec::new();
        for (id, revision) in kept {
            if self.shelves.added.contains_key(&id) {
                continue;
            }
            let Some(draft) = self.store.draft(&id)? else { continue };
            match draft.read(revision.added_at_ms, &revision.added_by) {
                Ok(document) => drop(self.shelves.added.insert(id, Arc::new(document))),
                Err(error) => {
                    error!(document = id, %error, "an added document cannot be read and is left out");
                    unread.push(id);
                }
            }
        }
        let sentence = "Added documents cannot be read and are left out; delete or replace them: ";
        self.note(UNREAD, sentence, &unread);
        Ok(())
    }

    /// Makes a change that is allowed.
    fn make(&mut self, change: Change, operator: &Operator) -> Result<Arc<Document>, Error> {
        let old = self.shelves.judge(&change)?;
        if self.broken {
            return Err(Error::Unwritten);
        }
        let hash = old.as_ref().map(|old| old.hash.as_str());
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
                Ok(new)
            }
            Change::Delete(id, _) => self.shelves.added.remove(&id).ok_or(Error::UnknownDocument(id)),
        }
    }

    /// Puts in force what there is.
    fn show(&mut self) {
        let (corpus, hidden) = Corpus::joined(&self.shelves.folder, &self.shelves.added);
        let sentence = "Files have the ids of documents that were added, and are served in their place: ";
        self.note(HIDDEN, sentence, &hidden);
        let (documents, bytes) = (corpus.len(), corpus.bytes());
        if self.served.replace(corpus) {
            info!(documents, added = self.shelves.added.len(), bytes, "documents are in force");
        }
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

fn revision(document: &Document) -> Revision {
    Revision {
        hash: document.hash.clone(),
        added_at_ms: document.provenance.added_at_ms,
        added_by: document.provenance.added_by.clone(),
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
