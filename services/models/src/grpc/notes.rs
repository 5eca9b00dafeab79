//! What a caller wishes beside the question, and what it is told beside the answer: both in metadata.

use bsm_proto::models::v1;
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::Response;
use tonic::metadata::{MetadataMap, MetadataValue};

use crate::ask::{Ask, Violation};
use crate::error::Error;
use crate::gateway::Answered;
use crate::replay::{CACHE, Cached, Print, Relayed, Told, Wishes};

/// Says how many seconds old an answer is that was kept, in HTTP's own word.
const AGE: &str = "age";
/// Says that an earlier call under the idempotency key asked for the answer.
const REPLAYED: &str = "idempotent-replayed";

/// A prompt and what is wished beside it; every mistake of both is found at once.
pub(super) fn read(metadata: &MetadataMap, prompt: v1::Prompt) -> Result<(Ask, Wishes), Error> {
    let wishes = Wishes::read(metadata.as_ref(), &prompt);
    let (ask, wishes) = both(Ask::parse(prompt), wishes)?;
    Ok((keyed(ask, &wishes), wishes))
}

/// A question and what is wished beside it, or the mistakes of both.
pub(super) fn both<A>(
    ask: Result<A, Vec<Violation>>,
    wishes: Result<Wishes, Vec<Violation>>,
) -> Result<(A, Wishes), Error> {
    match (ask, wishes) {
        (Ok(ask), Ok(wishes)) => Ok((ask, wishes)),
        (Err(mut found), Err(more)) => {
            found.extend(more);
            Err(Error::Invalid(found))
        }
        (Err(found), Ok(_)) | (Ok(_), Err(found)) => Err(Error::Invalid(found)),
    }
}

/// What is wished of a call whose message says nothing about it.
pub(super) fn wishes(metadata: &MetadataMap) -> Result<Wishes, Error> {
    Wishes::of(metadata.as_ref()).map_err(Error::Invalid)
}

/// A provider that knows such keys gets the key, wherever it stood.
pub(super) fn keyed(ask: Ask, wishes: &Wishes) -> Ask {
    Ask { idempotency_key: wishes.key.clone(), ..ask }
}

/// What is wished of a question in the form of another API.
pub(super) fn wishes_of_relay(request: &v1::RelayRequest) -> Result<Wishes, Error> {
    let named = |header: &v1::RelayHeader| {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(&header.value).ok()?))
    };
    let headers: HeaderMap = request.headers.iter().filter_map(named).collect();
    Ok(Wishes::of(&headers).map_err(Error::Invalid)?.after_header(&headers))
}

/// What tells such a question from others: all of it, and the headers that say how it is meant.
pub(super) fn print_of_relay(request: &v1::RelayRequest) -> Print {
    let of_form =
        |header: &&v1::RelayHeader| header.name.ends_with("-version") || header.name.ends_with("-beta");
    let meant =
        request.headers.iter().filter(of_form).map(|header| format!("{}: {}", header.name, header.value));
    let mut meant: Vec<String> = meant.collect();
    meant.sort_unstable();
    let face = request.face.to_be_bytes();
    Print::of_parts(&[&face, meant.join("\n").as_bytes(), &request.body])
}

/// An answer that is passed on, with its notes.
pub(super) fn noted_relay(relayed: Relayed) -> Response<super::relay::Messages> {
    let Relayed { messages, cached, replayed } = relayed;
    let mut response = Response::new(messages);
    note(response.metadata_mut(), cached, replayed);
    response
}

/// An answer as a message, with its notes.
pub(super) fn noted<T, M>(told: Told<T>, message: impl FnOnce(Answered<T>) -> M) -> Response<M> {
    let Told { answered, cached, replayed, .. } = told;
    let mut response = Response::new(message(answered));
    note(response.metadata_mut(), cached, replayed);
    response
}

fn note(metadata: &mut MetadataMap, cached: Option<Cached>, replayed: bool) {
    match cached {
        None => {}
        Some(Cached::Miss) => _ = metadata.insert(CACHE, MetadataValue::from_static("miss")),
        Some(Cached::Hit(age)) => {
            metadata.insert(CACHE, MetadataValue::from_static("hit"));
            metadata.as_mut().insert(AGE, HeaderValue::from(age.as_secs()));
        }
    }
    if replayed {
        metadata.insert(REPLAYED, MetadataValue::from_static("true"));
    }
}
