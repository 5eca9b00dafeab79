//! The same for questions that are passed on in the form of another API: bytes instead of pieces.
//!
//! A stream is cut into its events, which are numbered, so that it can be resumed behind any of them. A document is
//! kept as it came.

use std::mem::{size_of, take};
use std::sync::Arc;

use bsm_proto::models::v1;
use bsm_runtime::call::Call;
use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use tonic::Status;

use super::key::{Key, Print};
use super::log::Item;
use super::position::Position;
use super::shelf::Want;
use super::store::{Lost, Opened};
use super::told::{By, Note};
use super::wishes::{CacheUse, Resume, Wishes};
use super::{Refused, Replay, tenant};
use crate::error::Error;

/// The messages of one answer.
type Messages = BoxStream<'static, Result<v1::RelayResponse, Status>>;

type Run = Opened<v1::RelayResponse, Status>;

/// An answer, and how it was come by.
pub struct Relayed {
    /// Its messages.
    pub messages: Messages,
    /// Whether the cache had it; `None`: it was not asked.
    pub cached: Option<super::Cached>,
    /// Whether a call before, under the same idempotency key, asked for it.
    pub replayed: bool,
}

/// What a stream brought, up to the end of its last whole event.
#[derive(Debug, Default)]
struct Cutter {
    rest: BytesMut,
    /// Bytes of the rest that hold no end of an event.
    searched: usize,
}

// === impl Replay ===

impl Replay {
    /// Puts a question in another form, or repeats its answer. `question` tells it from others. Dropping the future or
    /// the stream is leaving.
    ///
    /// # Errors
    /// Those of `start`, and those of [`Refused`].
    pub async fn relay<S>(
        &self,
        (question, wishes): (Print, Wishes),
        call: Call,
        start: impl FnOnce(Call) -> S,
    ) -> Result<Relayed, Status>
    where
        S: Stream<Item = Result<v1::RelayResponse, Status>> + Send + 'static,
    {
        let detached = call.detached();
        let mut start = Some(start);
        let mut begin = |call: Call| start.take().expect("a run is begun once")(call);
        let opened = self.place(question, &wishes, &call, || events(begin(detached.clone())));
        let (mut run, note) = match opened {
            Ok(place) => place,
            Err(Refused::TooLarge) if wishes.key.is_none() => return Ok(Relayed::plain(begin(call))),
            Err(refused) => return Err(Error::Replay(refused).into()),
        };
        let first = match note.from_start {
            true => run.next().await.map(|first| first.map(|(_, first)| first)),
            false => run.first().map(Ok),
        };
        let first = first.unwrap_or_else(|| Err(Error::Replay(Refused::Gone).into()))?;
        let numbers = wishes.key.is_some() && first.head.as_ref().is_some_and(|head| head.stream);
        let (cached, replayed) = note.seen(None);
        let messages = stream::iter([Ok(first)]).chain(rest(run, numbers)).boxed();
        Ok(Relayed { messages, cached, replayed })
    }

    fn place<S>(
        &self,
        print: Print,
        wishes: &Wishes,
        call: &Call,
        start: impl FnOnce() -> S,
    ) -> Result<(Run, Note), Refused>
    where
        S: Stream<Item = Result<v1::RelayResponse, Status>> + Send + 'static,
    {
        let tenant = tenant(call);
        let want = |key, max_age, fresh| Want { key, print, max_age, fresh, grace: wishes.grace };
        let key =
            wishes.key.as_deref().map(|key| Key::Repeat { tenant: Arc::clone(&tenant), key: key.into() });
        let by = key.as_ref().map_or(By::Question, |_| By::IdempotencyKey(CacheUse::Off));
        let fresh = wishes.cache == CacheUse::Refresh;
        let exact = want(Key::Exact { tenant, print }, wishes.max_age, fresh);
        if wishes.only_kept && wishes.resume.is_none() {
            // Below a key, questions in this form are not looked for.
            let exact = (key.is_none() && wishes.cache != CacheUse::Off).then_some(exact);
            return self.store.kept(key.map(|key| want(key, None, false)), exact, CacheUse::Off);
        }
        let (run, from_start) = match (key, wishes.resume) {
            (Some(key), None) => (self.store.open(want(key, None, false), start)?, true),
            (Some(key), Some(Resume::After(position))) => {
                (self.store.resume(want(key, None, false), position)?, false)
            }
            (_, Some(_)) => return Err(Refused::Gone),
            (None, None) => (self.store.open(exact, start)?, true),
        };
        let source = run.source;
        Ok((run, Note { source, by, from_start }))
    }
}

// === impl Relayed ===

impl Relayed {
    fn plain(messages: impl Stream<Item = Result<v1::RelayResponse, Status>> + Send + 'static) -> Self {
        Self { messages: messages.boxed(), cached: None, replayed: false }
    }
}

/// The items of a run: of a stream its head, then an event each; of a document its messages.
fn events(
    messages: impl Stream<Item = Result<v1::RelayResponse, Status>> + Send + 'static,
) -> impl Stream<Item = Result<v1::RelayResponse, Status>> + Send + 'static {
    let mut cutter = None;
    let ended = stream::iter([None]);
    messages.map(Some).chain(ended).flat_map(move |message| {
        let items = match message {
            Some(Ok(message)) => cut(&mut cutter, message).into_iter().map(Ok).collect(),
            Some(Err(status)) => vec![Err(status)],
            None => {
                let rest = cutter.as_mut().map(|cutter: &mut Cutter| take(&mut cutter.rest).freeze());
                rest.filter(|rest| !rest.is_empty())
                    .map(|rest| Ok(bare(rest)))
                    .into_iter()
                    .collect::<Vec<_>>()
            }
        };
        stream::iter(items)
    })
}

fn cut(cutter: &mut Option<Cutter>, message: v1::RelayResponse) -> Vec<v1::RelayResponse> {
    let v1::RelayResponse { head, body } = message;
    match (head, cutter) {
        (Some(head), cutter) if head.stream => {
            let events = cutter.insert(Cutter::default()).push(&body);
            let head = v1::RelayResponse { head: Some(head), body: Bytes::new() };
            std::iter::once(head).chain(events.into_iter().map(bare)).collect()
        }
        (None, Some(cutter)) => cutter.push(&body).into_iter().map(bare).collect(),
        (head, _) => vec![v1::RelayResponse { head, body }],
    }
}

fn bare(body: Bytes) -> v1::RelayResponse {
    v1::RelayResponse { head: None, body }
}

/// What follows the head. An event of a stream that can be resumed begins with its id.
fn rest(run: Run, numbers: bool) -> Messages {
    let messages = stream::unfold(run, move |mut run| async move {
        let message = run.next().await?;
        let message = message.map(|(position, message)| match numbers {
            true => v1::RelayResponse { body: numbered(position, &message.body), ..message },
            false => message,
        });
        Some((message, run))
    });
    messages.boxed()
}

fn numbered(position: Position, event: &Bytes) -> Bytes {
    let mut body = format!("id: {position}\n").into_bytes();
    body.extend_from_slice(event);
    body.into()
}

// === impl Item ===

impl Item for v1::RelayResponse {
    fn weight(&self) -> usize {
        let head = self.head.as_ref().map_or(0, |head| head.provider.len() + head.model.len());
        size_of::<Self>() + head + self.body.len()
    }

    /// Of a stream; a document tells by its end.
    fn is_last(&self) -> bool {
        let is_end = |line: &[u8]| {
            matches!(line.trim_ascii(), b"data: [DONE]" | b"data:[DONE]" | b"event: message_stop")
        };
        self.head.is_none() && self.body.len() < 256 && self.body.split(|byte| *byte == b'\n').any(is_end)
    }
}

impl From<Lost> for Status {
    fn from(_: Lost) -> Self {
        Error::Replay(Refused::Lost).into()
    }
}

// === impl Cutter ===

impl Cutter {
    /// The events that are whole now, each with the blank line that ends it.
    fn push(&mut self, bytes: &[u8]) -> Vec<Bytes> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.end() {
            events.push(self.rest.split_to(end).freeze());
            self.searched = 0;
        }
        events
    }

    /// Where the first event ends: behind two line ends in a row.
    fn end(&mut self) -> Option<usize> {
        let bytes = &self.rest;
        for at in self.searched..bytes.len() {
            let is_blank = bytes[at] == b'\n' && {
                let before = bytes[..at].strip_suffix(b"\r").unwrap_or(&bytes[..at]);
                before.ends_with(b"\n")
            };
            if is_blank {
                return Some(at + 1);
            }
        }
        self.searched = bytes.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn however_bytes_are_cut_events_are_whole_and_no_byte_is_lost(
            events in prop::collection::vec("(data: [a-zü ]{0,9}|event: x|: c)(\r\ndata: [a-z]{0,5})?", 1..8),
            ends in prop::collection::vec(any::<bool>(), 8),
            cuts in prop::collection::vec(1..9_usize, 1..60),
        ) {
            let end = |at: usize| if ends[at % ends.len()] { "\n\n" } else { "\r\n\r\n" };
            let events: Vec<String> = events.iter().enumerate().map(|(at, event)| format!("{event}{}", end(at))).collect();
            let whole = events.concat();
            let (mut cutter, mut found, mut rest) = (Cutter::default(), Vec::new(), whole.as_bytes());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                found.extend(cutter.push(now));
                rest = later;
            }
            let found: Vec<String> = found.iter().map(|event| String::from_utf8(event.to_vec()).unwrap()).collect();
            prop_assert_eq!(found, events);
            prop_assert!(cutter.rest.is_empty());
        }
    }

    #[test]
    fn the_last_event_of_either_form_is_known() {
        let is_last = |body: &'static str| bare(Bytes::from_static(body.as_bytes())).is_last();
        assert!(is_last("data: [DONE]\n\n"));
        assert!(is_last("event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n"));
        assert!(!is_last("data: {\"text\":\"data: [DONE]\"}\n\n"));
    }
}
