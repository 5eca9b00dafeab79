//! Questions in the form of others' APIs.

use std::time::{SystemTime, UNIX_EPOCH};

use bsm_proto::models::v1;
use bsm_runtime::call::Call;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use tonic::{Response, Status};

use crate::error::{Attempt, Attempts, Error};
use crate::face::{Asked, Face, Label, Question, Teller, vectors};
use crate::failure::Failure;
use crate::gateway::{Answered, Gateway};
use crate::provider::{Echo, Passed, Provider};

#[cfg(test)]
mod tests;

/// The messages of one answer.
pub(super) type Messages = BoxStream<'static, Result<v1::RelayResponse, Status>>;

/// Bytes of one message at most: far below what a message may have.
const MOST: usize = 1024 * 1024;

pub(super) async fn relay(
    gateway: &Gateway,
    call: Call,
    request: v1::RelayRequest,
) -> Result<Response<Messages>, Status> {
    let face = Face::try_from(request.face())?;
    let id = call.correlation_id().to_owned();
    match face.read(request.body, &request.headers)? {
        Asked::Words(question) => {
            let answered = gateway.relay(&question, call).await?;
            let dropped = dropped(gateway, &question, &answered);
            Ok(Response::new(words(*question, answered, id, dropped)))
        }
        Asked::Vectors(texts) => {
            let answered = gateway.relay_vectors(&texts, call).await?;
            let label = label(id, &answered.model);
            let (body, dropped) = match answered.answer {
                Passed::Vectors(ref embedding) => {
                    (vectors(embedding, texts.encoding, &label), texts.dropped())
                }
                Passed::Same(ref body, ..) => (body.clone(), Vec::new()),
                _ => (Bytes::new(), Vec::new()), // vectors come whole, and as vectors
            };
            Ok(Response::new(document(head(&answered, false, dropped), body)))
        }
    }
}

/// What was left out on the way to a provider of another form. The built-in reviewer is none: it reads what it can.
fn dropped(gateway: &Gateway, question: &Question, answered: &Answered<Passed>) -> Vec<String> {
    match (&answered.answer, gateway.fleet().provider(&answered.provider)) {
        (Passed::Whole(_) | Passed::Stream(_), Some(Provider::Remote(remote))) => {
            question.dropped(remote.lacks())
        }
        _ => Vec::new(),
    }
}

fn words(question: Question, answered: Answered<Passed>, id: String, dropped: Vec<String>) -> Messages {
    let label = label(id, &answered.model);
    let streams = matches!(answered.answer, Passed::SameStream(_) | Passed::Stream(_));
    let head = head(&answered, streams, dropped);
    let Answered { answer, provider, model, attempts } = answered;
    let told = move |failure: Failure| {
        let last = Attempt { provider: provider.clone(), model: model.clone(), failure };
        Status::from(Error::Failed(Attempts::new(attempts.clone(), last)))
    };
    match answer {
        Passed::Same(body, ..) => document(head, body),
        Passed::Whole(answer) => document(head, question.whole(answer, &label)),
        Passed::Vectors(_) => document(head, Bytes::new()), // words are answered in words
        Passed::SameStream(echo) => {
            let bytes = echo.map(move |echo| match echo {
                Ok(Echo::Bytes(bytes, _)) => Ok(bytes),
                Ok(Echo::Done(_)) => Ok(Bytes::new()),
                Err(failure) => Err(told(failure)),
            });
            messages(head, bytes.boxed())
        }
        Passed::Stream(pieces) => {
            let mut teller: Box<dyn Teller> = question.teller(label);
            let bytes = pieces.map(move |piece| match piece {
                Ok(piece) => Ok(Bytes::from(teller.tell(piece))),
                Err(failure) => Err(told(failure)),
            });
            messages(head, bytes.boxed())
        }
    }
}

fn label(id: String, model: &str) -> Label {
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Label { id, created, model: model.to_owned() }
}

fn head(answered: &Answered<Passed>, stream: bool, dropped: Vec<String>) -> v1::RelayHead {
    let Answered { provider, model, .. } = answered;
    v1::RelayHead { provider: provider.to_string(), model: model.clone(), stream, dropped }
}

/// A document that is there as a whole: one message, unless it is very long.
fn document(head: v1::RelayHead, body: Bytes) -> Messages {
    let mut rest = body;
    let first = rest.split_to(rest.len().min(MOST));
    let first = v1::RelayResponse { head: Some(head), body: first };
    let more = std::iter::from_fn(move || {
        let body = rest.split_to(rest.len().min(MOST));
        (!body.is_empty()).then_some(v1::RelayResponse { head: None, body })
    });
    stream::iter(std::iter::once(first).chain(more).map(Ok)).boxed()
}

/// A stream: the head goes out with the first bytes, which are there.
fn messages(head: v1::RelayHead, bytes: BoxStream<'static, Result<Bytes, Status>>) -> Messages {
    let mut head = Some(head);
    let wanted = |bytes: &Result<Bytes, Status>| {
        std::future::ready(bytes.as_ref().map_or(true, |bytes| !bytes.is_empty()))
    };
    let messages = bytes
        .filter(wanted)
        .map(move |bytes| bytes.map(|body| v1::RelayResponse { head: head.take(), body }));
    messages.boxed()
}
