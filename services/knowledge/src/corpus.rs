//! Documents that were checked together and are never changed afterwards: those of the folder, or all that are served.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bsm_runtime::{diagnostic::Diagnostic, versions::Versioned};
use sha2::{Digest as _, Sha256};

use crate::{
    document::{Arrival, Document, Said},
    error::LoadError,
    files::{self, Content, Place, about},
    name::id_of_file,
    provenance::Provenance,
};

#[cfg(test)]
mod tests;

/// How large all documents together may be, in bytes.
pub const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The documents by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corpus {
    documents: BTreeMap<String, Arc<Document>>,
    version: String,
}

// === impl Corpus ===

impl Corpus {
    /// Reads every document below `folder`. Blocks on the disk.
    ///
    /// # Errors
    /// When the folder cannot be read, or any document is not usable: all mistakes at once. Warnings alone do not
    /// exist here, so a corpus is either whole or not there.
    pub fn load(folder: &Path) -> Result<Corpus, LoadError> {
        let listing = files::list(folder);
        let listing = listing.map_err(|source| LoadError::Folder { folder: folder.to_owned(), source })?;
        let mut reading = Reading { findings: listing.findings, ..Reading::default() };
        for place in &listing.places {
            reading.read(place);
            if reading.bytes > MOST_BYTES {
                let message = format!("the documents up to here are larger than {} MiB", MOST_BYTES >> 20);
                reading.findings.push(about(&place.path, message, "move some out of the folder"));
                break;
            }
        }
        reading.finish()
    }

    /// The documents of a folder and those that were added. A file is stronger than what was added under its id; which
    /// those are is the second part.
    pub(crate) fn joined(folder: &Corpus, added: &BTreeMap<String, Arc<Document>>) -> (Corpus, Vec<String>) {
        let mut documents = added.clone();
        documents.extend(folder.documents.iter().map(|(id, document)| (id.clone(), Arc::clone(document))));
        let hidden = added.keys().filter(|id| folder.documents.contains_key(*id)).cloned().collect();
        (Corpus::of(documents), hidden)
    }

    fn of(documents: BTreeMap<String, Arc<Document>>) -> Corpus {
        let version = version(&documents);
        Corpus { documents, version }
    }

    /// The documents for these agents (and for all), or every one when no agent is named; by id.
    pub fn for_audience<'a>(&'a self, audience: &'a [String]) -> impl Iterator<Item = &'a Arc<Document>> {
        self.documents.values().filter(move |document| document.is_for(audience))
    }

    /// The document of that id.
    pub fn get(&self, id: &str) -> Option<&Arc<Document>> {
        self.documents.get(id)
    }

    /// Whether it has a document like this one: the same words in it and said of it.
    pub(crate) fn holds(&self, document: &Arc<Document>) -> bool {
        self.get(&document.id).is_some_and(|own| Arc::ptr_eq(own, document) || own.is_like(document))
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// The length of all texts together.
    pub fn bytes(&self) -> usize {
        self.documents.values().map(|document| document.text.len()).sum()
    }
}

impl Versioned for Corpus {
    /// Sixteen hexadecimal digits that stand for the places and contents of all documents.
    fn version(&self) -> &str {
        &self.version
    }
}

fn version(documents: &BTreeMap<String, Arc<Document>>) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_le_bytes()); // so that no two sets of documents run together alike
        hash.update(part);
    };
    for document in documents.values() {
        [&document.id, &document.source, &document.hash, &document.title]
            .into_iter()
            .for_each(|part| add(part));
        for list in [&document.tags, &document.audience] {
            add(&list.len().to_string());
            list.iter().for_each(|part| add(part));
        }
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A corpus in the making, and what is wrong so far.
#[derive(Debug, Default)]
struct Reading {
    documents: BTreeMap<String, Arc<Document>>,
    findings: Vec<Diagnostic>,
    bytes: u64,
}

impl Reading {
    fn read(&mut self, place: &Place) {
        match files::read(place) {
            Ok(Some(content)) => {
                self.bytes += content.bytes.len() as u64;
                self.parse(place, &content);
            }
            Ok(None) => {} // gone
            Err(finding) => self.findings.push(*finding),
        }
    }

    fn parse(&mut self, place: &Place, content: &Content) {
        let arrival = Arrival {
            file: place.path.display().to_string(),
            id: id_of_file(&place.source),
            source: place.source.clone(),
            format: place.format,
            provenance: Provenance::of_file(content.changed_at_ms),
            said: Said::default(),
            bytes: &content.bytes,
        };
        match Document::read(arrival) {
            Ok(document) => self.add(place, document),
            Err(findings) => self.findings.extend(findings),
        }
    }

    fn add(&mut self, place: &Place, document: Document) {
        if let Some(first) = self.documents.get(&document.id) {
            let message = format!("its id, {}, is already that of {}", document.id, first.source);
            self.findings.push(about(&place.path, message, "rename one of the two"));
            return;
        }
        self.documents.insert(document.id.clone(), Arc::new(document));
    }

    fn finish(mut self) -> Result<Corpus, LoadError> {
        if self.findings.is_empty() {
            return Ok(Corpus::of(self.documents));
        }
        self.findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        Err(LoadError::Invalid(self.findings))
    }
}
