//! Several that could be taken, and by what the first of them is chosen.

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Node, Path, Read, Value, one_of, whole};

/// By what the first is chosen, and then the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// As written.
    #[default]
    Priority,
    /// By lot, each as often as its weight says.
    Weighted,
    /// Of two drawn by lot the one that has answered faster lately and has less to do.
    LeastLatency,
    /// What the call would cost by the price table; what nobody has priced comes last.
    Cheapest,
}

/// The words for them.
pub(super) const STRATEGIES: &[(&str, Strategy)] = &[
    ("priority", Strategy::Priority),
    ("weighted", Strategy::Weighted),
    ("least_latency", Strategy::LeastLatency),
    ("cheapest", Strategy::Cheapest),
];

/// Several that could be taken; never empty, nothing twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<T> {
    /// By what.
    pub strategy: Strategy,
    /// What, in the order of the file, each with its weight; the weight counts for [`Strategy::Weighted`] alone.
    pub among: Vec<(T, u32)>,
}

/// The weight of what has none.
const WEIGHT: u32 = 1;
/// The largest weight.
const HEAVIEST: i64 = 1000;

// === impl Strategy ===

impl Strategy {
    /// Its word in the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        STRATEGIES.iter().find(|(_, strategy)| *strategy == self).map_or("priority", |(word, _)| word)
    }

    /// Reads the word of one.
    pub(super) fn reader() -> impl Read<Out = Strategy> {
        one_of(STRATEGIES)
    }
}

// === impl Choice ===

impl<T> Choice<T> {
    /// One after the other as they stand.
    pub fn in_order(among: impl IntoIterator<Item = T>) -> Choice<T> {
        let among = among.into_iter().map(|item| (item, WEIGHT)).collect();
        Choice { strategy: Strategy::Priority, among }
    }

    /// What could be taken, in the order of the file.
    pub fn items(&self) -> impl Iterator<Item = &T> {
        self.among.iter().map(|(item, _)| item)
    }
}

/// Reads what could be taken: a list of names, or a map from names to weights. `of` makes something of a name.
pub(super) struct Among<F>(pub(super) F);

impl<T: PartialEq, F: Fn(&str) -> Option<T>> Read for Among<F> {
    type Out = Vec<(T, u32)>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<(T, u32)>> {
        let mut among: Vec<(T, u32)> = Vec::new();
        let mut add =
            |name: &str, weight: u32, node: &Node, path: &Path<'_>, findings: &mut Findings| match (self.0)(
                name,
            ) {
                None => findings.error(node.at, path, format!("{name:?} is not a name"), "write a name"),
                Some(item) if among.iter().any(|(other, _)| *other == item) => {
                    findings.error(node.at, path, format!("{name:?} is given twice"), "keep one of the two");
                }
                Some(item) => among.push((item, weight)),
            };
        match &node.value {
            Value::List(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    let path = path.index(at);
                    let Some(name) = bsm_runtime::yaml::Filled.read(item, &path, findings) else { continue };
                    add(&name, WEIGHT, item, &path, findings);
                }
            }
            Value::Map(entries) if !entries.is_empty() => {
                for (key, weight) in entries {
                    let path = path.field(&key.text);
                    let Some(parts) = whole(0..=HEAVIEST).read(weight, &path, findings) else { continue };
                    add(&key.text, parts as u32, weight, &path, findings);
                }
            }
            other => {
                let message = format!("{other} stands where {} is needed", self.wanted());
                findings.error(node.at, path, message, "write [name, name], or { name: weight }");
                return None;
            }
        }
        Some(among)
    }

    fn wanted(&self) -> String {
        "a list of names, or a map of their weights,".to_owned()
    }
}
