//! Arrays of numbers as bytes, each with its length and checksum.
//!
//! ```text
//! "BSMIDX01" | how many sections, 4 B | length 8 B and CRC-32C 4 B of each | CRC-32C of all so far | section | section…
//! ```
//! All numbers are little-endian. Nothing stands outside of a checksum, so any change of a bit is found.

/// What the first bytes are. The number is that of the format: another one is another format.
const MAGIC: &[u8; 8] = b"BSMIDX01";

/// How many bytes a section takes in the head.
const ENTRY: usize = 12;

/// The bytes are not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the index file is damaged at byte {offset}: {what}; delete it, it is built anew from the records")]
pub struct Damage {
    /// Where the damaged part begins.
    pub offset: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// A number of fixed width.
pub(crate) trait Number: Copy {
    const BYTES: usize;
    fn put(self, bytes: &mut Vec<u8>);
    /// From exactly [`Number::BYTES`].
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Number for $type {
            const BYTES: usize = size_of::<$type>();
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn get(bytes: &[u8]) -> Self {
                <$type>::from_le_bytes(bytes.try_into().expect("a number's bytes"))
            }
        }
    )*};
}

number!(u8, u16, u32, u64, i64);

/// Collects sections.
#[derive(Debug, Default)]
pub(crate) struct Sections(Vec<Vec<u8>>);

/// Gives back sections in the order in which they were collected.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    sections: std::vec::IntoIter<(usize, &'a [u8])>,
    /// Where the section that was read last begins.
    offset: usize,
}

// === impl Sections ===

impl Sections {
    pub(crate) fn add<N: Number>(&mut self, numbers: impl IntoIterator<Item = N>) {
        let numbers = numbers.into_iter();
        let mut bytes = Vec::with_capacity(numbers.size_hint().0 * N::BYTES);
        numbers.for_each(|number| number.put(&mut bytes));
        self.0.push(bytes);
    }

    pub(crate) fn add_text(&mut self, text: &str) {
        self.0.push(text.as_bytes().to_vec());
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        (self.0.len() as u32).put(&mut bytes);
        for section in &self.0 {
            (section.len() as u64).put(&mut bytes);
            crc32c::crc32c(section).put(&mut bytes);
        }
        crc32c::crc32c(&bytes).put(&mut bytes);
        self.0.iter().for_each(|section| bytes.extend_from_slice(section));
        bytes
    }
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// Checks every checksum.
    ///
    /// # Errors
    /// Where the bytes are not what was written.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Reader<'a>, Damage> {
        let head = |what| Damage { offset: 0, what };
        if bytes.len() < MAGIC.len() + 8 || !bytes.starts_with(MAGIC) {
            return Err(head("it does not begin as an index file of this release does"));
        }
        let count = u32::get(&bytes[MAGIC.len()..MAGIC.len() + 4]) as usize;
        let head_end = MAGIC.len() + 4 + count.saturating_mul(ENTRY);
        let sum = bytes.get(head_end..head_end.saturating_add(4)).ok_or(head("the head is cut off"))?;
        if crc32c::crc32c(&bytes[..head_end]) != u32::get(sum) {
            return Err(head("the head does not have its checksum"));
        }
        let mut offset = head_end + 4;
        let mut sections = Vec::with_capacity(count);
        for entry in bytes[MAGIC.len() + 4..head_end].chunks_exact(ENTRY) {
            let end =
                usize::try_from(u64::get(&entry[..8])).ok().and_then(|length| offset.checked_add(length));
            let section = end.and_then(|end| bytes.get(offset..end));
            let section = section.ok_or(Damage { offset, what: "a section is cut off" })?;
            if crc32c::crc32c(section) != u32::get(&entry[8..]) {
                return Err(Damage { offset, what: "a section does not have its checksum" });
            }
            sections.push((offset, section));
            offset += section.len();
        }
        if offset != bytes.len() {
            return Err(Damage { offset, what: "there is more than was written" });
        }
        Ok(Reader { sections: sections.into_iter(), offset: 0 })
    }

    fn next(&mut self) -> Result<&'a [u8], Damage> {
        let (offset, section) = self.sections.next().ok_or(self.damage("a section is missing"))?;
        self.offset = offset;
        Ok(section)
    }

    /// The next section.
    ///
    /// # Errors
    /// When it is not there or not a whole number of numbers.
    pub(crate) fn numbers<N: Number>(&mut self) -> Result<Vec<N>, Damage> {
        let section = self.next()?;
        if !section.len().is_multiple_of(N::BYTES) {
            return Err(self.damage("a section ends within a number"));
        }
        Ok(section.chunks_exact(N::BYTES).map(N::get).collect())
    }

    /// The next section.
    ///
    /// # Errors
    /// When it is not there or not text.
    pub(crate) fn text(&mut self) -> Result<String, Damage> {
        let section = self.next()?.to_vec();
        String::from_utf8(section).map_err(|_| self.damage("a text is not UTF-8"))
    }

    /// Something is wrong with what was read last.
    pub(crate) fn damage(&self, what: &'static str) -> Damage {
        Damage { offset: self.offset, what }
    }

    /// # Errors
    /// When what was read cannot be.
    pub(crate) fn ensure(&self, holds: bool, what: &'static str) -> Result<(), Damage> {
        if holds { Ok(()) } else { Err(self.damage(what)) }
    }
}
