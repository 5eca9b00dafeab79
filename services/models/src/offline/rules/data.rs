//! Data that is gone after the change has run.

use crate::offline::language::Language::{Php, Python, Ruby, Sql};
use crate::offline::lens::Lens::{Governance, Integrity, Review};
use crate::offline::place::Place;
use crate::offline::rule::Severity::High;
use crate::offline::rule::{Check, Family, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "data-dropped",
    family: Family::Data,
    severity: High,
    lenses: &[Governance, Review, Integrity],
    must_fix: &[],
    what: "A migration drops data",
    suggestion: "Stop using it first, keep a copy, and drop it in a later release with somebody's approval.",
    check: Check::places(
        changes_schema,
        concat!(
            r"(?i)\bdrop\s+(?:table|column|database|schema)\b|\btruncate\s+(?:table\s+)?\w+\s*;",
            r"|\bdelete\s+from\s+\S+\s*;|\bop\.drop_(?:table|column)\b|\b(?:remove_column|drop_table)\b",
            r"|\bmigrations\.(?:RemoveField|DeleteModel)\b|->dropColumn\(|::drop(?:IfExists)?\(",
        ),
    ),
}];

/// SQL, and programs in a folder of migrations; the way back of a migration drops by nature.
fn changes_schema(place: &Place<'_>) -> bool {
    let path = place.path.to_lowercase();
    let migration = path.contains("migrat") || path.contains("alembic");
    let back = path.ends_with(".down.sql") || path.ends_with("/down.sql");
    let program = matches!(place.language, Python | Ruby | Php);
    !back && (place.language == Sql || (migration && program))
}
