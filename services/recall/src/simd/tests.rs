use proptest::prelude::*;

use super::*;

/// What `tally` is to answer, one document after the other.
fn counted(asked: Asked<'_>) -> Vec<u8> {
    let holds =
        |wanted: &u16, place: usize| asked.columns[usize::from(*wanted)][place / 64] >> (place % 64) & 1;
    let count = |place: usize| asked.wanted.iter().map(|wanted| holds(wanted, place) as u8).sum::<u8>();
    (0..BLOCK).map(|place| asked.counters[place] + count(place)).collect()
}

fn mask(holds: impl Fn(usize) -> bool) -> Mask {
    let mut mask = [0; BLOCK / 64];
    (0..BLOCK).filter(|place| holds(*place)).for_each(|place| mask[place / 64] |= 1 << (place % 64));
    mask
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_path_that_the_processor_has_counts_as_one_by_one(
        seed in any::<u64>(), width in 1..140_usize, peak in 0..=110_u8, least in 1..=255_u8, dense in 0..4_u32,
    ) {
        let mut state = seed | 1;
        let mut next = || { state ^= state << 13; state ^= state >> 7; state ^= state << 17; state };
        let columns: Vec<Mask> = (0..width)
            .map(|_| std::array::from_fn(|_| (0..dense).fold(next(), |word, _| word | next())))
            .collect();
        let wanted: Vec<u16> = (0..width as u16).filter(|_| next() % 8 != 0).collect();
        let counters: Counters = std::array::from_fn(|_| (next() % (u64::from(peak) + 1)) as u8);
        let peak = counters.iter().copied().max().unwrap();
        let asked = Asked { columns: &columns, wanted: &wanted, counters: &counters, peak };
        let expected = counted(asked);
        for simd in Simd::all() {
            let mut planes = [[u64::MAX; BLOCK / 64]; 8];
            let found = simd.tally(asked, least, &mut planes);
            prop_assert_eq!(found, mask(|place| expected[place] >= least), "{:?}", simd);
            let bit = |weight: usize, place: usize| (planes[weight][place / 64] >> (place % 64) & 1) as u8;
            let sum = |place| (0..8).map(|weight| bit(weight, place) << weight).sum::<u8>();
            prop_assert_eq!((0..BLOCK).map(sum).collect::<Vec<_>>(), expected.clone(), "{:?}", simd);

            prop_assert_eq!(simd.reaching(&counters, least), mask(|place| counters[place] >= least), "{:?}", simd);
            let mut peaks = [0; 1];
            simd.peaks(&counters, &mut peaks);
            prop_assert_eq!(peaks, [peak], "{:?}", simd);
            let shared = |a: &Mask, b: &Mask| (0..8).map(|word| (a[word] & b[word]).count_ones()).sum::<u32>();
            let (a, b) = (&columns[0], &columns[width - 1]);
            prop_assert_eq!(simd.shared(a, b), shared(a, b), "{:?}", simd);
        }
    }
}
