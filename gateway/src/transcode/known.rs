//! What is known where something was not: the names that a message has, and what a field must be.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_path_to_error::{Path, Segment};

use super::scalar;

/// Names at most; others are counted.
const MOST: usize = 24;

/// Fields of which their kind says too little.
const SHARES: [&str; 1] = ["bsm.ops.v1.SetMeshFlagRequest.percent"];

const OBJECT: &str = "an object";

/// Messages that are not written as objects, and how they are.
const WRITTEN: [(&str, &str); 4] = [
    ("google.protobuf.Duration", "a string such as \"1.5s\""),
    ("google.protobuf.Timestamp", "a string such as \"2026-01-31T10:00:00Z\""),
    ("google.protobuf.ListValue", "a list"),
    ("google.protobuf.FieldMask", "a string of names with commas between them"),
];

/// The names as a clause, or what stands in for it where there are none.
pub(super) fn clause(names: &[String], none: &str) -> String {
    match names {
        [] => none.to_owned(),
        some if some.len() <= MOST => format!("it may be {}", some.join(", ")),
        some => format!("it may be {} and {} more", some[..MOST].join(", "), some.len() - MOST),
    }
}

/// The fields of the message at a place in the body. `None`: there, everything is known or nothing is.
pub(super) fn names(root: &MessageDescriptor, path: &Path) -> Option<Vec<String>> {
    let message = match find(root, path)? {
        None => root.clone(),
        Some(field) => field.kind().as_message().cloned()?,
    };
    Some(message.fields().map(|field| field.json_name().to_owned()).collect())
}

/// What must stand at a place in the body, as far as it can be said in words.
pub(super) fn expected(root: &MessageDescriptor, path: &Path) -> Option<String> {
    let Some(field) = find(root, path)? else { return Some(OBJECT.to_owned()) };
    let is_item = matches!(path.iter().next_back(), Some(Segment::Seq { .. }));
    match field.kind() {
        _ if field.is_list() && !is_item => Some("a list".to_owned()),
        _ if SHARES.contains(&field.full_name()) => {
            Some("a share, which is a whole number from 0 to 100".to_owned())
        }
        Kind::Message(message) => {
            let wanted = WRITTEN.iter().find(|(name, _)| *name == message.full_name());
            Some(wanted.map_or(OBJECT, |(_, wanted)| wanted).to_owned())
        }
        Kind::Bytes => Some("a string of base64".to_owned()),
        kind => Some(scalar::expected(&kind)),
    }
}

/// The field at a place; `Some(None)` for the whole, `None` where the contract does not reach.
fn find(root: &MessageDescriptor, path: &Path) -> Option<Option<FieldDescriptor>> {
    let (mut message, mut found) = (Some(root.clone()), None);
    for segment in path {
        match segment {
            Segment::Seq { .. } => {} // an item of the list that was found
            Segment::Map { key } => {
                let within = message?;
                let field =
                    if within.is_map_entry() { within.fields().nth(1) } else { scalar::field(&within, key) }?;
                message = field.kind().as_message().cloned();
                found = Some(field);
            }
            Segment::Enum { .. } | Segment::Unknown => return None,
        }
    }
    Some(found)
}
