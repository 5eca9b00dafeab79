//! What a call must carry back to the model that made it.
//!
//! Models that think sign their calls, and want the signature back with the call in the next question. A call has an id
//! alone that goes the whole way to the caller and back, so the signature travels within it: `<id>--sig--<signature>`, the
//! signature in the URL's alphabet, so that the id stays letters, digits, `-` and `_`.

/// What parts an id from its signature.
const SIGNED: &str = "--sig--";
/// What Google documents for calls that another model made: "do not look for a signature".
const UNSIGNED: &str = "skip_thought_signature_validator";
/// The models that want a signature.
const WANTS: &str = "gemini-3";

/// The id of a call that came with a signature, or without.
pub(super) fn signed(id: &str, signature: Option<&str>) -> String {
    match signature.filter(|signature| !signature.is_empty()) {
        Some(signature) => {
            let plain = signature.trim_end_matches('=').replace('+', "-").replace('/', "_");
            format!("{id}{SIGNED}{plain}")
        }
        None => id.to_owned(),
    }
}

/// The id as the provider knows it, and the signature that came with it.
pub(super) fn parted(id: &str) -> (&str, Option<&str>) {
    // The id is made here or there of at most a few dashes in a row, the signature may hold any.
    match id.split_once(SIGNED) {
        Some((id, signature)) if !signature.is_empty() => (id, Some(signature)),
        _ => (id, None),
    }
}

/// What to send for the first call of a turn that has no signature of its own; the others of a turn have none.
pub(super) fn stand_in(model: &str) -> Option<&'static str> {
    model.contains(WANTS).then_some(UNSIGNED)
}
