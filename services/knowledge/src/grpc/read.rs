//! What is served: documents → wire.

use std::sync::Arc;

use bsm_proto::knowledge::v1::{
    DocumentInfo, DocumentRevision, GetDocumentResponse, ListDocumentsResponse, WatchDocumentsResponse,
};
use bsm_runtime::{server::MESSAGE_LIMIT, versions::Versioned as _};
use prost::Message as _;

use crate::{corpus::Corpus, document::Document, error::Error, name::is_name};

pub(super) fn in_force(corpus: &Corpus) -> WatchDocumentsResponse {
    let revision =
        |document: &Arc<Document>| DocumentRevision { id: document.id.clone(), hash: document.hash.clone() };
    let documents = corpus.for_audience(&[]).map(revision).collect();
    WatchDocumentsResponse { version: corpus.version().to_owned(), documents }
}

/// The size is known before anything is copied, so that a listing that is refused costs nothing.
pub(super) fn list(corpus: &Corpus, audience: &[String]) -> Result<ListDocumentsResponse, Error> {
    let texts: usize = corpus.for_audience(audience).map(|document| document.text.len()).sum();
    let too_large = |bytes| Error::ListingTooLarge { bytes, limit: MESSAGE_LIMIT };
    if texts > MESSAGE_LIMIT {
        return Err(too_large(texts));
    }
    let (documents, items) = corpus.for_audience(audience).map(|d| (d.text.clone(), info(d))).unzip();
    let listing = ListDocumentsResponse { documents, items };
    match listing.encoded_len() {
        bytes if bytes > MESSAGE_LIMIT => Err(too_large(bytes)),
        _ => Ok(listing),
    }
}

pub(super) fn get(corpus: &Corpus, id: String) -> Result<GetDocumentResponse, Error> {
    if !is_name(&id) {
        return Err(Error::MalformedId);
    }
    let document = corpus.get(&id).ok_or(Error::UnknownDocument(id))?;
    Ok(GetDocumentResponse { info: Some(info(document)), text: document.text.clone() })
}

pub(super) fn info(document: &Document) -> DocumentInfo {
    DocumentInfo {
        id: document.id.clone(),
        title: document.title.clone(),
        source: document.source.clone(),
        // A document is at most 1 MiB.
        size: u32::try_from(document.text.len()).unwrap_or(u32::MAX),
        tags: document.tags.clone(),
        audience: document.audience.clone(),
        hash: document.hash.clone(),
        format: document.format.name().to_owned(),
        origin: document.provenance.way.to_string(),
        added_at: document.provenance.added_at_ms as f64,
        added_by: document.provenance.added_by.clone(),
        passages: u32::try_from(document.passages.len()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(files: &[(&str, &str)]) -> Corpus {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        Corpus::load(dir.path()).unwrap()
    }

    #[test]
    fn texts_come_in_the_order_of_their_items() {
        let corpus = corpus(&[("b.md", "# B"), ("a.md", "---\naudience: [x]\n---\nA"), ("c.md", "ccc")]);
        let listing = list(&corpus, &[]).unwrap();
        assert_eq!(listing.documents, ["A", "# B", "ccc"]);
        let items: Vec<_> = listing.items.iter().map(|i| (i.id.as_str(), i.title.as_str(), i.size)).collect();
        assert_eq!(items, [("a", "a", 1), ("b", "B", 3), ("c", "c", 3)]);
        assert_eq!(list(&corpus, &["y".to_owned()]).unwrap().documents, ["# B", "ccc"]);
    }

    #[test]
    fn a_document_is_found_by_its_id_and_other_ids_are_refused() {
        let corpus = corpus(&[("a.md", "text")]);
        let found = get(&corpus, "a".to_owned()).unwrap();
        assert_eq!((found.text.as_str(), found.info.unwrap().source.as_str()), ("text", "a.md"));
        assert_eq!(get(&corpus, "b".to_owned()), Err(Error::UnknownDocument("b".to_owned())));
        for id in ["", "A", "../a", &"a".repeat(64)] {
            assert_eq!(get(&corpus, id.to_owned()), Err(Error::MalformedId), "{id}");
        }
    }

    #[test]
    fn a_listing_that_does_not_fit_in_an_answer_is_refused_with_its_size() {
        let text = "x".repeat(1024 * 1024);
        let files = ["a.md", "b.md", "c.md", "d.md"].map(|name| (name, text.as_str()));
        let Err(Error::ListingTooLarge { bytes, limit }) = list(&corpus(&files), &[]) else {
            panic!("it was answered")
        };
        assert!(bytes > limit && limit == MESSAGE_LIMIT);
        assert_eq!(list(&corpus(&files[..3]), &[]).unwrap().documents.len(), 3);
    }
}
