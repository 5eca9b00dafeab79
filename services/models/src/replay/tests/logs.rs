//! What a log keeps when there is no room for all of it.

use super::super::log::Log;
use super::*;

/// Sixteen of these fill the window.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block(u32);

impl Item for Block {
    fn weight(&self) -> usize {
        16 * 1024
    }
}

#[tokio::test]
async fn a_spilled_log_waits_for_its_slowest_reader_and_loses_nothing() {
    let log = Arc::new(Log::<Block, Broke>::new());
    let (mut fast, mut slow) = (log.read(0).unwrap(), log.read(0).unwrap());
    log.push(Block(0));
    log.spill();
    let writer = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            for number in 1..200 {
                log.push(Block(number));
                log.room().await;
            }
            log.end(Ok(()));
        }
    });
    for number in 0..10 {
        assert_eq!(fast.next().await, Some(Ok((number, Block(number as u32)))));
    }
    assert!(!writer.is_finished(), "the slow one has read nothing");
    for number in 0..20 {
        assert_eq!(slow.next().await, Some(Ok((number, Block(number as u32)))));
    }
    assert_eq!(log.read(0).map(drop), Err(Unread::Gone), "the beginning is gone");
    drop(slow); // the fast one goes on alone
    for number in 10..200 {
        assert_eq!(fast.next().await, Some(Ok((number, Block(number as u32)))));
    }
    assert_eq!(fast.next().await, None);
    writer.await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_that_leaves_makes_room() {
    let log = Arc::new(Log::<Block, Broke>::new());
    let (slow, mut fast) = (log.read(0).unwrap(), log.read(0).unwrap());
    log.spill();
    for number in 0..40 {
        log.push(Block(number));
    }
    for _ in 0..40 {
        fast.next().await.unwrap().unwrap();
    }
    let waits = tokio::spawn({
        let log = Arc::clone(&log);
        async move { log.room().await }
    });
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    drop(slow);
    waits.await.unwrap();
}

#[tokio::test]
async fn a_reader_ends_once_and_only_the_first_end_counts() {
    let log = Arc::new(Log::<Block, Broke>::new());
    let mut reader = log.read(0).unwrap();
    log.end(Err(Broke::Down));
    log.end(Ok(()));
    assert_eq!(reader.next().await, Some(Err(Broke::Down)));
    assert_eq!(reader.next().await, None);
}
