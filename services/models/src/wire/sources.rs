//! The sources of an answer as they become known.

use crate::answer::{Citation, Piece};

/// The sources named so far, each once: chunks repeat them, and some name an address before its title.
#[derive(Debug, Default)]
pub(super) struct Sources {
    found: Vec<Citation>,
    told: usize,
}

// === impl Sources ===

impl Sources {
    /// A source has been named; one without an address is none.
    pub(super) fn note(&mut self, url: Option<String>, title: Option<String>) {
        let Some(url) = url.filter(|url| !url.is_empty()) else { return };
        let title = title.filter(|title| !title.is_empty());
        match self.found.iter_mut().find(|citation| citation.url == url) {
            Some(known) => known.title = known.title.take().or(title),
            None => self.found.push(Citation { url, title }),
        }
    }

    /// All of them.
    pub(super) fn into_all(self) -> Vec<Citation> {
        self.found
    }

    /// Those that were not told yet; `None` if there are none.
    pub(super) fn news(&mut self) -> Option<Piece> {
        let news = self.found[self.told..].to_vec();
        self.told = self.found.len();
        (!news.is_empty()).then_some(Piece::Citations(news))
    }
}
