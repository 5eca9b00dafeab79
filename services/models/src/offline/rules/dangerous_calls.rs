//! Calls that are dangerous in their language, by language.

pub(super) mod anywhere;
pub(super) mod native;
pub(super) mod python;
pub(super) mod servers;
pub(super) mod shell;
pub(super) mod web;

use crate::offline::lens::Lens::{Review, Security};
use crate::offline::rule::{Check, Family, Rule, Severity};

/// What most of them have in common.
const BASE: Rule = Rule {
    id: "",
    family: Family::DangerousCalls,
    severity: Severity::High,
    lenses: &[Security, Review],
    must_fix: &[Security],
    what: "",
    suggestion: "",
    check: Check::code(&[], ""),
};
