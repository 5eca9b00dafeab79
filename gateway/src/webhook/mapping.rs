//! From a delivery to an event of ours: which name it gets, and what of it is kept.

use bsm_runtime::json;
use prost::Message as _;
use serde_json::{Map, Value};

use crate::fault::Fault;

/// Bytes of a diff at most; what does not fit is named.
const DIFF_LIMIT: usize = 2 * 1024 * 1024;

/// Bytes of everything else in a payload at most, as protobuf: with the diff it must fit into one gRPC message.
const PAYLOAD_LIMIT: usize = 1024 * 1024;

/// Characters of an event's name at most.
const LONGEST_NAME: usize = 100;

/// Where a diff may be that the sender added to the body.
const DIFF_AT: [&str; 2] = ["/diff", "/pull_request/diff"];

/// What becomes of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mapped {
    /// GitHub tries whether we are there.
    Ping,
    /// Nothing to do, and why.
    Skipped(&'static str),
    /// Something to work on.
    Event { name: String, payload: Value },
}

/// Where a field of the payload comes from.
enum Source {
    /// The value at a JSON pointer.
    At(&'static str),
    /// A field of each element of the list at a JSON pointer.
    Each(&'static str, &'static str),
}
use Source::{At, Each};

/// What is kept of an event: its fields, and where each is in the delivery. Other events are kept whole.
#[rustfmt::skip] // one line each reads as the table it is
const KEPT: [(&str, &[(&str, Source)]); 3] = [
    ("pull_request", &[
        ("prNumber",     At("/pull_request/number")),
        ("title",        At("/pull_request/title")),
        ("body",         At("/pull_request/body")),
        ("author",       At("/pull_request/user/login")),
        ("branch",       At("/pull_request/head/ref")),
        ("baseBranch",   At("/pull_request/base/ref")),
        ("headSha",      At("/pull_request/head/sha")),
        ("filesChanged", At("/pull_request/changed_files")),
        ("additions",    At("/pull_request/additions")),
        ("deletions",    At("/pull_request/deletions")),
        ("diffUrl",      At("/pull_request/diff_url")),
        ("repo",         At("/repository/full_name")),
        ("isDraft",      At("/pull_request/draft")),
    ]),
    ("check_suite", &[
        ("commit",       At("/check_suite/head_sha")),
        ("status",       At("/check_suite/status")),
        ("conclusion",   At("/check_suite/conclusion")),
        ("prNumbers",    Each("/check_suite/pull_requests", "number")),
        ("repo",         At("/repository/full_name")),
    ]),
    ("push", &[
        ("ref",          At("/ref")),
        ("commits",      At("/commits")),
        ("pusher",       At("/pusher/name")),
        ("forced",       At("/forced")),
        ("repo",         At("/repository/full_name")),
    ]),
];

/// Decides what becomes of a delivery of type `event`.
///
/// # Errors
/// 400 when the action is none.
pub(super) fn map(event: &str, content: Value) -> Result<Mapped, Fault> {
    if event == "ping" {
        return Ok(Mapped::Ping);
    }
    if event == "pull_request" && content.pointer("/pull_request/draft") == Some(&Value::Bool(true)) {
        return Ok(Mapped::Skipped("Draft PR"));
    }
    let name = name(event, content.get("action"))?;
    let diff = DIFF_AT.iter().find_map(|at| content.pointer(at)).and_then(Value::as_str).map(str::to_owned);
    let kept = KEPT.iter().find(|(kept, _)| *kept == event);
    let mut payload = match kept {
        Some((_, fields)) => kept_of(fields, &content),
        None => whole(content),
    };
    leave_out(&mut payload, PAYLOAD_LIMIT);
    if let Some(diff) = diff {
        add_diff(&mut payload, &diff);
    }
    Ok(Mapped::Event { name, payload: Value::Object(payload) })
}

fn name(event: &str, action: Option<&Value>) -> Result<String, Fault> {
    let name = match action {
        None | Some(Value::Null) => event.to_owned(),
        Some(Value::String(action)) => format!("{event}.{action}"),
        Some(_) => String::new(),
    };
    let is_name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.');
    let valid = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_name);
    let fault = || Fault::bad_request("INVALID_EVENT", "The body's action is not as GitHub names actions.");
    valid.then_some(name).ok_or_else(fault)
}

fn kept_of(fields: &[(&str, Source)], content: &Value) -> Map<String, Value> {
    fields.iter().filter_map(|(name, source)| Some(((*name).to_owned(), source.take(content)?))).collect()
}

impl Source {
    /// The value, unless it is absent or null, which say the same.
    fn take(&self, content: &Value) -> Option<Value> {
        match self {
            At(pointer) => content.pointer(pointer).filter(|value| !value.is_null()).cloned(),
            Each(pointer, field) => {
                let items = content.pointer(pointer)?.as_array()?.iter();
                Some(items.filter_map(|item| item.get(field)).cloned().collect())
            }
        }
    }
}

fn whole(content: Value) -> Map<String, Value> {
    match content {
        Value::Object(mut fields) => {
            fields.remove("diff"); // added again, bounded
            fields
        }
        _ => Map::new(),
    }
}

/// Leaves out the largest fields until the rest fits, and says which.
fn leave_out(payload: &mut Map<String, Value>, limit: usize) {
    let size = |(name, value): (&String, &Value)| {
        (name.len() + json::to_proto(value.clone()).encoded_len() + 16, name.clone())
    };
    let mut sizes: Vec<(usize, String)> = payload.iter().map(size).collect();
    let mut total: usize = sizes.iter().map(|(size, _)| size).sum();
    sizes.sort_unstable();
    let mut left_out = Vec::new();
    while total > limit
        && let Some((size, name)) = sizes.pop()
    {
        payload.remove(&name);
        left_out.push(Value::String(name));
        total -= size;
    }
    if !left_out.is_empty() {
        payload.insert("payloadLeftOut".to_owned(), Value::Array(left_out));
    }
}

/// Adds the diff, as much of it as fits, and what of it is not there whole.
fn add_diff(payload: &mut Map<String, Value>, diff: &str) {
    let bounded = bsm_diff::bound(diff, DIFF_LIMIT);
    payload.insert("diff".to_owned(), bounded.text.into());
    if bounded.truncated {
        payload.insert("diffTruncated".to_owned(), true.into());
        payload.insert("diffLeftOut".to_owned(), bounded.left_out.into());
    }
}
