//! Views as bytes: a file for each segment, which never changes, and a small one of who of it is dead.
//!
//! The tail is not among them: [`View::sealed`] makes a segment of it first.

use crate::{
    sections::{Damage, Reader, Sections},
    segment::Segment,
    tombstones::Tombstones,
    view::{Part, View},
};

/// A segment of a view, for writing it down.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a>(&'a Part);

// === impl Snapshot ===

impl Snapshot<'_> {
    /// Tells segments of this process apart: what is written under this number need not be written again.
    pub fn serial(&self) -> u64 {
        self.0.segment.serial
    }

    /// The segment. Linear in its postings.
    pub fn segment(&self) -> Vec<u8> {
        self.0.segment.to_bytes()
    }

    /// Who of it is dead: four bytes each.
    pub fn dead(&self) -> Vec<u8> {
        let mut sections = Sections::default();
        sections.add([self.0.segment.len() as u64]);
        sections.add(self.0.dead.iter());
        sections.into_bytes()
    }
}

// === impl View ===

impl View {
    /// The view with everything in segments.
    #[must_use]
    pub fn sealed(&self) -> View {
        let mut next = self.clone();
        if !next.tail.is_empty() {
            next.seal();
        }
        next
    }

    /// Its segments.
    pub fn snapshots(&self) -> impl Iterator<Item = Snapshot<'_>> {
        self.parts.iter().map(Snapshot)
    }

    /// Adds a segment that was written down, by what [`Snapshot::segment`] and [`Snapshot::dead`] gave.
    ///
    /// # Errors
    /// Where the bytes are damaged, or that one does not belong to the other.
    pub fn reopen(&mut self, segment: &[u8], dead: &[u8]) -> Result<(), Damage> {
        let mut part = Part::new(Segment::from_bytes(segment)?);
        let mut reader = Reader::open(dead)?;
        let documents = part.segment.len() as u64;
        let of = reader.numbers::<u64>()?;
        reader.ensure(of == [documents], "it is of another segment")?;
        let numbers = reader.numbers::<u32>()?;
        reader.ensure(
            numbers.iter().all(|number| u64::from(*number) < documents),
            "it is of another segment",
        )?;
        let mut dead = Tombstones::default();
        for number in numbers {
            dead.add(number);
        }
        part.dead = dead;
        self.parts.extend((part.living() > 0).then_some(part));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bag, Change, Record};

    fn view() -> View {
        let record = |number: u64| Record {
            key: number,
            id: format!("r{number}").into(),
            created_at: 0,
            expires_at: number.is_multiple_of(3).then_some(9),
            words: Bag::of(&format!("all w{} w{} w{number}", number % 3, number % 7)),
            labels: vec![format!("l{}", number % 2).into()],
        };
        let view = View::default().apply((0..40).map(|number| Change::Put(record(number))));
        view.sealed().apply([Change::Delete("r7".into())])
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let view = view();
        let snapshot = view.snapshots().next().unwrap();
        let (segment, dead) = (snapshot.segment(), snapshot.dead());
        assert_eq!(View::default().reopen(&segment, &dead), Ok(()));
        for bit in 0..segment.len() * 8 {
            let mut flipped = segment.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(View::default().reopen(&flipped, &dead).is_err(), "bit {bit}");
        }
        for bit in 0..dead.len() * 8 {
            let mut flipped = dead.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(View::default().reopen(&segment, &flipped).is_err(), "bit {bit} of the dead");
        }
        for length in 0..segment.len() {
            assert!(View::default().reopen(&segment[..length], &dead).is_err(), "cut to {length}");
        }
        let longer: Vec<u8> = segment.iter().copied().chain([0]).collect();
        assert!(View::default().reopen(&longer, &dead).is_err());
    }

    #[test]
    fn what_is_reopened_holds_as_much() {
        let view = view();
        let mut again = View::default();
        for snapshot in view.snapshots() {
            again.reopen(&snapshot.segment(), &snapshot.dead()).unwrap();
        }
        assert_eq!((again.held().records, again.held().dead), (39, 1));
        let written: Vec<_> = view.snapshots().map(|snapshot| snapshot.segment()).collect();
        assert_eq!(again.snapshots().map(|snapshot| snapshot.segment()).collect::<Vec<_>>(), written);
    }
}
