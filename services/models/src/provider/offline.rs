//! The built-in reviewer as a provider: rules instead of a model, in this process.

use std::sync::Arc;

use bsm_stack::{Bulkhead, bulkhead};
use futures_util::{StreamExt, stream};
use tokio::task;

use super::{Attempt, Passed, PieceStream};
use crate::answer::{Answer, Finish, Piece, Usage};
use crate::ask::{Ask, Format, Language, Role, ToolChoice};
use crate::face::Question;
use crate::failure::{Failure, Kind};
use crate::offline::{self, Form, Message, Request, Tongue};
use crate::route::OFFLINE;
use crate::wire::{self, Mode};

/// Characters of one streamed piece at about most; pieces end with a line.
const PIECE: usize = 400;

/// The built-in reviewer, kept from taking all processors.
#[derive(Debug)]
pub struct Offline {
    name: Arc<str>,
    bulkhead: Bulkhead,
}

// === impl Offline ===

impl Offline {
    /// The name that callers use, and that every answer carries: nobody should take rules for a model.
    pub const NAME: &'static str = OFFLINE;

    /// The reviewer, with as many reviews at once as `bulkhead` lets through.
    #[must_use]
    pub fn new(bulkhead: Bulkhead) -> Self {
        Self { name: Self::NAME.into(), bulkhead }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) async fn complete(&self, attempt: Attempt<'_>) -> Result<Answer, Failure> {
        let slot = self.bulkhead.acquire(attempt.call.deadline()).await;
        let slot = slot.map_err(|no| no_slot(&no))?;
        let ask = attempt.ask.clone();
        // A review takes processor time in proportion to the diff, so it must not hold up the runtime. The slot goes
        // with it: work that nobody waits for any more is still work.
        let review = task::spawn_blocking(move || {
            let _slot = slot;
            review(&ask)
        });
        review.await.map_err(|_| Failure::new(Kind::Internal, format!("{} broke down", Self::NAME)))?
    }

    pub(super) async fn stream(&self, attempt: Attempt<'_>) -> Result<PieceStream, Failure> {
        let Answer { output, finish, .. } = self.complete(attempt).await?;
        let deltas: Vec<Piece> = pieces(&output).map(|piece| Piece::Delta(piece.to_owned())).collect();
        Ok(stream::iter(deltas.into_iter().chain([Piece::Done(finish)]).map(Ok)).boxed())
    }

    pub(super) async fn relay(&self, attempt: Attempt<'_, Question>) -> Result<Passed, Failure> {
        let Question { ask, mode, document } = attempt.ask;
        document.translatable().map_err(|failure| failure.of(Self::NAME))?;
        let attempt = Attempt { model: attempt.model, ask, call: attempt.call, waits: attempt.waits };
        match mode {
            Mode::Whole => self.complete(attempt).await.map(Passed::Whole),
            Mode::Stream => self.stream(attempt).await.map(Passed::Stream),
        }
    }

    /// Rules make no vectors.
    pub(super) fn embed() -> Failure {
        wire::no_embeddings().of(Self::NAME)
    }
}

fn no_slot(no: &bulkhead::Rejected) -> Failure {
    let failure = match no {
        bulkhead::Rejected::Full { .. } => {
            Failure::new(Kind::BulkheadFull, "has more reviews to do than it may have")
        }
        bulkhead::Rejected::Expired { .. } => {
            Failure::new(Kind::CallerDeadline, "had no free slot before the caller's deadline")
        }
    };
    failure.of(Offline::NAME)
}

/// Reviews the diff in the conversation, as JSON if that was asked for. It calls no tools, so it says so where it must.
fn review(ask: &Ask) -> Result<Answer, Failure> {
    if matches!(ask.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) {
        return Err(Failure::new(Kind::Unsupported, "calls no tools").of(Offline::NAME));
    }
    let messages: Vec<Message<'_>> =
        ask.turns.iter().map(|turn| Message { role: role(turn.role), text: &turn.content }).collect();
    let request = Request {
        messages: &messages,
        task: &ask.hints.task,
        tongue: tongue(ask.language),
        form: if ask.format == Format::Text { Form::Text } else { Form::Json },
    };
    let answer = offline::answer(&request);
    let answer = answer
        .map_err(|nothing| Failure::new(Kind::Rejected, format!("{} found {nothing}", Offline::NAME)))?;
    let finish =
        Finish { model: Offline::NAME.to_owned(), reason: "stop".to_owned(), usage: Usage::default() };
    Ok(Answer { output: answer.text, calls: Vec::new(), citations: Vec::new(), finish })
}

const fn role(role: Role) -> offline::Role {
    match role {
        Role::System => offline::Role::System,
        Role::User => offline::Role::User,
        // What a tool returned is no change that somebody wants reviewed.
        Role::Assistant | Role::Tool => offline::Role::Assistant,
    }
}

const fn tongue(language: Language) -> Tongue {
    match language {
        Language::Arabic => Tongue::Arabic,
        Language::English => Tongue::English,
    }
}

/// A text in pieces of whole lines, each about [`PIECE`] bytes, so that streams look alike whoever answers.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let line_ends = rest.match_indices('\n').map(|(at, _)| at + 1);
        let end = line_ends.into_iter().find(|&end| end >= PIECE).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some(piece)
    })
}
