//! Searches: wire ↔ passages.

use bsm_proto::knowledge::v1::{
    FoundPassage, Highlight, PassageRank, SearchKnowledgeRequest, SearchKnowledgeResponse,
};
use bsm_runtime::{
    server::MESSAGE_LIMIT,
    versions::{Versioned as _, Versions},
};
use prost::Message as _;
use tracing::error;

use super::read::info;
use crate::{
    edition::Edition,
    error::Error,
    search::{self, Found, Question},
};

/// Answers from the edition in force, away from the runtime's threads.
pub(super) async fn search(
    served: &Versions<Edition>,
    request: SearchKnowledgeRequest,
) -> Result<SearchKnowledgeResponse, Error> {
    let question = Question::check(request)?;
    let edition = served.current();
    let searching = tokio::task::spawn_blocking(move || {
        let found = search::find(&edition.corpus, &edition.searcher, &question);
        found.map(|found| answer(edition.version(), &found))
    });
    let found = searching.await.map_err(|_| Error::Closed)?;
    let answer = found.map_err(|error| {
        error!(%error, "the index of the documents cannot be read");
        Error::Unsearchable
    })?;
    match answer.encoded_len() {
        bytes if bytes > MESSAGE_LIMIT => Err(Error::AnswerTooLarge { bytes, limit: MESSAGE_LIMIT }),
        _ => Ok(answer),
    }
}

fn answer(version: &str, found: &[Found]) -> SearchKnowledgeResponse {
    let results: Vec<FoundPassage> = found.iter().map(shown).collect();
    let tokens = results.iter().map(|one| one.tokens).fold(0, u32::saturating_add);
    SearchKnowledgeResponse { results, tokens, version: version.to_owned() }
}

fn shown(found: &Found) -> FoundPassage {
    let (passage, text) = (found.passage(), found.text());
    FoundPassage {
        id: passage.id.clone(),
        document: Some(info(&found.document)),
        headings: passage.headings.clone(),
        text: text.to_owned(),
        tokens: search::tokens(text),
        score: found.score,
        ranks: found
            .ranks
            .iter()
            .map(|rank| PassageRank { ranking: rank.ranking.to_owned(), rank: rank.rank, score: rank.score })
            .collect(),
        highlights: found.highlights.iter().map(|at| Highlight { start: at.start, end: at.end }).collect(),
    }
}
