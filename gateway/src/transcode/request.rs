//! An HTTP request as a message: the body first, then the query, then the path, which has the last word.

use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

use super::{
    body,
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
        BodyRule::Whole => body::read(input, given.body)?,
        BodyRule::Field(field) => {
            let mut message = DynamicMessage::new(input.clone());
            let inner = field.kind().as_message().cloned().ok_or_else(Fault::internal)?;
            message.set_field(field, Value::Message(body::read(&inner, given.body)?));
            message
        }
    };
    fill_from_query(&mut message, given.query).map_err(|(name, unfit)| refused(found, &name, unfit))?;
    if let (Some(id), Some(field)) = (given.last_event_id, input.get_field_by_name(LAST_EVENT_ID)) {
        message.set_field(&field, Value::String(id.to_owned()));
    }
    for (path, text) in &found.params {
        scalar::set(&mut message, path, text).map_err(|unfit| refused(found, path, unfit))?;
    }
    Ok(message)
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
    let name: String = name.chars().take(64).collect();
    let clause = match unfit {
        Unfit::Because(clause) => clause,
        Unfit::Unknown => format!("is not known here; {}", known(found)),
    };
    Fault::invalid_argument(&name, format!("The parameter \"{name}\" {clause}."))
}

/// The parameters that a query of this route may have. Those of its path are no choice.
fn known(found: &Match<'_>) -> String {
    let input = &found.route.rpc.input;
    let of_path: Vec<_> = found.params.iter().filter_map(|(path, _)| input.get_field_by_name(path)).collect();
    let mut known = scalar::settable(input);
    known.retain(|name| of_path.iter().all(|field| field.json_name() != name));
    match &known[..] {
        [] => "this route takes none".to_owned(),
        known => format!("it may be {}", known.join(", ")),
    }
}
