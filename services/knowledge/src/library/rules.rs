//! What may be changed, as things are: pure.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    corpus::{Corpus, MOST_BYTES},
    document::Document,
    draft::Draft,
    error::Error,
    files::MOST_FILES,
    name::is_name,
};

/// A change that somebody wants. Documents are read already.
#[derive(Debug)]
pub(crate) enum Change {
    /// A document that is not there yet.
    Add(Draft, Document),
    /// Another in the place of one that was added; only of the one with this hash, if one is given.
    Replace(Draft, Document, Option<String>),
    /// None in the place of the one of this id; only of the one with this hash, if one is given.
    Delete(String, Option<String>),
}

impl Change {
    /// Which document it is about.
    pub(super) fn id(&self) -> &str {
        match self {
            Change::Add(_, new) | Change::Replace(_, new, _) => &new.id,
            Change::Delete(id, _) => id,
        }
    }
}

/// What there is.
#[derive(Debug)]
pub(super) struct Shelves {
    pub(super) folder: Arc<Corpus>,
    pub(super) added: BTreeMap<String, Arc<Document>>,
}

// === impl Shelves ===

impl Shelves {
    /// What the change takes away; none for a document that is new.
    ///
    /// # Errors
    /// Why it may not be made.
    pub(super) fn judge(&self, change: &Change) -> Result<Option<Arc<Document>>, Error> {
        match change {
            Change::Add(_, new) if self.has(&new.id) => Err(Error::Exists(new.id.clone())),
            Change::Add(_, new) => self.fits(new, None).map(|()| None),
            Change::Replace(_, new, expected) => {
                if self.folder.get(&new.id).is_some() {
                    return Err(Error::InFolder(new.id.clone()));
                }
                let old = self.added_one(&new.id, expected.as_deref())?;
                self.fits(new, Some(&old))?;
                Ok(Some(old))
            }
            // One that a file hides can still be deleted.
            Change::Delete(id, expected) => self.added_one(id, expected.as_deref()).map(Some),
        }
    }

    fn has(&self, id: &str) -> bool {
        self.added.contains_key(id) || self.folder.get(id).is_some()
    }

    fn added_one(&self, id: &str, expected: Option<&str>) -> Result<Arc<Document>, Error> {
        if !is_name(id) {
            return Err(Error::MalformedId);
        }
        let Some(found) = self.added.get(id) else {
            let in_folder = self.folder.get(id).is_some();
            return Err(if in_folder {
                Error::InFolder(id.to_owned())
            } else {
                Error::UnknownDocument(id.to_owned())
            });
        };
        if expected.is_some_and(|expected| expected != found.hash) {
            return Err(Error::Changed { id: id.to_owned(), hash: found.hash.clone() });
        }
        Ok(Arc::clone(found))
    }

    /// Whether there is room for `new` in the place of `old`.
    fn fits(&self, new: &Document, old: Option<&Document>) -> Result<(), Error> {
        let documents = self.folder.len() + self.added.len() + usize::from(old.is_none());
        let added: usize = self.added.values().map(|document| document.text.len()).sum();
        let bytes = self.folder.bytes() + added + new.text.len() - old.map_or(0, |old| old.text.len());
        if documents > MOST_FILES || bytes as u64 > MOST_BYTES { Err(Error::Full) } else { Ok(()) }
    }
}
