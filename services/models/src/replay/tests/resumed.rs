//! Clients whose connections break at random places.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

/// A client that reads, loses its connection after so many words, and comes back with the last id it saw.
async fn client(store: Arc<Store>, breaks: Vec<usize>) -> Vec<Word> {
    let want = || Want { grace: HOUR, ..repeat("t", "k", "q") };
    let mut seen: Vec<Word> = Vec::new();
    let mut last: Option<Position> = None;
    for patience in breaks.into_iter().map(Some).chain([None]) {
        let mut place: Place = match last {
            None => open(&store, want()).unwrap().0,
            Some(position) => store.resume(want(), position).unwrap(),
        };
        let mut left = patience;
        while left != Some(0) {
            let Some(word) = place.next().await else { return seen };
            let (position, word) = word.unwrap();
            seen.push(word);
            last = Some(position.to_string().parse().unwrap());
            left = left.map(|left| left - 1);
        }
    }
    unreachable!("the last connection holds")
}

proptest! {
    #![proptest_config(Config { cases: 64, ..Config::default() })]

    #[test]
    fn nothing_is_repeated_or_missing_however_often_connections_break(
        clients in prop::collection::vec(prop::collection::vec(0..12_usize, 0..8), 1..4),
        bursts in prop::collection::vec(1..8_usize, 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async move {
            let store = Store::new(limits(1 << 20));
            let want = Want { grace: HOUR, ..repeat("t", "k", "q") };
            let (first, feed) = begin(&store, want);
            let clients: Vec<_> = clients.into_iter().map(|breaks| tokio::spawn(client(Arc::clone(&store), breaks))).collect();
            drop(first);
            let mut said = Vec::new();
            for burst in bursts {
                let words: Vec<Word> = (0..burst).map(|at| Word::Says((said.len() + at) as u32)).collect();
                said.extend(words.iter().cloned());
                say(&feed, words);
                tokio::time::sleep(Duration::from_millis(1)).await; // whoever can read does
            }
            say(&feed, [Word::Ends]);
            said.push(Word::Ends);
            drop(feed);
            for client in clients {
                assert_eq!(client.await.unwrap(), said);
            }
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_gone_says_so_and_is_not_begun_again() {
    let store = Store::new(limits(1 << 20));
    let (mut first, feed) = begin(&store, repeat("t", "k", "q"));
    say(&feed, [Word::Says(1)]);
    let (position, _) = first.next().await.unwrap().unwrap();
    let gone = |want| store.resume::<Word, Broke>(want, position).map(drop);
    assert_eq!(gone(repeat("another", "k", "q")), Err(Refused::Gone), "another tenant's");
    assert_eq!(gone(repeat("t", "k", "other")), Err(Refused::OtherQuestion));
    assert_eq!(gone(repeat("t", "k", "q")), Ok(()));
    drop(first); // without a grace
    feed.closed().await;
    assert_eq!(gone(repeat("t", "k", "q")), Err(Refused::Gone));
    let (_again, _feed) = begin(&store, repeat("t", "k", "q"));
    assert_eq!(gone(repeat("t", "k", "q")), Err(Refused::Gone), "it was a place in another run");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_the_stream_has_not_come_to_is_none_to_go_on_from() {
    let store = Store::new(limits(1 << 20));
    let (mut first, feed) = begin(&store, repeat("t", "k", "q"));
    say(&feed, [Word::Says(1)]);
    let (last, _) = first.next().await.unwrap().unwrap();
    let back = |by| {
        let position = Position { item: last.item.saturating_add(by), ..last };
        store.resume::<Word, Broke>(repeat("t", "k", "q"), position)
    };
    assert!(back(0).is_ok(), "behind the last event there will be more");
    for beyond in [1, 1000, u64::MAX] {
        assert_eq!(back(beyond).map(drop), Err(Refused::Beyond), "{beyond}");
    }
    say(&feed, [Word::Ends]);
    drop(feed);
    while first.next().await.is_some() {}
    assert!(back(1).unwrap().next().await.is_none(), "who has seen the last event has seen all");
    assert_eq!(back(2).map(drop), Err(Refused::Beyond));
}
