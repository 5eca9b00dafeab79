//! A delivery as GitHub describes it: which event, under which id, with what in it.

use http::HeaderMap;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    fault::Fault,
    transcode::{check_depth, check_media_type, invalid_json},
};

/// Ids and event names of GitHub are shorter by far.
const LONGEST_HEADER: usize = 100;

/// An event, a field of its body, and what the field must be.
type Shape = (&'static str, &'static str, fn(&Value) -> bool);

/// What must be in the body of an event for it to be that event: a signed body under another event's name must
/// not be taken for it.
const SHAPES: [Shape; 8] = [
    ("pull_request", "pull_request", Value::is_object),
    ("pull_request_review", "pull_request", Value::is_object),
    ("check_suite", "check_suite", Value::is_object),
    ("check_run", "check_run", Value::is_object),
    ("issues", "issue", Value::is_object),
    ("issue_comment", "comment", Value::is_object),
    ("push", "ref", Value::is_string),
    ("push", "commits", Value::is_array),
];

/// What identifies a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// The event's type, such as `pull_request`.
    pub(super) event: String,
    /// GitHub's id; the same when GitHub sends it again.
    id: Option<String>,
    /// SHA-256 of the raw body in hex: a captured delivery keeps it whatever id it is replayed under.
    body_hash: String,
}

/// Reads the headers and the body of a delivery whose signature is right.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<(Delivery, Value), Fault> {
    check_media_type(headers)?;
    check_depth(body)?;
    let content: Value = serde_json::from_slice(body).map_err(|err| invalid_json(&err))?;
    if !content.is_object() {
        return Err(Fault::bad_request("INVALID_PAYLOAD", "The body of a delivery must be a JSON object."));
    }
    let event = header(headers, "x-github-event")?;
    let event = event.filter(|name| is_event_name(name)).ok_or_else(|| {
        Fault::bad_request(
            "INVALID_EVENT",
            "The header x-github-event must name the event, such as pull_request.",
        )
    })?;
    check_shape(&event, &content)?;
    let id = header(headers, "x-github-delivery")?;
    let body_hash = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((Delivery { event, id, body_hash }, content))
}

impl Delivery {
    /// The key under which the orchestrator knows the delivery again.
    pub(super) fn idempotency_key(&self) -> String {
        match &self.id {
            Some(id) => format!("github:{id}"),
            None => format!("github:sha256:{}", self.body_hash),
        }
    }

    /// What is kept with the job. By the hash, a replay under a new delivery id is recognised.
    pub(super) fn context(&self) -> Value {
        let mut context = json!({"bodyHash": self.body_hash, "githubEvent": self.event});
        if let Some(id) = &self.id {
            context["deliveryId"] = id.as_str().into();
        }
        context
    }
}

/// A header in visible ASCII; `None` without it.
fn header(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Fault> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| (1..=LONGEST_HEADER).contains(&text.len()));
    let text = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
    let fault =
        || Fault::bad_request("INVALID_HEADER", format!("The header {name} is not as GitHub sends it."));
    text.map(|text| Some(text.to_owned())).ok_or_else(fault)
}

/// Letters, digits and underscores: what follows a dot is the action.
fn is_event_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Objects that only events of that name, or of a name that begins with it, have in their body.
const OWNED: [&str; 3] = ["pull_request", "check_suite", "check_run"];

fn check_shape(event: &str, content: &Value) -> Result<(), Fault> {
    if let Some(owner) = OWNED.iter().find(|name| content[**name].is_object() && !event.starts_with(**name)) {
        return Err(Fault::bad_request(
            "EVENT_MISMATCH",
            format!("The header x-github-event says {event}, but the body is that of a {owner} event."),
        ));
    }
    let mut needed = SHAPES.iter().filter(|(name, ..)| *name == event);
    match needed.find(|(_, field, is_right)| !is_right(&content[*field])) {
        None => Ok(()),
        Some((_, field, _)) => Err(Fault::bad_request(
            "EVENT_MISMATCH",
            format!("The header x-github-event says {event}, but the body has no {field} of that event."),
        )),
    }
}
