//! Searching before answering: the wishes on the way up, the sources on the way down.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::answer::Citation;
use crate::ask::Search;

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

/// The sources named so far, each once. Chunks repeat them, and some name them before their titles.
#[derive(Debug, Default)]
pub(super) struct Named {
    found: Vec<Citation>,
    told: usize,
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

// === impl Named ===

impl Named {
    /// Pages with their titles.
    pub(super) fn titled(&mut self, found: Option<Vec<Found>>) {
        found.into_iter().flatten().for_each(|found| self.note(found));
    }

    /// Pages that remarks are about.
    pub(super) fn annotated(&mut self, annotations: Option<Vec<Annotation>>) {
        let pages = annotations.into_iter().flatten().filter_map(|annotation| annotation.url_citation);
        pages.for_each(|found| self.note(found));
    }

    /// Addresses alone.
    pub(super) fn bare(&mut self, urls: Option<Vec<String>>) {
        urls.into_iter().flatten().for_each(|url| self.note(Found { url: Some(url), title: None }));
    }

    fn note(&mut self, Found { url, title }: Found) {
        let Some(url) = url.filter(|url| !url.is_empty()) else { return };
        let title = title.filter(|title| !title.is_empty());
        match self.found.iter_mut().find(|citation| citation.url == url) {
            Some(known) => known.title = known.title.take().or(title),
            None => self.found.push(Citation { url, title }),
        }
    }

    /// Those that were not told yet.
    pub(super) fn news(&mut self) -> Vec<Citation> {
        let news = self.found[self.told..].to_vec();
        self.told = self.found.len();
        news
    }
}
