//! Wire ↔ documents.

use std::sync::Arc;

use bsm_proto::knowledge::v1::{
    DocumentInfo, GetDocumentRequest, GetDocumentResponse, ListDocumentsRequest, ListDocumentsResponse,
    knowledge_service_server::KnowledgeService,
};
use bsm_runtime::server::MESSAGE_LIMIT;
use prost::Message as _;
use tonic::{Request, Response, Status};

use crate::{corpus::Corpus, document::Document, error::Error, library::Library, name::is_name};

/// Serves the corpus in force.
#[derive(Debug)]
pub(crate) struct Knowledge {
    library: Arc<Library>,
}

impl Knowledge {
    pub(crate) fn new(library: Arc<Library>) -> Knowledge {
        Knowledge { library }
    }
}

#[tonic::async_trait]
impl KnowledgeService for Knowledge {
    async fn list_documents(
        &self,
        request: Request<ListDocumentsRequest>,
    ) -> Result<Response<ListDocumentsResponse>, Status> {
        Ok(Response::new(list(&self.library.current(), &request.into_inner().audience)?))
    }

    async fn get_document(
        &self,
        request: Request<GetDocumentRequest>,
    ) -> Result<Response<GetDocumentResponse>, Status> {
        Ok(Response::new(get(&self.library.current(), request.into_inner().document_id)?))
    }
}

/// The size is known before anything is copied, so that a listing that is refused costs nothing.
fn list(corpus: &Corpus, audience: &[String]) -> Result<ListDocumentsResponse, Error> {
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

fn get(corpus: &Corpus, id: String) -> Result<GetDocumentResponse, Error> {
    if !is_name(&id) {
        return Err(Error::MalformedId);
    }
    let document = corpus.get(&id).ok_or(Error::UnknownDocument(id))?;
    Ok(GetDocumentResponse { info: Some(info(document)), text: document.text.clone() })
}

fn info(document: &Document) -> DocumentInfo {
    DocumentInfo {
        id: document.id.clone(),
        title: document.title.clone(),
        source: document.source.clone(),
        // A document is at most 1 MiB.
        size: u32::try_from(document.text.len()).unwrap_or(u32::MAX),
        tags: document.tags.clone(),
        audience: document.audience.clone(),
        hash: document.hash.clone(),
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
