//! The tools that a model asks to be called, whole or in pieces.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::variant::{Feature, Variant};
use crate::answer::{CallDelta, ToolCall};
use crate::wire::call_id::{fitted, is_short};

/// Characters of an id at most, where they are not counted more strictly.
const LONGEST_ID: usize = 40;

/// A call, or a piece of one; whole answers have no index.
#[derive(Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    index: Option<usize>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Function,
}

#[derive(Default, Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<Arguments>,
}

/// JSON as text, or, on servers that know no better, as an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Arguments {
    Text(String),
    Object(Map<String, Value>),
}

/// The calls of a whole answer. Some servers leave the ids out; the caller needs them to answer.
pub(super) fn whole(calls: Vec<Call>) -> Vec<ToolCall> {
    let whole = |(at, call): (usize, Call)| ToolCall {
        id: call.id.filter(|id| !id.is_empty()).unwrap_or_else(|| made_up(at)),
        name: call.function.name.unwrap_or_default(),
        arguments: text(call.function.arguments),
    };
    calls.into_iter().enumerate().map(whole).collect()
}

/// The calls of a stream so far, in the order in which they began: their numbers on the wire, and their ids.
#[derive(Default)]
pub(super) struct Calls {
    begun: Vec<(Option<usize>, Option<String>)>,
}

// === impl Calls ===

impl Calls {
    /// A piece as the contract has it: numbered from 0, with id and name in the first piece of each call only.
    pub(super) fn piece(&mut self, mut call: Call) -> CallDelta {
        call.id = call.id.filter(|id| !id.is_empty());
        let arguments = text(call.function.arguments.take());
        if let Some(index) = self.goes_on(&call) {
            return CallDelta { index, id: None, name: None, arguments };
        }
        let index = self.begun.len();
        self.begun.push((call.index, call.id.clone()));
        let id = Some(call.id.unwrap_or_else(|| made_up(index)));
        CallDelta { index, id, name: Some(call.function.name.unwrap_or_default()), arguments }
    }

    /// The call that this is a piece of; `None` if it begins one. There are servers that number nothing, and some that
    /// number all calls alike, so another id is another call whatever the number.
    fn goes_on(&self, call: &Call) -> Option<usize> {
        let begins = call.id.is_some() || call.function.name.is_some();
        let same_id = |id: &Option<String>| call.id.is_none() || call.id == *id;
        match call.index {
            Some(_) => self.begun.iter().rposition(|(number, id)| *number == call.index && same_id(id)),
            None if begins => None,
            None => self.begun.len().checked_sub(1),
        }
    }

    /// Whether any call was begun.
    pub(super) fn any(&self) -> bool {
        !self.begun.is_empty()
    }
}

fn text(arguments: Option<Arguments>) -> String {
    match arguments {
        None => String::new(),
        Some(Arguments::Text(text)) => text,
        Some(Arguments::Object(object)) => Value::Object(object).to_string(),
    }
}

/// The id of a call as a variant takes it.
pub(super) fn call_id(variant: &Variant, id: &str) -> String {
    let fits = if variant.has(Feature::ShortCallIds) { is_short(id) } else { id.len() <= LONGEST_ID };
    fitted(id, fits)
}

fn made_up(at: usize) -> String {
    format!("call_{at}")
}
