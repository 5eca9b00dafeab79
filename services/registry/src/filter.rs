//! Which agents a list shows. Pure.

use crate::{
    catalog::Agent,
    error::{Error, UnknownWord},
    governance::Governance,
    vocabulary::{Category, Context, Level},
};

/// What a caller asks of a list, as it came.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The context under the name it has always had.
    pub(crate) mode: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) risk: Option<String>,
    pub(crate) selectable: Option<bool>,
}

/// What every agent of a list must be. Nothing, where nothing was asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    contexts: Vec<Context>,
    category: Option<Category>,
    risk: Option<Level>,
    selectable: Option<bool>,
}

// === impl Filter ===

impl Filter {
    /// Reads what was asked.
    ///
    /// # Errors
    /// Every field that holds no word of its list.
    pub(crate) fn read(asked: &Asked) -> Result<Filter, Error> {
        let mut unknown = Vec::new();
        let mode = word("mode", "context", asked.mode.as_deref(), Context::WORDS, &mut unknown);
        let context = word("context", "context", asked.context.as_deref(), Context::WORDS, &mut unknown);
        let category = word("category", "category", asked.category.as_deref(), Category::WORDS, &mut unknown);
        let risk = word("risk", "risk level", asked.risk.as_deref(), Level::WORDS, &mut unknown);
        if !unknown.is_empty() {
            return Err(Error::UnknownWords(unknown));
        }
        let contexts = mode.into_iter().chain(context).collect();
        Ok(Filter { contexts, category, risk, selectable: asked.selectable })
    }

    /// Whether it lets everything through.
    pub(crate) fn is_none(&self) -> bool {
        *self == Filter::default()
    }

    /// Whether a list shows this agent. What nothing governs has nothing that a filter could ask for.
    pub(crate) fn admits(&self, agent: &Agent) -> bool {
        match &agent.governance {
            Some(governance) => self.admits_governed(governance),
            None => self.is_none(),
        }
    }

    /// The same for an agent of which only the entry is at hand.
    pub(crate) fn admits_governed(&self, governance: &Governance) -> bool {
        self.contexts.iter().all(|context| governance.contexts.contains(context))
            && self.category.is_none_or(|category| governance.category == category)
            && self.risk.is_none_or(|risk| governance.risk.level == risk)
            && self.selectable.is_none_or(|selectable| governance.expose.selectable == selectable)
    }
}

/// The word in a field; none after noting that it is not of the list.
fn word<T: Copy>(
    field: &'static str,
    kind: &'static str,
    given: Option<&str>,
    words: &'static [(&'static str, T)],
    unknown: &mut Vec<UnknownWord>,
) -> Option<T> {
    let given = given?;
    let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
    if found.is_none() {
        unknown.push(UnknownWord::of(field, kind, given, words));
    }
    found
}

#[cfg(test)]
mod tests;
