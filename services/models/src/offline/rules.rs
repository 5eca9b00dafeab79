//! The published rule list: one family per file.

mod dangerous_calls;
mod data;
mod deception;
mod dependencies;
mod files;
mod infrastructure;
mod leftovers;
mod licences;
mod pipelines;
mod secrets;
mod size;
mod tests;

use std::sync::LazyLock;

use super::rule::Rule;

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    [
        secrets::RULES,
        dangerous_calls::shell::RULES,
        dangerous_calls::web::RULES,
        dangerous_calls::python::RULES,
        dangerous_calls::native::RULES,
        dangerous_calls::servers::RULES,
        dangerous_calls::anywhere::RULES,
        dependencies::RULES,
        pipelines::RULES,
        infrastructure::RULES,
        data::RULES,
        deception::RULES,
        files::RULES,
        tests::RULES,
        size::RULES,
        leftovers::RULES,
        licences::RULES,
    ]
    .concat()
});

/// Every rule that the offline reviewer knows, by family.
pub fn rules() -> &'static [Rule] {
    &RULES
}
