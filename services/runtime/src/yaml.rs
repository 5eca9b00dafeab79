//! Data files in YAML: a tree with positions, and typed access that reports every mistake instead of the first.
//!
//! ```
//! use bsm_runtime::{
//!     diagnostic::{Findings, Strictness},
//!     yaml::{self, Fields, Path, Text, list_of, one_of},
//! };
//!
//! let text = "execution: paralel\nagents: [a, b]\nagnets: 1\n";
//! let mut findings = Findings::new("events.yaml", text, Strictness::Strict);
//! let root = yaml::read(&mut findings).expect("this is YAML");
//! let mut fields = Fields::of(&root, &Path::ROOT, &mut findings).expect("this is a map");
//! let execution = fields.required("execution", one_of(&[("parallel", 1), ("sequential", 2)]));
//! let agents = fields.required("agents", list_of(Text));
//! fields.finish();
//!
//! assert_eq!((execution, agents.map(|agents| agents.len())), (None, Some(2)));
//! let found = findings.into_vec();
//! assert_eq!(found[0].message, "\"paralel\" is not an allowed value");
//! assert_eq!(found[1].fix, "did you mean `agents`? It is there already");
//! ```
//!
//! The schema is the YAML 1.2 core schema: `true` and `false` are booleans and `yes` and `no` are text, quoted
//! scalars stay text, dates are text. Merge keys (`<<`) are ordinary keys and tags are refused.

pub(crate) mod closest;
mod fields;
mod node;
mod path;
mod reader;
mod scalar;
#[cfg(test)]
mod tests;
mod tree;

pub use self::{
    closest::closest,
    fields::Fields,
    node::{Key, Node, Value},
    path::Path,
    reader::{
        Bool, Filled, ListOf, Number, OneOf, Read, SetOf, Text, Whole, list_of, number, one_of, set_of, whole,
    },
    tree::{MOST_DEPTH, MOST_WEIGHT, read, weight},
};
