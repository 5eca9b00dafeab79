//! Searching before answering: the wishes on the way up, the sources on the way down.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::ask::Search;
use crate::wire::sources::Sources;

/// A page, with its title.
#[derive(Deserialize)]
pub(super) struct Found {
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    title: Option<String>,
}

/// A remark on a message, of which only citations of pages matter here.
#[derive(Deserialize)]
pub(super) struct Annotation {
    #[serde(default)]
    url_citation: Option<Found>,
}

/// The fields of a search.
pub(super) fn fields(search: &Search) -> Map<String, Value> {
    let Search { mode, domains, recency, context } = search;
    let context = context.map(|size| json!({"search_context_size": size.name()}));
    let fields = [
        ("search_mode", mode.map(|mode| mode.name().into())),
        ("search_domain_filter", (!domains.is_empty()).then(|| json!(domains))),
        ("search_recency_filter", recency.map(|recency| recency.name().into())),
        ("web_search_options", context),
    ];
    fields.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))).collect()
}

/// Pages with their titles.
pub(super) fn titled(sources: &mut Sources, found: Option<Vec<Found>>) {
    found.into_iter().flatten().for_each(|Found { url, title }| sources.note(url, title));
}

/// Pages that remarks are about.
pub(super) fn annotated(sources: &mut Sources, annotations: Option<Vec<Annotation>>) {
    let pages = annotations.into_iter().flatten().filter_map(|annotation| annotation.url_citation);
    titled(sources, Some(pages.collect()));
}

/// Addresses alone.
pub(super) fn bare(sources: &mut Sources, urls: Option<Vec<String>>) {
    urls.into_iter().flatten().for_each(|url| sources.note(Some(url), None));
}
