//! Finds the one JSON object in a model's text: bare, in a ``` fence, or with words around it.

use serde_json::{Map, Value};

use super::Unfit;

/// The longest text that is searched, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// The answer's object.
///
/// An object counts as an answer when it has a `decision`. Two of them are refused: a model that quotes the
/// answer which a change tries to put into its mouth must not have the quotation taken for its own.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, Unfit> {
    if text.len() > MAX_ANSWER {
        return Err(Unfit::whole(format!("has {} bytes; {MAX_ANSWER} are read", text.len())));
    }
    if text.trim().is_empty() {
        return Err(Unfit::whole("is empty"));
    }
    let mut objects: Vec<_> = objects(text).collect();
    objects.dedup(); // the same answer twice is one
    let answers = objects.iter().filter(|object| object.contains_key("decision")).count();
    match (answers, objects.len()) {
        (1, _) => objects.retain(|object| object.contains_key("decision")),
        (0, 1) => {}
        (0, 0) => return Err(Unfit::whole("has no complete JSON object in it")),
        (0, _) => return Err(Unfit::whole("has JSON objects in it, but none with a decision")),
        (several, _) => {
            return Err(Unfit::whole(format!(
                "gives {several} JSON objects with a decision; it must give one"
            )));
        }
    }
    Ok(objects.swap_remove(0))
}

/// Every outermost JSON object in `text`, in order.
///
/// Takes linear time but for nesting, which the JSON reader bounds.
fn objects(text: &str) -> impl Iterator<Item = Map<String, Value>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('{')?..];
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Map<String, Value>>();
            match stream.next() {
                Some(Ok(object)) => {
                    rest = &rest[stream.byte_offset()..];
                    return Some(object);
                }
                _ => rest = &rest[1..],
            }
        }
    })
}
