//! Runs that tests feed by hand; time is paused. Nothing here asks a provider: the gateway's own part is in
//! `grpc::tests::replay`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::key::{Key, Kind, Print};
use super::log::{Item, Unread};
use super::shelf::{Limits, Want};
use super::store::{Lost, Opened, Source, Store};
use super::*;

mod logs;
mod resumed;
mod sequences;
mod shared;

const HOUR: Duration = Duration::from_secs(3600);

/// A word of a scripted run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Says(u32),
    Ends,
}

/// Why a scripted run has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broke {
    Down,
    Lost,
}

impl Item for Word {
    fn weight(&self) -> usize {
        100
    }

    fn is_last(&self) -> bool {
        *self == Word::Ends
    }
}

impl From<Lost> for Broke {
    fn from(_: Lost) -> Self {
        Broke::Lost
    }
}

/// Says what a run brings; the run is over when it is dropped.
type Feed = mpsc::UnboundedSender<Result<Word, Broke>>;
type Place = Opened<Word, Broke>;

fn limits(bytes: usize) -> Limits {
    Limits { bytes, repeats: HOUR * 24, answers: HOUR }
}

fn repeat(tenant: &str, key: &str, question: &str) -> Want {
    let key = Key::Repeat { tenant: tenant.into(), key: key.into() };
    Want {
        key,
        print: Print::of_parts(&[question.as_bytes()]),
        max_age: None,
        fresh: false,
        grace: Duration::ZERO,
    }
}

fn exact(tenant: &str, question: &str) -> Want {
    let print = Print::of_parts(&[question.as_bytes()]);
    Want { key: Key::Exact { tenant: tenant.into(), print }, ..repeat(tenant, "", question) }
}

/// Opens; with the feed of the run if one was begun.
fn open(store: &Arc<Store>, want: Want) -> Result<(Place, Option<Feed>), Refused> {
    let mut feed = None;
    let opened = store.open(want, || {
        let (sender, receiver) = mpsc::unbounded_channel();
        feed = Some(sender);
        stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
    })?;
    Ok((opened, feed))
}

fn begin(store: &Arc<Store>, want: Want) -> (Place, Feed) {
    let (place, feed) = open(store, want).unwrap();
    (place, feed.expect("it was begun here"))
}

/// What a reader gets to the end of the run.
async fn rest(mut place: Place) -> Vec<Result<Word, Broke>> {
    let mut words = Vec::new();
    while let Some(word) = place.next().await {
        words.push(word.map(|(_, word)| word));
    }
    words
}

fn say(feed: &Feed, words: impl IntoIterator<Item = Word>) {
    words.into_iter().for_each(|word| feed.send(Ok(word)).unwrap());
}

#[test]
fn questions_are_told_apart_by_every_field_but_the_key() {
    use crate::testing::ask;
    let plain = ask("hi");
    let changed = |change: &dyn Fn(&mut Ask)| {
        let mut other = plain.clone();
        change(&mut other);
        Print::of(&other)
    };
    let prints = [
        Print::of(&plain),
        changed(&|ask| ask.model = Some("m".to_owned())),
        changed(&|ask| ask.turns[0].content.push('!')),
        changed(&|ask| ask.turns.push(plain.turns[0].clone())),
        changed(&|ask| ask.hints.task = "code_review".to_owned()),
        changed(&|ask| ask.temperature = Some(0.1)),
        changed(&|ask| ask.temperature = Some(0.2)),
        changed(&|ask| ask.max_tokens = Some(1)),
        changed(&|ask| ask.stop = vec!["a".to_owned(), "b".to_owned()]),
        changed(&|ask| ask.stop = vec!["a\", \"b".to_owned()]),
        changed(&|ask| ask.seed = Some(1)),
        changed(&|ask| ask.language = crate::ask::Language::Arabic),
    ];
    for (at, print) in prints.iter().enumerate() {
        assert_eq!(prints.iter().position(|other| other == print), Some(at));
    }
    assert_eq!(changed(&|ask| ask.idempotency_key = Some("k".to_owned())), prints[0]);
}

#[test]
fn a_whole_answer_and_its_pieces_are_the_same() {
    use crate::answer::{CallDelta, Citation, Finish, Piece, ToolCall, Usage};
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: format!("tool-{id}"),
        arguments: arguments.to_owned(),
    };
    let finish = Finish { model: "m".to_owned(), reason: "tool_calls".to_owned(), usage: Usage::default() };
    let answer = Answer {
        output: "Hello".to_owned(),
        calls: vec![call("a", "{\"x\":1}"), call("b", "{}")],
        citations: vec![Citation { url: "https://example.org".to_owned(), title: None }],
        finish: finish.clone(),
    };
    let mut collected = event::Collected::default();
    let whole = answer.clone().into_pieces().find_map(|piece| collected.add(piece));
    assert_eq!(whole, Some(answer.clone()));
    let delta = |index, id: Option<&str>, arguments: &str| {
        Piece::Call(CallDelta {
            index,
            id: id.map(str::to_owned),
            name: id.map(|id| format!("tool-{id}")),
            arguments: arguments.to_owned(),
        })
    };
    let cut = [
        Piece::Delta("Hel".to_owned()),
        delta(0, Some("a"), "{\"x"),
        delta(1, Some("b"), ""),
        Piece::Delta("lo".to_owned()),
        delta(1, None, "{}"),
        delta(0, None, "\":1}"),
        Piece::Citations(answer.citations.clone()),
        Piece::Done(finish),
    ];
    assert_eq!(cut.into_iter().find_map(|piece| collected.add(piece)), Some(answer));
}
