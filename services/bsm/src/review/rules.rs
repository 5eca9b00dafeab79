//! The published rule list of the built-in reviewer.

use bsm_models::offline::rules;
use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};

/// Every rule: what it finds, how severe it is, and what to do about it.
pub(crate) fn table() -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["rule", "severity", "finds", "suggests"]);
    for rule in rules() {
        let severity = format!("{:?}", rule.severity).to_lowercase();
        table.add_row([rule.id, &severity, rule.what, rule.suggestion]);
    }
    table
}
