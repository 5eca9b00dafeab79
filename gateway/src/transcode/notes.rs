//! Headers that go with a call beside its message: to a service as metadata, and back.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use tonic::metadata::MetadataMap;

use crate::{fault::Fault, said};

/// What clients say of repeats of a call, of kept answers, and of coming back.
const ASKED: [HeaderName; 4] = [
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-bsm-cache"),
    HeaderName::from_static("x-bsm-resume-grace"),
    header::CACHE_CONTROL,
];

/// What services say of where an answer is from.
const TOLD: [HeaderName; 3] =
    [HeaderName::from_static("x-bsm-cache"), HeaderName::from_static("idempotent-replayed"), header::AGE];

/// Hands on what a client said.
///
/// # Errors
/// 400 for what cannot be read.
pub(super) fn hand_on(headers: &HeaderMap, metadata: &mut MetadataMap) -> Result<(), Fault> {
    for name in &ASKED {
        let said = said::text(headers, name)?.and_then(|said| HeaderValue::try_from(said).ok());
        metadata.as_mut().extend(said.map(|value| (name.clone(), value)));
    }
    Ok(())
}

/// Shows what a service said.
pub(crate) fn show(metadata: &MetadataMap, headers: &mut HeaderMap) {
    for name in &TOLD {
        headers.extend(metadata.as_ref().get(name).map(|value| (name.clone(), value.clone())));
    }
}
