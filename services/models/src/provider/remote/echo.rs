//! An answer that passes as the provider sent it, to a caller of the provider's own form.
//!
//! It is read beside, to know how it ends and what it took, and whether it is an answer at all: until its first piece
//! another candidate can take over.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::Remote;
use super::turn::Turn;
use crate::answer::{Finish, Piece, Usage};
use crate::face::events::Events;
use crate::face::{Document, Question, Texts};
use crate::failure::{Failure, Kind};
use crate::ledger::Part;
use crate::patience::Patience;
use crate::provider::{Attempt, Echo, EchoStream, Passed};
use crate::upstream::Reply;
use crate::wire::{Mode, Outgoing, Pieces};

/// Bytes of a stream after which it has begun although no piece came: a model may think aloud before it answers, which is
/// told in the provider's own words. What a stream begins with is less.
const HEADWAY: usize = 1024;

/// A stream under way.
struct Echoing {
    reply: Reply,
    pieces: Box<dyn Pieces>,
    events: Events,
    /// What has come and was not handed on yet.
    ready: VecDeque<Echo>,
    /// Bytes that have come.
    read: usize,
    /// Whether the answer has begun.
    begun: bool,
}

// === impl Remote ===

impl Remote {
    /// Asks for words in the caller's form where the wire has it, else in its own.
    pub(in crate::provider) async fn relay(&self, attempt: Attempt<'_, Question>) -> Result<Passed, Failure> {
        let Question { ask, mode, document } = attempt.ask;
        let Some(request) = self.wire.forward(attempt.model, document, *mode) else {
            document.translatable().map_err(|failure| failure.of(self.name()))?;
            let attempt = Attempt { model: attempt.model, ask, call: attempt.call, waits: attempt.waits };
            return match mode {
                Mode::Whole => self.complete(attempt).await.map(Passed::Whole),
                Mode::Stream => self.stream(attempt).await.map(Passed::Stream),
            };
        };
        self.check(ask)?;
        match mode {
            Mode::Whole => self.echo(attempt, request).await,
            Mode::Stream => self.echo_stream(attempt, document, request).await,
        }
    }

    /// Asks for vectors in the caller's form where the wire has it, else in its own.
    pub(in crate::provider) async fn relay_vectors(
        &self,
        attempt: Attempt<'_, Texts>,
    ) -> Result<Passed, Failure> {
        let Texts { ask, document, .. } = attempt.ask;
        match self.wire.forward(attempt.model, document, Mode::Whole) {
            Some(request) => self.echo(attempt, request).await,
            None => {
                document.translatable().map_err(|failure| failure.of(self.name()))?;
                let attempt = Attempt { model: attempt.model, ask, call: attempt.call, waits: attempt.waits };
                self.embed(attempt).await.map(Passed::Vectors)
            }
        }
    }

    async fn echo<Q: Sync>(&self, attempt: Attempt<'_, Q>, request: Outgoing) -> Result<Passed, Failure> {
        let mut turn = self.turn(attempt.call, attempt.waits)?;
        let result = self.echo_whole(&mut turn, attempt, request).await;
        turn.settle(result.as_ref().err());
        result.map_err(|failure| turn.told(failure, self.name()))
    }

    async fn echo_whole<Q: Sync>(
        &self,
        turn: &mut Turn,
        attempt: Attempt<'_, Q>,
        request: Outgoing,
    ) -> Result<Passed, Failure> {
        let mut reply = self.send(turn, attempt, request).await?;
        let body = turn.patience.wait(reply.whole()).await?;
        let finish = self.wire.finish(&body)?;
        let wrote = if finish.usage == Usage::default() { self.wire.wrote(&body) } else { 0 };
        Ok(Passed::Same(body, finish, wrote))
    }

    async fn echo_stream(
        &self,
        attempt: Attempt<'_, Question>,
        document: &Document,
        request: Outgoing,
    ) -> Result<Passed, Failure> {
        let mut turn = self.turn(attempt.call, attempt.waits)?;
        turn.patience.opens();
        match self.begin_echo(&mut turn, attempt, document, request).await {
            Ok(echoing) => {
                turn.opened();
                Ok(Passed::SameStream(echoing.into_stream(turn, Arc::clone(self.name()))))
            }
            Err(failure) => {
                turn.settle(Some(&failure));
                Err(turn.told(failure, self.name()))
            }
        }
    }

    async fn begin_echo(
        &self,
        turn: &mut Turn,
        attempt: Attempt<'_, Question>,
        document: &Document,
        request: Outgoing,
    ) -> Result<Echoing, Failure> {
        let reply = self.send(turn, attempt, request).await?;
        if !reply.is("text/event-stream") {
            return Err(Failure::new(
                Kind::Malformed,
                "answered with something else than the stream it was asked for",
            ));
        }
        let events = Events::new(!document.tells_usage);
        let pieces = self.wire.pieces();
        let mut echoing = Echoing { reply, pieces, events, ready: VecDeque::new(), read: 0, begun: false };
        echoing.first(&mut turn.patience).await?;
        Ok(echoing)
    }
}

// === impl Echoing ===

impl Echoing {
    /// Waits until the answer has begun.
    async fn first(&mut self, patience: &mut Patience) -> Result<(), Failure> {
        while !self.begun {
            self.read(patience).await?;
        }
        patience.begun();
        Ok(())
    }

    async fn next(&mut self, patience: &mut Patience) -> Result<Echo, Failure> {
        while self.ready.is_empty() {
            self.read(patience).await?;
        }
        Ok(self.ready.pop_front().expect("the loop ends when there is one"))
    }

    async fn read(&mut self, patience: &mut Patience) -> Result<(), Failure> {
        let Some(bytes) = patience.wait(self.reply.next()).await? else {
            let Piece::Done(finish) = self.pieces.end()? else {
                return Err(Failure::new(Kind::Internal, "ended its answer without an end"));
            };
            let rest = self.events.end();
            self.hand_on(rest, 0, Some(finish));
            return Ok(());
        };
        let pieces = self.pieces.push(&bytes)?;
        self.read += bytes.len();
        self.begun |= !pieces.is_empty() || self.read > HEADWAY;
        let wrote = pieces.iter().map(Part::wrote).sum();
        let finish = pieces.into_iter().find_map(|piece| match piece {
            Piece::Done(finish) => Some(finish),
            _ => None,
        });
        let passed = self.events.push(bytes);
        self.hand_on(passed, wrote, finish);
        Ok(())
    }

    fn hand_on(&mut self, bytes: Bytes, wrote: usize, finish: Option<Finish>) {
        self.begun |= finish.is_some();
        self.ready.extend((!bytes.is_empty()).then_some(Echo::Bytes(bytes, wrote)));
        self.ready.extend(finish.map(Echo::Done));
    }

    /// The bytes as they come, settled with the breaker at the end. Dropping the stream drops the connection.
    fn into_stream(self, turn: Turn, provider: Arc<str>) -> EchoStream {
        let step = move |state: Option<(Echoing, Turn)>| {
            let provider = provider.clone();
            async move {
                let (mut echoing, mut turn) = state?;
                match echoing.next(&mut turn.patience).await {
                    Ok(bytes @ Echo::Bytes(..)) => {
                        turn.goes_on();
                        Some((Ok(bytes), Some((echoing, turn))))
                    }
                    Ok(done @ Echo::Done(_)) => {
                        turn.conclude(None);
                        Some((Ok(done), None))
                    }
                    Err(failure) => {
                        turn.conclude(Some(&failure));
                        Some((Err(turn.told(failure, &provider)), None))
                    }
                }
            }
        };
        stream::unfold(Some((self, turn)), step).boxed()
    }
}
