//! A JSON body as a message of the contract, with every refusal saying where.

use bsm_runtime::shown::shown;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor};
use serde_json::error::Category;
use serde_path_to_error::{Path, Track};

use super::{depth, known};
use crate::fault::Fault;

/// Unknown fields are errors: a misspelt one would otherwise be a default without a word.
const OPTIONS: DeserializeOptions = DeserializeOptions::new().deny_unknown_fields(true);

/// How prost-reflect begins its complaint about a field that the message does not have.
const UNKNOWN: &str = "unrecognized field name '";

/// Reads raw bytes, so that errors have a line and a column. No bytes are an empty message. `elsewhere` are fields that
/// need not be named to who misspelt one, because the path gives them.
pub(super) fn read(
    descriptor: &MessageDescriptor,
    json: &[u8],
    elsewhere: &[String],
) -> Result<DynamicMessage, Fault> {
    if json.is_empty() {
        return Ok(DynamicMessage::new(descriptor.clone()));
    }
    check_depth(json)?;
    let mut track = Track::new();
    let mut reader = serde_json::Deserializer::from_slice(json);
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let message = DynamicMessage::deserialize_with_options(descriptor.clone(), tracked, &OPTIONS);
    let message = message.map_err(|err| fault(&err, &Asked { descriptor, elsewhere, path: track.path() }))?;
    reader.end().map_err(|err| invalid_json(&err))?;
    Ok(message)
}

/// Refuses JSON that nests too deeply, before it is parsed.
pub(crate) fn check_depth(json: &[u8]) -> Result<(), Fault> {
    match depth::too_deep(json) {
        None => Ok(()),
        Some(at) => {
            Err(unreadable(&format!("it nests deeper than {} levels", depth::MAX_DEPTH), at.line, at.column))
        }
    }
}

/// What is told of text that is no JSON.
pub(crate) fn invalid_json(err: &serde_json::Error) -> Fault {
    unreadable(&clause(err), err.line(), err.column())
}

fn unreadable(problem: &str, line: usize, column: usize) -> Fault {
    let message = format!("The body is not JSON that can be read: {problem}, line {line}, column {column}.");
    Fault::bad_request("INVALID_JSON", message)
}

/// What serde_json says, without the place, which is told apart.
fn clause(err: &serde_json::Error) -> String {
    let said = err.to_string();
    said.rsplit_once(" at line ").map_or(said.clone(), |(what, _)| what.to_owned())
}

/// Where in the body of which route.
struct Asked<'a> {
    descriptor: &'a MessageDescriptor,
    elsewhere: &'a [String],
    path: Path,
}

fn fault(err: &serde_json::Error, asked: &Asked<'_>) -> Fault {
    match err.classify() {
        Category::Data => mistyped(&clause(err), asked, err.line(), err.column()),
        Category::Syntax | Category::Eof | Category::Io => invalid_json(err),
    }
}

fn mistyped(what: &str, asked: &Asked<'_>, line: usize, column: usize) -> Fault {
    let path = asked.path.to_string();
    let path = if path == "." { String::new() } else { path };
    if let Some(name) = what.strip_prefix(UNKNOWN) {
        let name = shown(name.trim_end_matches('\''));
        let field = if path.is_empty() { name } else { format!("{path}.{name}") };
        let known = known(asked);
        let message =
            format!("The field \"{field}\" (line {line}, column {column}) is not known here{known}.");
        return Fault::invalid_argument(&field, message);
    }
    let subject = if path.is_empty() { "The body".to_owned() } else { format!("The field \"{path}\"") };
    // Where the contract does not reach nothing can be said but that: the reader's own words are of its types.
    let expected = known::expected(asked.descriptor, &asked.path);
    let what = expected.map_or_else(String::new, |expected| format!(": it must be {expected}"));
    Fault::invalid_argument(
        &path,
        format!("{subject} (line {line}, column {column}) has the wrong form{what}."),
    )
}

/// The names that would have been taken there.
fn known(asked: &Asked<'_>) -> String {
    let Some(mut names) = known::names(asked.descriptor, &asked.path) else { return String::new() };
    if asked.path.iter().len() == 0 {
        names.retain(|name| !asked.elsewhere.contains(name));
    }
    format!("; {}", known::clause(&names, "it takes no fields"))
}
