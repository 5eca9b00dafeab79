//! Fields given as text, in a path or a query: `topK=3`, `filter.mode=ci`, `audience=a&audience=b`.

use bsm_runtime::shown::shown;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value,
};

/// How deep [`settable`] looks into messages within messages.
const DEPTH: usize = 3;

/// Why a text cannot become a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// There is no such field.
    Unknown,
    /// A clause that follows "The parameter x".
    Because(String),
}

impl From<&str> for Unfit {
    fn from(clause: &str) -> Unfit {
        Unfit::Because(clause.to_owned())
    }
}

/// Sets the field at `path` (proto or JSON names, joined by dots). A repeated field takes one more value.
///
/// # Errors
/// Why the text cannot become that field.
pub(super) fn set(message: &mut DynamicMessage, path: &str, text: &str) -> Result<(), Unfit> {
    match path.split_once('.') {
        None => set_leaf(message, path, text),
        Some((head, rest)) => {
            let field = field(&message.descriptor(), head).ok_or(Unfit::Unknown)?;
            if field.kind().as_message().is_none() || field.is_list() || field.is_map() {
                return Err("reaches into a field that has no parts".into());
            }
            let inner = message.get_field_mut(&field).as_message_mut().ok_or(Unfit::Unknown)?;
            set(inner, rest, text)
        }
    }
}

/// The paths of all fields that [`set`] can set, in JSON names.
pub(super) fn settable(descriptor: &MessageDescriptor) -> Vec<String> {
    within(descriptor, DEPTH)
}

fn within(descriptor: &MessageDescriptor, depth: usize) -> Vec<String> {
    let paths = |field: FieldDescriptor| match field.kind() {
        Kind::Bytes => Vec::new(),
        Kind::Message(inner) if depth > 0 && !field.is_list() && !field.is_map() => {
            let parts = within(&inner, depth - 1).into_iter();
            parts.map(|part| format!("{}.{part}", field.json_name())).collect()
        }
        Kind::Message(_) => Vec::new(),
        _ => vec![field.json_name().to_owned()],
    };
    descriptor.fields().flat_map(paths).collect()
}

fn set_leaf(message: &mut DynamicMessage, name: &str, text: &str) -> Result<(), Unfit> {
    let field = field(&message.descriptor(), name).ok_or(Unfit::Unknown)?;
    if field.is_map() {
        return Err("cannot be given as text".into());
    }
    let value = parse(&field.kind(), text)?;
    if let Some(list) = field.is_list().then(|| message.get_field_mut(&field).as_list_mut()).flatten() {
        list.push(value);
        return Ok(());
    }
    message.set_field(&field, value);
    Ok(())
}

pub(super) fn field(descriptor: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name))
}

fn parse(kind: &Kind, text: &str) -> Result<Value, Unfit> {
    let value = match kind {
        Kind::String => Some(Value::String(text.to_owned())),
        Kind::Bool => text.parse().ok().map(Value::Bool),
        Kind::Double => finite(text).map(Value::F64),
        Kind::Float => finite(text).map(|number| Value::F32(number as f32)),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => text.parse().ok().map(Value::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text.parse().ok().map(Value::I64),
        Kind::Uint32 | Kind::Fixed32 => text.parse().ok().map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => text.parse().ok().map(Value::U64),
        Kind::Enum(values) => enum_value(values, text).map(Value::EnumNumber),
        Kind::Message(_) | Kind::Bytes => return Err("cannot be given as text".into()),
    };
    value.ok_or_else(|| Unfit::Because(format!("must be {}, not \"{}\"", expected(kind), shown(text))))
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn enum_value(values: &EnumDescriptor, text: &str) -> Option<i32> {
    match text.parse() {
        Ok(number) => values.get_value(number).map(|value| value.number()),
        Err(_) => values.get_value_by_name(text).map(|value| value.number()),
    }
}

/// What a text or a number of JSON must be to become a value of that kind.
pub(super) fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Double | Kind::Float => "a number".to_owned(),
        Kind::Uint32 | Kind::Fixed32 => "a whole number from 0 to 4294967295".to_owned(),
        Kind::Uint64 | Kind::Fixed64 => "a whole number, 0 or more".to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            "a whole number".to_owned()
        }
        Kind::Enum(values) => {
            let names: Vec<String> = values.values().map(|value| value.name().to_owned()).collect();
            format!("one of {}", names.join(", "))
        }
        Kind::String | Kind::Bytes | Kind::Message(_) => "text".to_owned(),
    }
}
