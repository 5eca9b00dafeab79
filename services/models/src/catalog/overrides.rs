//! What the environment says about providers, which is stronger than any file.

use std::sync::Arc;
use std::time::Duration;

use super::{Catalog, Timeouts};

/// What is set beside the file. Empty: nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Where providers are, by name.
    pub base_urls: Vec<(Arc<str>, Arc<str>)>,
    /// Which model providers are asked for, by name. Routes then ask them for no other: whoever names a model for a
    /// server means that it has this one.
    pub models: Vec<(Arc<str>, Arc<str>)>,
    /// Whether answers of providers name their sources, by name.
    pub citations: Vec<(Arc<str>, bool)>,
    /// Making a connection to any provider.
    pub connect: Option<Duration>,
    /// One whole call to any provider: a stream may keep us waiting as long for its first piece, and a third of it
    /// between two.
    pub whole: Option<Duration>,
}

// === impl Overrides ===

impl Overrides {
    pub(super) fn apply(&self, catalog: &mut Catalog) {
        for provider in &mut catalog.providers {
            if let Some(url) = named(&self.base_urls, &provider.name) {
                provider.base_url = Some(url.trim_end_matches('/').into());
            }
            if let Some(model) = named(&self.models, &provider.name) {
                provider.model = Some(Arc::clone(model));
            }
            if let Some(citations) = named(&self.citations, &provider.name) {
                provider.citations = *citations;
            }
            provider.timeouts = self.timeouts(provider.timeouts);
        }
        for family in &mut catalog.families {
            let mut among = Vec::with_capacity(family.models.among.len());
            for (mut target, weight) in family.models.among.drain(..) {
                if named(&self.models, &target.provider).is_some() {
                    target.model = None;
                }
                if !among.iter().any(|(other, _)| *other == target) {
                    among.push((target, weight));
                }
            }
            family.models.among = among;
        }
    }

    fn timeouts(&self, of_file: Timeouts) -> Timeouts {
        let timeouts = Timeouts { connect: self.connect.unwrap_or(of_file.connect), ..of_file };
        match self.whole {
            Some(whole) => Timeouts { first_token: whole, between_chunks: whole / 3, whole, ..timeouts },
            None => timeouts,
        }
    }
}

fn named<'a, T>(all: &'a [(Arc<str>, T)], name: &str) -> Option<&'a T> {
    all.iter().find(|(provider, _)| &**provider == name).map(|(_, value)| value)
}
