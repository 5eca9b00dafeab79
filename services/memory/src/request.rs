//! Requests → what is asked for, with every field judged.

use bsm_proto::memory::v1::{
    FindSimilarDecisionsRequest, FindSimilarReviewsRequest, StoreDecisionRequest, StoreReviewRequest,
};
use prost_types::Struct;

use crate::{
    check::{self, Check},
    error::Error,
    metadata::{Filter, Metadata},
    record::{Body, Collection, Kind, Record, Search},
    words::{WordSet, excerpt},
};

/// The review to keep; `fresh` makes an id when none is given.
pub(crate) fn review(
    given: StoreReviewRequest,
    fresh: impl FnOnce() -> String,
) -> Result<(Collection, Record), Error> {
    let mut check = Check::default();
    let id = check.field("id", check::id(given.id, fresh));
    let code = check.field("code", check::code(&given.code));
    let review = check.field("review", check::text(given.review));
    let metadata = check.field("metadata", metadata(given.metadata));
    let namespace = check.field("namespace", check::namespace(given.namespace));
    match (id, code, review, metadata, namespace) {
        (Some(id), Some(code), Some(review), Some(metadata), Some(namespace)) => {
            let record =
                Record { id, text: excerpt(code).to_owned(), body: Body::Review { review }, metadata };
            Ok((Collection { namespace, kind: Kind::Review }, record))
        }
        _ => Err(check.refusal()),
    }
}

/// The decision to keep; `fresh` makes an id when none is given.
pub(crate) fn decision(
    given: StoreDecisionRequest,
    fresh: impl FnOnce() -> String,
) -> Result<(Collection, Record), Error> {
    let mut check = Check::default();
    let id = check.field("id", check::id(given.id, fresh));
    let action = check.field("action", check::action(&given.action));
    let reason = check.field("reason", check::text(given.reason));
    let text = check.field("context", check::text(given.context));
    let job_id = check.field("job_id", check::word(given.job_id));
    let metadata = check.field("metadata", metadata(given.metadata));
    let namespace = check.field("namespace", check::namespace(given.namespace));
    match (id, action, reason, text, job_id, metadata, namespace) {
        (Some(id), Some(action), Some(reason), Some(text), Some(job_id), Some(metadata), Some(namespace)) => {
            let record = Record { id, text, body: Body::Decision { action, reason, job_id }, metadata };
            Ok((Collection { namespace, kind: Kind::Decision }, record))
        }
        _ => Err(check.refusal()),
    }
}

/// The reviews to find.
pub(crate) fn find_reviews(given: FindSimilarReviewsRequest) -> Result<Search, Error> {
    let mut check = Check::default();
    let code = check.field("code", check::code(&given.code));
    let k = check.field("top_k", check::top_k(given.top_k));
    let filter = check.field("filter", filter(given.filter));
    let namespace = check.field("namespace", check::namespace(given.namespace));
    match (code, k, filter, namespace) {
        (Some(code), Some(k), Some(filter), Some(namespace)) => {
            let collection = Collection { namespace, kind: Kind::Review };
            Ok(Search { collection, words: WordSet::of(excerpt(code)), k, filter })
        }
        _ => Err(check.refusal()),
    }
}

/// The decisions to find.
pub(crate) fn find_decisions(given: FindSimilarDecisionsRequest) -> Result<Search, Error> {
    let mut check = Check::default();
    let text = check.field("context", check::text(given.context));
    let k = check.field("top_k", check::top_k(given.top_k));
    let filter = check.field("filter", filter(given.filter));
    let namespace = check.field("namespace", check::namespace(given.namespace));
    match (text, k, filter, namespace) {
        (Some(text), Some(k), Some(filter), Some(namespace)) => {
            let collection = Collection { namespace, kind: Kind::Decision };
            Ok(Search { collection, words: WordSet::of(&text), k, filter })
        }
        _ => Err(check.refusal()),
    }
}

fn metadata(given: Option<Struct>) -> Result<Metadata, String> {
    given.map_or_else(|| Ok(Metadata::default()), |given| Metadata::read(&given))
}

fn filter(given: Option<Struct>) -> Result<Filter, String> {
    metadata(given).map(Filter::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<T: std::fmt::Debug>(refused: Result<T, Error>) -> Vec<&'static str> {
        match refused {
            Err(Error::Invalid(violations)) => violations.into_iter().map(|v| v.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn fresh() -> String {
        "fresh".to_owned()
    }

    #[test]
    fn every_wrong_field_of_a_request_is_named_at_once() {
        let mut empty = StoreReviewRequest { namespace: Some(String::new()), ..Default::default() };
        empty.id = Some("a b".to_owned());
        assert_eq!(fields(review(empty, fresh)), ["id", "code", "review", "namespace"]);
        let nothing = StoreDecisionRequest { job_id: "\n".to_owned(), ..Default::default() };
        assert_eq!(fields(decision(nothing, fresh)), ["action", "reason", "context", "job_id"]);
        let none = FindSimilarReviewsRequest { top_k: Some(0), ..Default::default() };
        assert_eq!(fields(find_reviews(none)), ["code", "top_k"]);
        let many = FindSimilarDecisionsRequest { top_k: Some(1_001), ..Default::default() };
        assert_eq!(fields(find_decisions(many)), ["context", "top_k"]);
    }

    #[test]
    fn of_code_the_first_thousand_characters_are_kept_and_compared() {
        let code = format!("{} tail", "é".repeat(1_000));
        let given =
            StoreReviewRequest { code: code.clone(), review: "fine".to_owned(), ..Default::default() };
        let (collection, record) = review(given, fresh).unwrap();
        assert_eq!((collection.namespace.as_str(), collection.kind), ("default", Kind::Review));
        assert_eq!((record.id.as_str(), record.text.chars().count()), ("fresh", 1_000));
        let search = find_reviews(FindSimilarReviewsRequest { code, ..Default::default() }).unwrap();
        assert_eq!((search.words.len(), search.k), (1, 5));
    }
}
