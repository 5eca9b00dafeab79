//! What is in force: documents, and the index of exactly these.

use bsm_runtime::versions::Versioned;
use tantivy::Searcher;

use crate::corpus::Corpus;

/// Documents that are served, with the index by which they are found.
pub(crate) struct Edition {
    pub(crate) corpus: Corpus,
    pub(crate) searcher: Searcher,
}

impl Versioned for Edition {
    fn version(&self) -> &str {
        self.corpus.version()
    }
}

impl std::fmt::Debug for Edition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edition").field("version", &self.version()).finish_non_exhaustive()
    }
}
