//! All that is served: the documents of the folder and those that were added. One thread owns both and makes every
//! change, one after the other; requests read the version in force and wait for nobody.
//!
//! ```text
//! edit of the folder ──┐
//! add, replace, delete ┼──► thread: judge ──► audit ──► SQLite, synced ──► in force ──► answer
//! another process ─────┘
//! ```

mod added;
mod operator;
mod rules;
#[cfg(test)]
mod tests;
mod thread;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bsm_runtime::{process::Process, versions::Versions};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    corpus::Corpus,
    document::Document,
    edition::Edition,
    error::{Error, LoadError},
    store::{self, Store},
};
pub(crate) use operator::Operator;
pub(crate) use rules::Change;
use rules::Shelves;
use thread::{Order, Thread, Wish};

/// The folder of the index, in that of the role.
const INDEX: &str = "index";

/// How many changes may wait.
const QUEUE: usize = 256;

/// Between two looks at what other processes of the role have added.
const LOOK: Duration = Duration::from_millis(500);

/// The way to the thread, and what it put in force. Dropping it waits until what was queued is done.
#[derive(Debug)]
pub(crate) struct Library {
    /// None only while dropping.
    queue: Option<mpsc::Sender<Order>>,
    thread: Option<std::thread::JoinHandle<()>>,
    served: Versions<Edition>,
}

// === impl Library ===

impl Library {
    /// Opens the documents that were added, joins them with those of the folder, and indexes all. Blocks on the disk.
    ///
    /// # Errors
    /// When the file of added documents cannot be used, or there is no memory for an index.
    pub(crate) fn open(process: &Process, folder: Arc<Corpus>) -> Result<Library, LoadError> {
        let place = process.shared_folder().map_err(LoadError::State)?;
        let unfit = |source| LoadError::Store { path: place.join(store::FILE), source };
        let store = Store::open(&place).map_err(unfit)?;
        let mut shelves = Shelves { folder, added: BTreeMap::new() };
        let read =
            store.foreign_version().and_then(|seen| Ok((seen, added::read(&store, &mut shelves.added)?)));
        let (seen, unread) = read.map_err(|error| unfit(error.into()))?;
        let thread =
            Thread::new(process.clone(), store, shelves, &place.join(INDEX))?.having_read(seen, unread);
        let served = thread.served();
        let (queue, waiting) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new().name("library".into()).spawn(move || thread.serve(waiting));
        Ok(Library { queue: Some(queue), thread: Some(thread.map_err(LoadError::State)?), served })
    }

    /// What is in force.
    pub(crate) fn served(&self) -> &Versions<Edition> {
        &self.served
    }

    /// Makes a change; answers with the document that it put in force, or took away, once that is on the disk.
    ///
    /// Cancelled before it is queued, nothing happens; afterwards the change goes on unheard.
    ///
    /// # Errors
    /// When the change is not allowed as things are, or could not be written; nothing is changed then.
    pub(crate) async fn change(&self, change: Change, operator: Operator) -> Result<Arc<Document>, Error> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        let wish = Box::new(Wish { change, operator, answer });
        queue.send(Order::Change(wish)).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Follows the folder and other processes until `stop`. Does not keep the thread alive.
    ///
    /// # Errors
    /// When the thread has ended.
    pub(crate) fn follow(
        &self,
        folders: Versions<Corpus>,
        stop: CancellationToken,
    ) -> impl Future<Output = anyhow::Result<()>> + Send + use<> {
        let queue = self.queue.as_ref().map(mpsc::Sender::downgrade);
        async move {
            let edited = Notify::new();
            let edits = folders.each(stop, |_| edited.notify_one());
            let orders = async {
                loop {
                    let order = tokio::select! {
                        () = edited.notified() => Order::Folder(folders.current()),
                        () = sleep(LOOK) => Order::Look,
                    };
                    let Some(queue) = queue.as_ref().and_then(mpsc::WeakSender::upgrade) else {
                        return Ok(());
                    };
                    if queue.send(order).await.is_err() {
                        anyhow::bail!("the thread that keeps the documents has ended");
                    }
                }
            };
            tokio::select! {
                () = edits => Ok(()),
                ended = orders => ended,
            }
        }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was answered with `Closed` to every caller.
            let _ = thread.join();
        }
    }
}
