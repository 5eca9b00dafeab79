//! Passages found by their words.
//!
//! ```text
//! q ──syntax──► clauses ──terms──► query, filtered ──tantivy──► ranking (BM25) ──fuse──► passages, highlighted
//!                                                  a ranking of dense vectors, one day ─┘
//! ```
//! The index is derived from the documents and holds no text of its own: what is found is shown from the documents that
//! it was made of, which are held beside it.

mod analysis;
mod fields;
mod fuse;
mod highlight;
mod index;
mod question;
mod room;
mod syntax;
mod terms;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, sync::Arc};

use tantivy::{Searcher, TantivyDocument, collector::TopDocs, schema::Value as _};

use crate::{corpus::Corpus, document::Document, passage::Passage};
use fields::Fields;
pub(crate) use fuse::Rank;
use fuse::{Ranking, fuse};
pub(crate) use highlight::Highlight;
pub(crate) use index::Index;
pub(crate) use question::Question;
pub(crate) use room::tokens;

/// How many passages beyond the wanted ones are ranked, so that ties at the end are broken by rule.
const SPARE: usize = 32;

/// The name of the ranking by words.
const BM25: &str = "bm25";

/// A passage that was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) document: Arc<Document>,
    /// Which of its passages.
    pub(crate) passage: usize,
    /// Higher is better; comparable within one answer only. 0 for a passage that fills the room that is left.
    pub(crate) score: f64,
    /// Its place in each ranking that has it.
    pub(crate) ranks: Vec<Rank>,
    pub(crate) highlights: Vec<Highlight>,
}

/// A passage as rankings name it: a document's id, and which of its passages.
type Key = (String, usize);

// === impl Found ===

impl Found {
    pub(crate) fn passage(&self) -> &Passage {
        &self.document.passages[self.passage]
    }

    pub(crate) fn text(&self) -> &str {
        self.document.text_of(self.passage())
    }
}

/// The passages that answer the question, best first; then, if wanted, others in the order of their documents, while
/// there is room. Blocks.
///
/// # Errors
/// When the index cannot be read.
pub(crate) fn find(corpus: &Corpus, searcher: &Searcher, question: &Question) -> tantivy::Result<Vec<Found>> {
    let fields = Fields::of(searcher.schema())?;
    let wanted = terms::resolve(searcher, &fields, &question.clauses, question.fuzzy)?;
    let by_words = Ranking { name: BM25, weight: 1.0, hits: ranked(searcher, &fields, &wanted, question)? };
    let mut found = Vec::new();
    for fused in fuse(vec![by_words]) {
        let Some(document) = corpus.get(&fused.key.0) else { continue }; // of the same version, so it is there
        let document = Arc::clone(document);
        if document.passages.len() > fused.key.1 {
            let (passage, score, ranks) = (fused.key.1, fused.score, fused.ranks);
            found.push(Found { document, passage, score, ranks, highlights: Vec::new() });
        }
    }
    // Rankings tell nothing apart that scores alike: newer first, then by id.
    found.sort_by(|a, b| {
        let newer = b.document.provenance.added_at_ms.cmp(&a.document.provenance.added_at_ms);
        b.score.total_cmp(&a.score).then(newer).then_with(|| a.passage().id.cmp(&b.passage().id))
    });
    found.truncate(question.limit);
    let mut found = room::fitting(found, question.token_budget);
    for one in &mut found {
        one.highlights = highlight::of(one.text(), &wanted.words);
    }
    if question.include_rest {
        let shown: HashSet<Key> = found.iter().map(|one| (one.document.id.clone(), one.passage)).collect();
        let rest =
            others(corpus, question).filter(|one| !shown.contains(&(one.document.id.clone(), one.passage)));
        room::fill(&mut found, rest, question.token_budget);
    }
    Ok(found)
}

fn ranked(
    searcher: &Searcher,
    fields: &Fields,
    wanted: &terms::Wanted,
    question: &Question,
) -> tantivy::Result<Vec<(Key, f64)>> {
    let Some(query) = fields.query(wanted, question) else { return Ok(Vec::new()) };
    let best = searcher.search(&*query, &TopDocs::with_limit(question.limit + SPARE).order_by_score())?;
    let mut hits = Vec::with_capacity(best.len());
    for (score, place) in best {
        let kept: TantivyDocument = searcher.doc(place)?;
        let id = kept.get_first(fields.document).and_then(|id| id.as_str());
        let passage = kept.get_first(fields.passage).and_then(|passage| passage.as_u64());
        if let (Some(id), Some(passage)) = (id, passage) {
            hits.push(((id.to_owned(), usize::try_from(passage).unwrap_or(usize::MAX)), f64::from(score)));
        }
    }
    Ok(hits)
}

/// Every passage that the question's filters let through, in the order of the documents.
fn others<'a>(corpus: &'a Corpus, question: &'a Question) -> impl Iterator<Item = Found> + 'a {
    let documents = corpus.for_audience(&question.audience).filter(|document| question.admits(document));
    documents.flat_map(|document| {
        (0..document.passages.len()).map(|passage| Found {
            document: Arc::clone(document),
            passage,
            score: 0.0,
            ranks: Vec::new(),
            highlights: Vec::new(),
        })
    })
}
