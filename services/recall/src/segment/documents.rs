//! What a segment knows of its documents beside their words.

use std::cmp::Reverse;

use crate::{BLOCK, bag, ranking::Document, strings::Strings};

/// By document, in the order of [`Meta::rank`].
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// How many distinct words it has: ascending.
    pub(crate) sizes: Vec<u32>,
    /// How many words it has, repeated ones included.
    pub(crate) lengths: Vec<u32>,
    pub(crate) keys: Vec<u64>,
    pub(crate) created: Vec<i64>,
    pub(crate) ids: Strings,
    /// When those expire that do: ascending.
    pub(crate) expiries: Vec<(i64, u32)>,
    /// By block: the least of `lengths`.
    pub(crate) shortest: Vec<u32>,
    /// The sum of `lengths`.
    pub(crate) length: u64,
}

/// One document's part of [`Documents`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meta<'a> {
    pub(crate) size: u32,
    pub(crate) length: u32,
    pub(crate) document: Document<'a>,
    pub(crate) expires_at: Option<i64>,
}

// === impl Documents ===

impl Documents {
    /// Of documents in the order of [`Meta::rank`], with distinct ids.
    pub(crate) fn of<'a>(metas: impl ExactSizeIterator<Item = Meta<'a>>) -> Documents {
        let count = metas.len();
        let mut documents = Documents { ids: Strings::with_capacity(count), ..Documents::default() };
        documents.sizes.reserve_exact(count);
        documents.lengths.reserve_exact(count);
        documents.keys.reserve_exact(count);
        documents.created.reserve_exact(count);
        metas.for_each(|meta| documents.push(meta));
        documents.expiries.sort_unstable();
        documents.expiries.shrink_to_fit();
        documents.ids.shrink();
        documents.sum_up();
        documents
    }

    fn push(&mut self, meta: Meta<'_>) {
        let Meta { size, length, document, expires_at } = meta;
        let number = self.ids.intern(bag::hash(document.id), document.id);
        self.expiries.extend(expires_at.map(|expires_at| (expires_at, number)));
        self.sizes.push(size);
        self.lengths.push(length);
        self.keys.push(document.key);
        self.created.push(document.created_at);
    }

    /// Derives what follows from the lengths.
    pub(crate) fn sum_up(&mut self) {
        self.shortest = self.lengths.chunks(BLOCK).filter_map(|block| block.iter().min().copied()).collect();
        self.length = self.lengths.iter().map(|length| u64::from(*length)).sum();
    }

    pub(crate) fn len(&self) -> usize {
        self.sizes.len()
    }

    pub(crate) fn get(&self, number: u32) -> Document<'_> {
        let place = number as usize;
        Document { key: self.keys[place], id: self.ids.text(number), created_at: self.created[place] }
    }

    /// The document with this id.
    pub(crate) fn find(&self, hash: u64, id: &str) -> Option<u32> {
        self.ids.get(hash, id)
    }

    /// Those that have expired at `now`.
    pub(crate) fn due(&self, now: i64) -> impl Iterator<Item = u32> {
        let due = self.expiries.partition_point(|(expires_at, _)| *expires_at <= now);
        self.expiries[..due].iter().map(|(_, number)| *number)
    }

    /// The fewest and the most words of a document of a block.
    pub(crate) fn sizes_of(&self, block: usize) -> (u32, u32) {
        let last = (block * BLOCK + BLOCK).min(self.len()) - 1;
        (self.sizes[block * BLOCK], self.sizes[last])
    }

    pub(crate) fn bytes(&self) -> usize {
        let each = 4 + 4 + 8 + 8;
        self.sizes.capacity() * each + self.ids.bytes() + self.expiries.capacity() * size_of::<(i64, u32)>()
    }
}

// === impl Meta ===

impl<'a> Meta<'a> {
    /// What documents of a segment are sorted by.
    pub(crate) fn rank(&self) -> (u32, Reverse<i64>, &'a str) {
        (self.size, Reverse(self.document.created_at), self.document.id)
    }
}
