//! An HTTP request as a message: the body first, then the query, then the path, which has the last word.

use bsm_runtime::shown::shown;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

use super::{
    body, known,
    scalar::{self, Unfit},
};
use crate::{
    fault::Fault,
    routes::{BodyRule, Match},
};

/// The field that a `Last-Event-ID` header fills.
const LAST_EVENT_ID: &str = "last_event_id";

/// What of a request makes up the message.
pub(super) struct Given<'r> {
    pub(super) query: &'r str,
    pub(super) last_event_id: Option<&'r str>,
    pub(super) body: &'r [u8],
}

/// Fills the request message of the route's rpc.
pub(super) fn message(found: &Match<'_>, given: &Given<'_>) -> Result<DynamicMessage, Fault> {
    let input = &found.route.rpc.input;
    let mut message = match &found.route.body {
        // A body where none is expected means nothing and is not looked at.
        BodyRule::None => DynamicMessage::new(input.clone()),
        BodyRule::Whole => body::read(input, given.body, &of_path(found))?,
        BodyRule::Field(field) => {
            let mut message = DynamicMessage::new(input.clone());
            let inner = field.kind().as_message().cloned().ok_or_else(Fault::internal)?;
            message.set_field(field, Value::Message(body::read(&inner, given.body, &[])?));
            message
        }
    };
    fill_from_query(&mut message, given.query).map_err(|(name, unfit)| refused(found, &name, unfit))?;
    if let (Some(id), Some(field)) = (given.last_event_id, input.get_field_by_name(LAST_EVENT_ID)) {
        message.set_field(&field, Value::String(id.to_owned()));
    }
    for (path, text) in &found.params {
        let before = message.clone();
        scalar::set(&mut message, path, text).map_err(|unfit| refused(found, path, unfit))?;
        if is_another(&before, &message, path) {
            return Err(contradicts(found, path));
        }
    }
    Ok(message)
}

/// Whether the field had another value before.
fn is_another(before: &DynamicMessage, after: &DynamicMessage, name: &str) -> bool {
    let field = after.descriptor().get_field_by_name(name).filter(|field| before.has_field(field));
    field.is_some_and(|field| before.get_field(&field) != after.get_field(&field))
}

/// Two answers to one question: whichever is taken, somebody meant the other.
fn contradicts(found: &Match<'_>, name: &str) -> Fault {
    let name = json_name(found, name);
    let message = format!("The field \"{name}\" is given with another value than in the path; leave it out.");
    Fault::invalid_argument(&name, message)
}

/// Parameters whose name begins with `_` are for caches and logs and pass unread.
fn fill_from_query(message: &mut DynamicMessage, query: &str) -> Result<(), (String, Unfit)> {
    let mut seen = Vec::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| !name.starts_with('_')) {
        scalar::set(message, &name, &text).map_err(|unfit| (name.to_string(), unfit))?;
        if seen.contains(&name) && !is_list(message, &name) {
            return Err((name.into_owned(), "is given more than once".into()));
        }
        seen.push(name);
    }
    Ok(())
}

/// Whether the parameter is a list. Lists within messages take one value, or more in a body.
fn is_list(message: &DynamicMessage, name: &str) -> bool {
    let descriptor = message.descriptor();
    let field = descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name));
    field.is_some_and(|field| field.is_list())
}

fn refused(found: &Match<'_>, name: &str, unfit: Unfit) -> Fault {
    let name = shown(name);
    let clause = match unfit {
        Unfit::Because(clause) => clause,
        Unfit::Unknown => format!("is not known here; {}", known(found)),
    };
    Fault::invalid_argument(&name, format!("The parameter \"{name}\" {clause}."))
}

/// The parameters that a query of this route may have. Those of its path are no choice.
fn known(found: &Match<'_>) -> String {
    let input = &found.route.rpc.input;
    let of_path = of_path(found);
    let mut known = scalar::settable(input);
    known.retain(|name| !of_path.contains(name));
    known::clause(&known, "this route takes none")
}

/// The fields that the path gives, in JSON names.
fn of_path(found: &Match<'_>) -> Vec<String> {
    found.params.iter().map(|(name, _)| json_name(found, name)).collect()
}

fn json_name(found: &Match<'_>, name: &str) -> String {
    let field = found.route.rpc.input.get_field_by_name(name);
    field.map_or_else(|| name.to_owned(), |field| field.json_name().to_owned())
}
