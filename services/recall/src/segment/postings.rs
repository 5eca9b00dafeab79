//! The holders of rare words: lists of two bytes a document, cut where a chunk ends.

use crate::CHUNK;

/// By word: the documents that hold it.
#[derive(Debug)]
pub(crate) struct Postings {
    /// By word: where its runs begin. One more at the end.
    pub(super) first: Vec<u32>,
    /// By run: the chunk of its documents.
    pub(super) chunks: Vec<u16>,
    /// By run: where its documents begin. One more at the end.
    pub(super) starts: Vec<u32>,
    /// By run: how often a holder has the word at most.
    pub(super) peaks: Vec<u8>,
    /// By run: the documents, counted from the chunk's first; ascending.
    pub(super) documents: Vec<u16>,
    /// By document of a run: how often it has the word.
    pub(super) counts: Vec<u8>,
}

/// The holders of a word within one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) chunk: usize,
    /// Where its documents are among all.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// How often a holder has the word at most.
    pub(crate) peak: u8,
}

// === impl Postings ===

impl Postings {
    /// No lists, to be added one after the other by [`Postings::push`].
    pub(crate) fn new() -> Postings {
        let (first, starts) = (vec![0], vec![0]);
        Postings {
            first,
            chunks: Vec::new(),
            starts,
            peaks: Vec::new(),
            documents: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// Adds the next list: the holders of a word, ascending.
    ///
    /// # Panics
    /// When there are 2^32 postings.
    pub(crate) fn push(&mut self, holders: &[(u32, u8)]) {
        for run in holders.chunk_by(|a, b| a.0 as usize / CHUNK == b.0 as usize / CHUNK) {
            let chunk = run[0].0 as usize / CHUNK;
            self.chunks.push(u16::try_from(chunk).expect("a segment has fewer than 2^16 chunks"));
            self.documents.extend(run.iter().map(|(document, _)| (*document as usize % CHUNK) as u16));
            self.counts.extend(run.iter().map(|(_, count)| *count));
            self.peaks.push(run.iter().map(|(_, count)| *count).max().unwrap_or(0));
            self.starts
                .push(u32::try_from(self.documents.len()).expect("a segment has fewer than 2^32 postings"));
        }
        self.first.push(self.chunks.len() as u32);
    }

    /// How many lists there are.
    pub(crate) fn len(&self) -> usize {
        self.first.len() - 1
    }

    pub(crate) fn shrink(&mut self) {
        self.first.shrink_to_fit();
        self.chunks.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.peaks.shrink_to_fit();
        self.documents.shrink_to_fit();
        self.counts.shrink_to_fit();
    }

    /// The runs of a list, by chunk ascending.
    pub(crate) fn runs(&self, list: usize) -> impl Iterator<Item = Run> {
        let runs = self.first[list] as usize..self.first[list + 1] as usize;
        runs.map(|run| Run {
            chunk: usize::from(self.chunks[run]),
            start: self.starts[run],
            end: self.starts[run + 1],
            peak: self.peaks[run],
        })
    }

    /// The documents of a run, counted from the chunk's first, and how often each has the word.
    pub(crate) fn of(&self, run: Run) -> (&[u16], &[u8]) {
        let range = run.start as usize..run.end as usize;
        (&self.documents[range.clone()], &self.counts[range])
    }

    /// The documents of a run that begins and ends there.
    pub(crate) fn slice(&self, start: u32, end: u32) -> &[u16] {
        &self.documents[start as usize..end as usize]
    }

    pub(crate) fn holder_count(&self, list: usize) -> usize {
        let (start, end) = (self.first[list] as usize, self.first[list + 1] as usize);
        (self.starts[end] - self.starts[start]) as usize
    }

    pub(crate) fn each(&self, list: usize, mut each: impl FnMut(u32, u8)) {
        for run in self.runs(list) {
            let (documents, counts) = self.of(run);
            for (document, count) in documents.iter().zip(counts) {
                each((run.chunk * CHUNK) as u32 + u32::from(*document), *count);
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let runs = self.chunks.capacity() * 2 + self.starts.capacity() * 4 + self.peaks.capacity();
        self.first.capacity() * 4 + runs + self.documents.capacity() * 2 + self.counts.capacity()
    }
}
