//! Which documents bear a label.

use crate::{BLOCK, bag, strings::Strings, tombstones::Mask};

/// By label: the documents that bear it.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    pub(super) names: Strings,
    /// By label: where its documents end.
    pub(super) ends: Vec<u32>,
    pub(super) documents: Vec<u32>,
}

// === impl Labels ===

impl Labels {
    /// Of pairs of a label and a document, in any order.
    pub(crate) fn of<'a>(pairs: impl Iterator<Item = (&'a str, u32)>) -> Labels {
        let mut names = Strings::default();
        let mut pairs: Vec<(u32, u32)> =
            pairs.map(|(name, document)| (names.intern(bag::hash(name), name), document)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let end = |name| pairs.partition_point(|(other, _)| *other <= name) as u32;
        let ends = (0..names.len() as u32).map(end).collect();
        names.shrink();
        Labels { names, ends, documents: pairs.into_iter().map(|(_, document)| document).collect() }
    }

    /// Every pair of a label and a document.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, u32)> {
        let bearers = |(number, name)| self.bearers(number).iter().map(move |document| (name, *document));
        self.names.iter().enumerate().flat_map(bearers)
    }

    fn bearers(&self, label: usize) -> &[u32] {
        let start = if label == 0 { 0 } else { self.ends[label - 1] as usize };
        &self.documents[start..self.ends[label] as usize]
    }

    /// The documents that bear all of these labels, as a bit for each of `documents`.
    pub(crate) fn all(&self, wanted: &[&str], documents: usize) -> Vec<Mask> {
        let mut masks = vec![[0; BLOCK / 64]; documents.div_ceil(BLOCK)];
        let lists: Option<Vec<&[u32]>> = wanted.iter().map(|name| self.find(name)).collect();
        let Some(mut lists) = lists else { return masks }; // nobody bears one of them
        lists.sort_unstable_by_key(|list| list.len());
        let Some((fewest, others)) = lists.split_first() else { return masks };
        for document in *fewest {
            if others.iter().all(|list| list.binary_search(document).is_ok()) {
                let place = *document as usize;
                masks[place / BLOCK][place % BLOCK / 64] |= 1 << (place % 64);
            }
        }
        masks
    }

    fn find(&self, name: &str) -> Option<&[u32]> {
        self.names.get(bag::hash(name), name).map(|number| self.bearers(number as usize))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.names.bytes() + (self.ends.capacity() + self.documents.capacity()) * 4
    }
}
