//! Files are many and independent of each other: they are read on all processors.

use std::{num::NonZero, thread};

/// Below this many a thread costs more than it saves.
const FEW: usize = 32;

/// The most threads that are worth it.
const MOST_THREADS: usize = 8;

/// What `work` makes of each item, in their order. Blocks.
pub(crate) fn in_parallel<T: Send, U: Send>(items: Vec<T>, work: impl Fn(T) -> U + Sync) -> Vec<U> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    if items.len() <= FEW || threads == 1 {
        return items.into_iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let running: Vec<_> = shares(items, threads)
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(work).collect::<Vec<_>>()))
            .collect();
        let done = running.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic), // as if there had been no thread
        });
        done.flatten().collect()
    })
}

/// The items in as many runs, as long as each other but for one item.
fn shares<T>(mut items: Vec<T>, count: usize) -> Vec<Vec<T>> {
    let mut shares = Vec::with_capacity(count);
    for left in (1..=count).rev() {
        let rest = items.split_off(items.len().div_ceil(left));
        shares.push(std::mem::replace(&mut items, rest));
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_is_in_the_order_of_what_went_in() {
        for count in [0, 1, FEW, FEW + 1, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(in_parallel(items, |item| item * 2), doubled);
        }
    }

    #[test]
    fn shares_are_alike_and_leave_nothing_out() {
        let lengths =
            |count| shares((0..count).collect::<Vec<_>>(), 4).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(10), [3, 3, 2, 2]);
        assert_eq!(lengths(2), [1, 1, 0, 0]);
    }
}
