//! What a caller wishes beside the question, and what it is told beside the answer: both in metadata.

use bsm_proto::models::v1;
use http::HeaderValue;
use tonic::Response;
use tonic::metadata::{MetadataMap, MetadataValue};

use crate::ask::Ask;
use crate::error::Error;
use crate::gateway::Answered;
use crate::replay::{CACHE, Cached, Told, Wishes};

/// Says how many seconds old an answer is that was kept, in HTTP's own word.
const AGE: &str = "age";
/// Says that an earlier call under the idempotency key asked for the answer.
const REPLAYED: &str = "idempotent-replayed";

/// A prompt and what is wished beside it; every mistake of both is found at once.
pub(super) fn read(metadata: &MetadataMap, prompt: v1::Prompt) -> Result<(Ask, Wishes), Error> {
    let wishes = Wishes::read(metadata.as_ref(), &prompt);
    match (Ask::parse(prompt), wishes) {
        (Ok(ask), Ok(wishes)) => Ok((keyed(ask, &wishes), wishes)),
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

/// An answer as a message, with its notes.
pub(super) fn noted<T, M>(told: Told<T>, message: impl FnOnce(Answered<T>) -> M) -> Response<M> {
    let Told { answered, cached, replayed, .. } = told;
    let mut response = Response::new(message(answered));
    let metadata = response.metadata_mut();
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
    response
}
