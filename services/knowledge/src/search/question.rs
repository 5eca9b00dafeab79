//! What is asked of a search, within bounds.

use bsm_proto::knowledge::v1::SearchKnowledgeRequest;

use super::syntax::{self, Clause, MOST_FUZZY};
use crate::{document::Document, error::Error, name::is_name};

/// The longest search, in bytes.
const LONGEST: usize = 2_000;

/// How many passages are found: by default, and at most.
const DEFAULT_LIMIT: u32 = 10;
const MOST_LIMIT: u32 = 100;

/// The largest room for an answer, in tokens.
const MOST_TOKENS: u32 = 100_000;

/// How many names a filter may have.
const MOST_NAMES: usize = 64;

/// A question that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) clauses: Vec<Clause>,
    pub(crate) limit: usize,
    /// Agents, one of whom a passage is to be meant for. Empty: all.
    pub(crate) audience: Vec<String>,
    /// Tags, all of which a document is to have.
    pub(crate) tags: Vec<String>,
    /// The document to look in. None: all.
    pub(crate) document: Option<String>,
    /// How many letters words may differ in. None: words that no passage has may differ, by their length.
    pub(crate) fuzzy: Option<u8>,
    /// How much of a prompt all passages together may take.
    pub(crate) token_budget: Option<u32>,
    pub(crate) include_rest: bool,
}

// === impl Question ===

impl Question {
    /// Checks a request.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every field that is wrong.
    pub(crate) fn check(request: SearchKnowledgeRequest) -> Result<Question, Error> {
        let mut wrong = Vec::new();
        let mut check = |is_fine: bool, field, must: String| {
            if !is_fine {
                wrong.push((field, must));
            }
        };
        let SearchKnowledgeRequest {
            q,
            limit,
            audience,
            tags,
            document_id,
            fuzzy,
            token_budget,
            include_rest,
        } = request;
        check(!q.trim().is_empty(), "q", "must be given: what to look for".into());
        check(q.len() <= LONGEST, "q", format!("must have at most {LONGEST} bytes"));
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        check((1..=MOST_LIMIT).contains(&limit), "limit", format!("must be 1 to {MOST_LIMIT}"));
        let is_audience = audience.len() <= MOST_NAMES && audience.iter().all(|agent| is_name(agent));
        check(
            is_audience,
            "audience",
            format!("must be at most {MOST_NAMES} ids of agents, of a-z, 0-9 and '-'"),
        );
        check(tags.len() <= MOST_NAMES, "tags", format!("must be at most {MOST_NAMES}"));
        let is_document = document_id.as_deref().is_none_or(is_name);
        check(is_document, "document_id", "must be the id of a document, of a-z, 0-9 and '-'".into());
        let is_fuzzy = fuzzy.is_none_or(|distance| distance <= u32::from(MOST_FUZZY));
        check(is_fuzzy, "fuzzy", format!("must be 0 to {MOST_FUZZY}"));
        let is_budget = token_budget.is_none_or(|tokens| (1..=MOST_TOKENS).contains(&tokens));
        check(is_budget, "token_budget", format!("must be 1 to {MOST_TOKENS}"));
        check(!include_rest || token_budget.is_some(), "include_rest", "needs a token_budget".into());
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        Ok(Question {
            clauses: syntax::parse(&q),
            limit: limit as usize,
            audience,
            tags,
            document: document_id,
            fuzzy: fuzzy.map(|distance| u8::try_from(distance).unwrap_or(MOST_FUZZY)),
            token_budget,
            include_rest,
        })
    }

    /// Whether passages of the document may be an answer.
    pub(super) fn admits(&self, document: &Document) -> bool {
        document.is_for(&self.audience)
            && self.tags.iter().all(|tag| document.tags.contains(tag))
            && self.document.as_ref().is_none_or(|id| *id == document.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(q: &str) -> SearchKnowledgeRequest {
        SearchKnowledgeRequest { q: q.to_owned(), ..SearchKnowledgeRequest::default() }
    }

    fn wrong(request: SearchKnowledgeRequest) -> Vec<&'static str> {
        match Question::check(request) {
            Err(Error::Invalid(wrong)) => wrong.into_iter().map(|(field, _)| field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_question_has_ten_answers_unless_it_says_otherwise() {
        assert_eq!(Question::check(request("x")).unwrap().limit, 10);
        for (limit, fine) in [(0, false), (1, true), (100, true), (101, false), (1_000_000_000, false)] {
            let asked = SearchKnowledgeRequest { limit: Some(limit), ..request("x") };
            assert_eq!(Question::check(asked).is_ok(), fine, "{limit}");
        }
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let all = SearchKnowledgeRequest {
            q: "x".repeat(10_000),
            limit: Some(0),
            audience: vec!["A B".into()],
            tags: vec![String::new(); 65],
            document_id: Some("../x".into()),
            fuzzy: Some(3),
            token_budget: Some(0),
            include_rest: true,
        };
        assert_eq!(wrong(all), ["q", "limit", "audience", "tags", "document_id", "fuzzy", "token_budget"]);
        assert_eq!(wrong(request(" \n")), ["q"]);
        assert_eq!(wrong(SearchKnowledgeRequest { include_rest: true, ..request("x") }), ["include_rest"]);
    }
}
