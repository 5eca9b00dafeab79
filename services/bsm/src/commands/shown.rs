//! How commands show what services say: tables for people, the contract's own JSON for machines.

use anyhow::Context as _;
use bsm_runtime::json::number;
use comfy_table::{ContentArrangement, Row, Table, presets::UTF8_FULL_CONDENSED};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

/// A message of the contract, e.g. `bsm.ops.v1.Flag`: zeros included, whole numbers without a point.
///
/// # Errors
/// When the contract has no such message.
pub(super) fn json<M: Message>(name: &str, message: &M) -> anyhow::Result<Value> {
    let pool = DescriptorPool::decode(bsm_proto::DESCRIPTORS)?;
    let descriptor = pool.get_message_by_name(name);
    let descriptor = descriptor.with_context(|| format!("the contract has no message {name}"))?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    let options = SerializeOptions::new().skip_default_fields(false);
    let mut value = message.serialize_with_options(serde_json::value::Serializer, &options)?;
    make_whole(&mut value);
    Ok(value)
}

fn make_whole(value: &mut Value) {
    match value {
        Value::Number(n) if n.is_f64() => *value = number(n.as_f64().unwrap_or_default()),
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        _ => {}
    }
}

/// A table, or a sentence where there is nothing to tabulate.
pub(super) fn table(header: Vec<&str>, rows: impl Iterator<Item = Row>) -> String {
    let rows: Vec<Row> = rows.collect();
    if rows.is_empty() {
        return "There are none.".to_owned();
    }
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header).add_rows(rows);
    table.to_string()
}
