//! What a key may do: a set of words, none of which includes another.

/// Every scope that a key may have, in the order in which they are shown.
pub(super) const SCOPES: [&str; 4] = ["read", "invoke", "publish", "admin"];

/// A set of scopes, each of [`SCOPES`], in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scopes(Vec<&'static str>);

// === impl Scopes ===

impl Scopes {
    /// The set of these words; `None` if one is no scope or stands there twice, or there is none.
    pub(super) fn of<T: AsRef<str>>(words: &[T]) -> Option<Scopes> {
        let set = SCOPES.into_iter().filter(|scope| words.iter().any(|word| word.as_ref() == *scope));
        let set: Vec<_> = set.collect();
        (!set.is_empty() && set.len() == words.len()).then_some(Scopes(set))
    }

    /// As [`Scopes::of`], of words with commas between.
    pub(super) fn parse(text: &str) -> Option<Scopes> {
        Scopes::of(&text.split(',').collect::<Vec<_>>())
    }

    pub(super) fn text(&self) -> String {
        self.0.join(",")
    }

    pub(super) fn words(&self) -> Vec<String> {
        self.0.iter().map(|word| (*word).to_owned()).collect()
    }
}
