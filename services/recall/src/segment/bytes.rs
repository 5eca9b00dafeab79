//! Segments ↔ bytes.

use super::{Columns, Documents, Labels, Postings, Segment};
use crate::{
    BLOCK, CHUNK,
    sections::{Damage, Reader, Sections},
    strings::Strings,
};

// === impl Segment ===

impl Segment {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut sections = Sections::default();
        self.documents.write(&mut sections);
        write(&self.words, &mut sections);
        self.columns.write(&mut sections);
        self.postings.write(&mut sections);
        self.labels.write(&mut sections);
        sections.into_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Segment, Damage> {
        let mut reader = Reader::open(bytes)?;
        let documents = Documents::read(&mut reader)?;
        let words = read(&mut reader)?;
        let columns = Columns::read(&mut reader, documents.len())?;
        let postings = Postings::read(&mut reader, documents.len())?;
        reader.ensure(words.len() == columns.width() + postings.len(), "not every word has holders")?;
        let labels = Labels::read(&mut reader, documents.len())?;
        Ok(Segment::new(documents, words, columns, postings, labels))
    }
}

fn write(strings: &Strings, sections: &mut Sections) {
    let (letters, ends) = strings.parts();
    sections.add_text(letters);
    sections.add(ends.iter().copied());
}

fn read(reader: &mut Reader<'_>) -> Result<Strings, Damage> {
    let (letters, ends) = (reader.text()?, reader.numbers()?);
    Strings::from_parts(letters, ends).ok_or(reader.damage("a string ends outside of its letters"))
}

// === impl Documents ===

impl Documents {
    fn write(&self, sections: &mut Sections) {
        sections.add(self.sizes.iter().copied());
        sections.add(self.lengths.iter().copied());
        sections.add(self.keys.iter().copied());
        sections.add(self.created.iter().copied());
        write(&self.ids, sections);
        sections.add(self.expiries.iter().map(|(expires_at, _)| *expires_at));
        sections.add(self.expiries.iter().map(|(_, document)| *document));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Documents, Damage> {
        let (sizes, lengths) = (reader.numbers::<u32>()?, reader.numbers::<u32>()?);
        let (keys, created) = (reader.numbers::<u64>()?, reader.numbers::<i64>()?);
        let ids = read(reader)?;
        let (at, who) = (reader.numbers::<i64>()?, reader.numbers::<u32>()?);
        let count = sizes.len();
        let fits = [lengths.len(), keys.len(), created.len(), ids.len()].iter().all(|len| *len == count);
        reader.ensure(fits && count > 0, "documents are incomplete")?;
        reader.ensure(sizes.is_sorted(), "documents are in disorder")?;
        let expiring = at.len() == who.len() && who.iter().all(|document| (*document as usize) < count);
        reader.ensure(expiring && at.is_sorted(), "expiries are in disorder")?;
        let expiries = at.into_iter().zip(who).collect();
        let mut documents =
            Documents { sizes, lengths, keys, created, ids, expiries, ..Documents::default() };
        documents.sum_up();
        Ok(documents)
    }
}

// === impl Columns ===

impl Columns {
    fn write(&self, sections: &mut Sections) {
        sections.add([self.width as u32]);
        sections.add(self.bits.as_flattened().iter().copied());
        sections.add(self.first.iter().copied());
        sections.add(self.peaks.iter().copied());
        sections.add(self.counts.iter().copied());
    }

    fn read(reader: &mut Reader<'_>, documents: usize) -> Result<Columns, Damage> {
        let width = reader.numbers::<u32>()?;
        let blocks = documents.div_ceil(BLOCK);
        let width = width.first().map_or(0, |width| *width as usize);
        let bits = reader.numbers::<u64>()?.as_chunks().0.to_vec();
        let (first, peaks, counts) =
            (reader.numbers::<u32>()?, reader.numbers::<u8>()?, reader.numbers::<u8>()?);
        let fits = bits.len() == width * blocks && peaks.len() == width * blocks;
        reader.ensure(fits && is_cut(&first, width * blocks, counts.len()), "columns are incomplete")?;
        let mut columns = Columns { width, blocks, bits, rows: Vec::new(), first, peaks, counts };
        columns.turn(documents);
        Ok(columns)
    }
}

// === impl Postings ===

impl Postings {
    fn write(&self, sections: &mut Sections) {
        sections.add(self.first.iter().copied());
        sections.add(self.chunks.iter().copied());
        sections.add(self.starts.iter().copied());
        sections.add(self.peaks.iter().copied());
        sections.add(self.documents.iter().copied());
        sections.add(self.counts.iter().copied());
    }

    fn read(reader: &mut Reader<'_>, documents: usize) -> Result<Postings, Damage> {
        let (first, chunks, starts) =
            (reader.numbers::<u32>()?, reader.numbers::<u16>()?, reader.numbers::<u32>()?);
        let (peaks, places, counts) =
            (reader.numbers::<u8>()?, reader.numbers::<u16>()?, reader.numbers::<u8>()?);
        let postings = Postings { first, chunks, starts, peaks, documents: places, counts };
        let runs = postings.chunks.len();
        let fits = postings.peaks.len() == runs && postings.counts.len() == postings.documents.len();
        let lists = postings.first.len().wrapping_sub(1);
        let cut =
            is_cut(&postings.first, lists, runs) && is_cut(&postings.starts, runs, postings.counts.len());
        reader.ensure(fits && cut, "postings are incomplete")?;
        let inside = (0..lists).flat_map(|list| postings.runs(list)).all(|run| {
            let last = postings.of(run).0.last().map_or(0, |last| usize::from(*last));
            last < CHUNK && run.chunk * CHUNK + last < documents
        });
        reader.ensure(inside, "postings are of more documents than there are")?;
        Ok(postings)
    }
}

/// Whether these are the ends of `parts` parts of something of that length.
fn is_cut(ends: &[u32], parts: usize, length: usize) -> bool {
    ends.len() == parts + 1
        && ends.first() == Some(&0)
        && ends.is_sorted()
        && ends.last().is_some_and(|end| *end as usize == length)
}

// === impl Labels ===

impl Labels {
    fn write(&self, sections: &mut Sections) {
        write(&self.names, sections);
        sections.add(self.ends.iter().copied());
        sections.add(self.documents.iter().copied());
    }

    fn read(reader: &mut Reader<'_>, documents: usize) -> Result<Labels, Damage> {
        let names = read(reader)?;
        let (ends, bearers) = (reader.numbers::<u32>()?, reader.numbers::<u32>()?);
        let cut = ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == bearers.len();
        let inside = bearers.iter().all(|document| (*document as usize) < documents);
        reader.ensure(cut && ends.len() == names.len() && inside, "labels are incomplete")?;
        Ok(Labels { names, ends, documents: bearers })
    }
}
