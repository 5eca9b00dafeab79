//! Several that could be taken, and by what the first of them is chosen.

use std::fmt;

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Fields, Filled, Node, Path, Read, Value, one_of, whole};

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
const STRATEGIES: &[(&str, Strategy)] = &[
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

/// By what one of several has its place among them, in words: `by priority`, `by weight, 3 of 4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    strategy: Strategy,
    weight: u32,
    total: u32,
}

/// The weight of what has none.
const WEIGHT: u32 = 1;
/// A field that people look for, and that there is not.
const WEIGHTS: &str = "weights";
/// The largest weight.
const HEAVIEST: i64 = 1000;

// === impl Strategy ===

impl Strategy {
    /// Its word in the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        STRATEGIES.iter().find(|(_, strategy)| *strategy == self).map_or("priority", |(word, _)| word)
    }
}

// === impl Choice ===

impl<T> Choice<T> {
    /// One after the other as they stand.
    pub fn in_order(among: impl IntoIterator<Item = T>) -> Choice<T> {
        let among = among.into_iter().map(|item| (item, WEIGHT)).collect();
        Choice { strategy: Strategy::Priority, among }
    }

    /// By what an item has its place; `None` where there is no other.
    pub fn by(&self, item: &T) -> Option<By>
    where
        T: PartialEq,
    {
        let (_, weight) = self.among.iter().find(|(other, _)| other == item)?;
        let total = self.among.iter().map(|(_, weight)| weight).sum();
        (self.among.len() > 1).then_some(By { strategy: self.strategy, weight: *weight, total })
    }

    /// What could be taken, in the order of the file.
    pub fn items(&self) -> impl Iterator<Item = &T> {
        self.among.iter().map(|(item, _)| item)
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.strategy {
            Strategy::Priority => f.write_str("by priority"),
            Strategy::Weighted => write!(f, "by weight, {} of {}", self.weight, self.total),
            Strategy::LeastLatency => f.write_str("by latency"),
            Strategy::Cheapest => f.write_str("by price"),
        }
    }
}

// === impl By ===

impl By {
    /// Whether it is as it is written.
    #[must_use]
    pub const fn is_priority(self) -> bool {
        matches!(self.strategy, Strategy::Priority)
    }
}

/// What a file says about several that could be taken.
pub(super) struct Said<T> {
    among: Vec<(T, u32)>,
    /// Whether it gives weights.
    is_weighted: bool,
}

// === impl Said ===

impl<T> Said<T> {
    /// One after the other as they stand.
    pub(super) fn into_choice(self) -> Choice<T> {
        Choice { strategy: Strategy::Priority, among: self.among }
    }
}

/// Reads what could be taken: a list of names, or a map from names to weights. `of` makes something of a name.
pub(super) struct Among<F>(pub(super) F);

/// Reads the strategy and the field `name` of what could be taken, on top of `base`. Weights without a strategy are those
/// of `weighted`, and with another one a mistake: they would count for nothing.
pub(super) fn read<'a, T: Clone + PartialEq>(
    fields: &mut Fields<'a>,
    name: &'a str,
    of: impl Fn(&str) -> Option<T>,
    base: Option<&Choice<T>>,
) -> Option<Choice<T>> {
    let strategy = fields.optional("strategy", one_of(STRATEGIES));
    if fields.node(WEIGHTS).is_some() {
        let fix = format!("write each weight beside its name: `{name}: {{ one: 3, another: 1 }}`");
        fields.error(WEIGHTS, "weights do not stand in a field of their own", fix);
    }
    let said = match base {
        Some(_) => fields.optional(name, Among(of)),
        None => Some(fields.required(name, Among(of))?),
    };
    let weighted = said.as_ref().is_some_and(|said| said.is_weighted);
    if let Some(strategy) = strategy.filter(|strategy| weighted && *strategy != Strategy::Weighted) {
        let message = format!("weights count for nothing with `strategy: {}`", strategy.word());
        fields.error(name, message, "write `strategy: weighted`, or a list without weights");
    }
    let usual = if weighted { Some(Strategy::Weighted) } else { base.map(|base| base.strategy) };
    let strategy = strategy.or(usual).unwrap_or_default();
    let among = said.map(|said| said.among).or_else(|| Some(base?.among.clone()))?;
    Some(Choice { strategy, among })
}

impl<T: PartialEq, F: Fn(&str) -> Option<T>> Read for Among<F> {
    type Out = Said<T>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Said<T>> {
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
        let is_weighted = matches!(node.value, Value::Map(_));
        match &node.value {
            Value::List(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    let path = path.index(at);
                    let Some(name) = Filled.read(item, &path, findings) else { continue };
                    add(&name, WEIGHT, item, &path, findings);
                }
            }
            Value::Map(entries) if !entries.is_empty() => {
                for (key, weight) in entries {
                    let path = path.field(&key.text);
                    let Some(parts) = whole(0..=HEAVIEST).read(weight, &path, findings) else { continue };
                    add(&key.text, u32::try_from(parts).unwrap_or(u32::MAX), weight, &path, findings);
                }
            }
            Value::List(_) | Value::Map(_) => {
                let fix = format!("write {}, or leave the field out", self.wanted());
                findings.error(node.at, path, "nobody is named here", fix);
                return None;
            }
            other => {
                let message = format!("{other} stands where a list or a map of weights is needed");
                findings.error(node.at, path, message, format!("write {}", self.wanted()));
                return None;
            }
        }
        if is_weighted && !among.is_empty() && among.iter().all(|(_, weight)| *weight == 0) {
            let fix = "give one of them 1 or more: a weight is how often it comes first, beside the others'";
            findings.error(node.at, path, "all weights are 0, so that nobody would ever be first", fix);
        }
        Some(Said { among, is_weighted })
    }

    fn wanted(&self) -> String {
        "[one, another], or with weights { one: 3, another: 1 }".to_owned()
    }
}
