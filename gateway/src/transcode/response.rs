//! A message of the contract as JSON, the way the REST contract shows it.

use bsm_runtime::json;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, ReflectMessage as _, SerializeOptions};
use serde_json::Value;

use crate::fault::Fault;

/// Zero values are shown: a client sees `"failures": 0` and not a field that comes and goes.
const OPTIONS: SerializeOptions = SerializeOptions::new().skip_default_fields(false);

/// Optional fields that the contract shows as null, where others are simply absent.
const NULL_WHEN_ABSENT: [(&str, &str); 1] = [("bsm.ops.v1.Breaker", "nextAttempt")];

/// The message as a JSON value: lowerCamelCase, whole numbers without a point, empty lists as `[]`.
pub(crate) fn value(message: &DynamicMessage) -> Result<Value, Fault> {
    let mut value = message.serialize_with_options(serde_json::value::Serializer, &OPTIONS).map_err(|err| {
        tracing::error!(error = %err, message = message.descriptor().full_name(), "an answer has no JSON form");
        Fault::internal()
    })?;
    make_whole(&mut value);
    show_nulls(&message.descriptor(), &mut value);
    Ok(value)
}

/// Every double that is a whole number is written as one: 1700000000000 and not 1.7e12.
fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            *value = json::number(number.as_f64().unwrap_or_default())
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn show_nulls(descriptor: &MessageDescriptor, value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| show_nulls(descriptor, item)),
        Value::Object(fields) => {
            for (_, name) in NULL_WHEN_ABSENT.iter().filter(|(message, _)| *message == descriptor.full_name())
            {
                fields.entry(*name).or_insert(Value::Null);
            }
            for field in descriptor.fields().filter(|field| !field.is_map()) {
                if let (Kind::Message(inner), Some(value)) = (field.kind(), fields.get_mut(field.json_name()))
                {
                    show_nulls(&inner, value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
