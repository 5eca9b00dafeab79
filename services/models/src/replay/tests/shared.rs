//! One run and all who want it.

use tokio::time::{Instant, advance};

use super::*;

#[tokio::test(start_paused = true)]
async fn who_repeats_a_running_call_gets_all_of_it() {
    let store = Store::new(limits(1 << 20));
    let (first, feed) = begin(&store, repeat("t", "k", "q"));
    say(&feed, [Word::Says(1), Word::Says(2)]);
    let (second, none) = open(&store, repeat("t", "k", "q")).unwrap();
    assert!(none.is_none(), "nothing is begun twice");
    assert_eq!((first.source, second.source), (Source::Asked, Source::Joined));
    say(&feed, [Word::Ends]);
    let whole = vec![Ok(Word::Says(1)), Ok(Word::Says(2)), Ok(Word::Ends)];
    drop(feed);
    assert_eq!((rest(first).await, rest(second).await), (whole.clone(), whole));
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_is_repeated_until_its_time_is_over() {
    let store = Store::new(limits(1 << 20));
    let (first, feed) = begin(&store, repeat("t", "k", "q"));
    say(&feed, [Word::Says(1), Word::Ends]);
    drop(feed);
    rest(first).await;
    advance(HOUR * 24 - Duration::from_secs(1)).await;
    let (again, none) = open(&store, repeat("t", "k", "q")).unwrap();
    assert!(none.is_none());
    assert_eq!(again.source, Source::Kept(HOUR * 24 - Duration::from_secs(1)));
    assert_eq!(rest(again).await, [Ok(Word::Says(1)), Ok(Word::Ends)]);
    advance(Duration::from_secs(1)).await;
    begin(&store, repeat("t", "k", "q"));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_with_the_last_word_leaves_the_answer_behind() {
    let store = Store::new(limits(1 << 20));
    let (mut first, feed) = begin(&store, repeat("t", "k", "q"));
    say(&feed, [Word::Ends]); // and the run has not ended yet
    assert_eq!(first.next().await.unwrap().unwrap().1, Word::Ends);
    drop(first);
    tokio::task::yield_now().await;
    assert!(matches!(open(&store, repeat("t", "k", "q")).unwrap().0.source, Source::Kept(_)));
}

#[tokio::test(start_paused = true)]
async fn a_key_belongs_to_one_question_and_one_tenant() {
    let store = Store::new(limits(1 << 20));
    let (_first, _feed) = begin(&store, repeat("t", "k", "q"));
    assert_eq!(open(&store, repeat("t", "k", "other")).map(drop), Err(Refused::OtherQuestion));
    begin(&store, repeat("another", "k", "other"));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_to_those_attached_and_to_nobody_later() {
    let store = Store::new(limits(1 << 20));
    let (first, feed) = begin(&store, repeat("t", "k", "q"));
    let (second, _) = open(&store, repeat("t", "k", "q")).unwrap();
    say(&feed, [Word::Says(1)]);
    feed.send(Err(Broke::Down)).unwrap();
    let broken = vec![Ok(Word::Says(1)), Err(Broke::Down)];
    assert_eq!((rest(first).await, rest(second).await), (broken.clone(), broken));
    begin(&store, repeat("t", "k", "q"));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_ends_nothing_for_others_and_the_last_one_ends_it() {
    let store = Store::new(limits(1 << 20));
    let (first, feed) = begin(&store, repeat("t", "k", "q"));
    let (mut second, _) = open(&store, repeat("t", "k", "q")).unwrap();
    drop(first);
    say(&feed, [Word::Says(1)]);
    assert_eq!(second.next().await.unwrap().unwrap().1, Word::Says(1));
    drop(second);
    feed.closed().await; // the run was dropped, and the call upstream with it
    begin(&store, repeat("t", "k", "q"));
}

#[tokio::test(start_paused = true)]
async fn a_grace_keeps_the_run_for_who_comes_back_and_not_for_longer() {
    let store = Store::new(limits(1 << 20));
    let want = || Want { grace: Duration::from_secs(30), ..repeat("t", "k", "q") };
    let (first, feed) = begin(&store, want());
    drop(first);
    advance(Duration::from_secs(29)).await;
    say(&feed, [Word::Says(1)]);
    let (back, none) = open(&store, want()).unwrap();
    assert!(none.is_none(), "the run goes on");
    advance(Duration::from_secs(29)).await; // the first grace is over, and somebody is there
    say(&feed, [Word::Says(2)]);
    drop(back);
    let left = Instant::now();
    feed.closed().await;
    assert_eq!(left.elapsed(), Duration::from_secs(30), "each leaving has its own grace");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_without_a_word_is_told_as_lost() {
    let store = Store::new(limits(1 << 20));
    let opened = store
        .open(repeat("t", "k", "q"), || stream::once(async { panic!("as a provider's code might") }).boxed());
    let place: Place = opened.unwrap();
    assert_eq!(rest(place).await, [Err(Broke::Lost)]);
    begin(&store, repeat("t", "k", "q"));
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_as_young_as_the_caller_wants_it() {
    let store = Store::new(limits(1 << 20));
    let (first, feed) = begin(&store, exact("t", "q"));
    say(&feed, [Word::Ends]);
    drop(feed);
    rest(first).await;
    advance(Duration::from_secs(60)).await;
    let at_most = |seconds| Want { max_age: Some(Duration::from_secs(seconds)), ..exact("t", "q") };
    assert_eq!(open(&store, at_most(60)).unwrap().0.source, Source::Kept(Duration::from_secs(60)));
    let (younger, feed) = begin(&store, at_most(59));
    say(&feed, [Word::Says(7), Word::Ends]);
    drop(feed);
    rest(younger).await;
    assert_eq!(rest(open(&store, exact("t", "q")).unwrap().0).await[0], Ok(Word::Says(7)), "the newer one");
    begin(&store, Want { fresh: true, ..exact("t", "q") });
    begin(&store, exact("another", "q"));
}

#[tokio::test(start_paused = true)]
async fn clearing_forgets_one_kind_and_takes_nothing_from_readers() {
    let store = Store::new(limits(1 << 20));
    let (first, feed) = begin(&store, repeat("t", "k", "q"));
    let (other, other_feed) = begin(&store, exact("t", "q"));
    say(&feed, [Word::Says(1)]);
    say(&other_feed, [Word::Ends]);
    drop(other_feed);
    rest(other).await;
    store.clear(Kind::Repeat);
    assert_eq!(open(&store, exact("t", "q")).unwrap().0.source, Source::Kept(Duration::ZERO));
    let (_second, _again) = begin(&store, repeat("t", "k", "q"));
    say(&feed, [Word::Ends]);
    drop(feed);
    assert_eq!(rest(first).await, [Ok(Word::Says(1)), Ok(Word::Ends)]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_streams_that_bring_far_more_than_there_is_room_for_stay_within_it() {
    const ROOM: usize = 64 * 1024;
    let store = Store::new(limits(ROOM));
    let mut streams: Vec<_> = (0..100).map(|at| begin(&store, repeat("t", &format!("k{at}"), "q"))).collect();
    for round in 0..50 {
        for (place, feed) in &mut streams {
            say(feed, [Word::Says(round)]);
            assert_eq!(place.next().await.unwrap().unwrap().1, Word::Says(round), "nobody misses a word");
        }
        let held = store.counts(Kind::Repeat).bytes;
        assert!(held <= ROOM + 100 * 600, "{held} bytes, 600 of them for each stream's own bookkeeping");
    }
    assert!(store.counts(Kind::Repeat).evicted > 0, "or this would show nothing");
    drop(streams);
    assert_eq!(store.counts(Kind::Repeat).bytes, 0);
}
