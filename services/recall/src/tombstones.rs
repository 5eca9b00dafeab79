//! Which documents of a segment are dead. Clones share what neither has changed.

use std::sync::Arc;

use crate::{BLOCK, CHUNK};

/// A bit for each of a block's documents.
pub(crate) type Mask = [u64; BLOCK / 64];

const BLOCKS: usize = CHUNK / BLOCK;

/// A set of document numbers; costs nothing while it is empty, and 4 KiB for each chunk that has dead ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tombstones {
    chunks: Vec<Option<Arc<[Mask; BLOCKS]>>>,
    count: usize,
}

// === impl Tombstones ===

impl Tombstones {
    /// Adds a document; whether it was not in already.
    pub(crate) fn add(&mut self, document: u32) -> bool {
        let (chunk, block, bit) = place(document);
        if self.contains(document) {
            return false;
        }
        if self.chunks.len() <= chunk {
            self.chunks.resize(chunk + 1, None);
        }
        let masks = self.chunks[chunk].get_or_insert_with(|| Arc::new([[0; BLOCK / 64]; BLOCKS]));
        Arc::make_mut(masks)[block][bit / 64] |= 1 << (bit % 64);
        self.count += 1;
        true
    }

    pub(crate) fn contains(&self, document: u32) -> bool {
        let (chunk, block, bit) = place(document);
        let masks = self.chunks.get(chunk).and_then(Option::as_deref);
        masks.is_some_and(|masks| masks[block][bit / 64] >> (bit % 64) & 1 == 1)
    }

    /// The dead of a block, if its chunk has any.
    pub(crate) fn block(&self, block: usize) -> Option<&Mask> {
        self.chunks.get(block / BLOCKS)?.as_deref().map(|masks| &masks[block % BLOCKS])
    }

    /// Those that are in, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let chunks = (0_u32..).step_by(CHUNK).zip(&self.chunks);
        let chunks =
            chunks.filter_map(|(base, masks)| masks.as_deref().map(|masks| (base, masks.as_flattened())));
        chunks.flat_map(|(base, words)| {
            let bits = move |(at, word): (u32, &u64)| {
                let word = *word;
                (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| base + at + bit)
            };
            (0_u32..).step_by(64).zip(words).filter(|(_, word)| **word != 0).flat_map(bits)
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The memory it holds, in bytes, shared or not.
    pub(crate) fn bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| 8 + chunk.as_deref().map_or(0, size_of_val)).sum()
    }
}

fn place(document: u32) -> (usize, usize, usize) {
    let document = document as usize;
    (document / CHUNK, document % CHUNK / BLOCK, document % BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_does_not_see_what_is_added_later() {
        let mut dead = Tombstones::default();
        assert!(dead.add(70_000) && !dead.add(70_000) && dead.add(3));
        let before = dead.clone();
        dead.add(4);
        let alive = |dead: &Tombstones| [3, 4, 70_000, 69_999].map(|document| dead.contains(document));
        assert_eq!(alive(&before), [true, false, true, false]);
        assert_eq!(alive(&dead), [true, true, true, false]);
        assert_eq!(dead.iter().collect::<Vec<_>>(), [3, 4, 70_000]);
        assert_eq!(dead.block(70_000 / BLOCK).unwrap()[70_000 % BLOCK / 64] >> (70_000 % 64) & 1, 1);
        assert_eq!((before.len(), dead.len(), dead.block(64)), (2, 3, None));
    }
}
