//! Headers that go with a call beside its message: to a service as metadata, and back.

use http::{HeaderMap, HeaderName, header};
use tonic::metadata::MetadataMap;

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
pub(super) fn hand_on(headers: &HeaderMap, metadata: &mut MetadataMap) {
    copy(&ASKED, headers, metadata.as_mut());
}

/// Shows what a service said.
pub(crate) fn show(metadata: &MetadataMap, headers: &mut HeaderMap) {
    copy(&TOLD, metadata.as_ref(), headers);
}

fn copy(names: &[HeaderName], from: &HeaderMap, to: &mut HeaderMap) {
    for name in names {
        to.extend(from.get(name).map(|value| (name.clone(), value.clone())));
    }
}
