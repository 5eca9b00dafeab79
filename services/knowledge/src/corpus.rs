//! All documents of a folder, checked together and never changed afterwards.

use std::{collections::BTreeMap, path::Path};

use bsm_runtime::{diagnostic::Diagnostic, versions::Versioned};
use sha2::{Digest as _, Sha256};

use crate::{
    document::Document,
    error::LoadError,
    files::{self, Place, about},
};

#[cfg(test)]
mod tests;

/// How large all documents together may be, in bytes.
pub const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The documents by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corpus {
    documents: BTreeMap<String, Document>,
    version: String,
}

// === impl Corpus ===

impl Corpus {
    /// Reads every `*.md` below `folder`. Blocks on the disk.
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

    /// The documents for these agents (and for all), or every one when no agent is named; by id.
    pub fn for_audience<'a>(&'a self, audience: &'a [String]) -> impl Iterator<Item = &'a Document> {
        self.documents.values().filter(move |document| document.is_for(audience))
    }

    /// The document of that id.
    pub fn get(&self, id: &str) -> Option<&Document> {
        self.documents.get(id)
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

fn version(documents: &BTreeMap<String, Document>) -> String {
    let mut hash = Sha256::new();
    for document in documents.values() {
        for part in [&document.source, &document.hash] {
            hash.update((part.len() as u64).to_le_bytes()); // so that no two sets of documents run together alike
            hash.update(part);
        }
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A corpus in the making, and what is wrong so far.
#[derive(Debug, Default)]
struct Reading {
    documents: BTreeMap<String, Document>,
    findings: Vec<Diagnostic>,
    bytes: u64,
}

impl Reading {
    fn read(&mut self, place: &Place) {
        match files::read(&place.path) {
            Ok(bytes) => {
                self.bytes += bytes.len() as u64;
                self.parse(place, &bytes);
            }
            Err(finding) => self.findings.push(*finding),
        }
    }

    fn parse(&mut self, place: &Place, bytes: &[u8]) {
        match Document::parse(place, bytes) {
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
        self.documents.insert(document.id.clone(), document);
    }

    fn finish(mut self) -> Result<Corpus, LoadError> {
        if self.findings.is_empty() {
            let version = version(&self.documents);
            return Ok(Corpus { documents: self.documents, version });
        }
        self.findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        Err(LoadError::Invalid(self.findings))
    }
}
