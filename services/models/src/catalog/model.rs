//! What is known of one model of one provider.

use std::sync::Arc;

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Fields, Key, Node, Path, whole};

use super::price::{self, Price};

/// A model. One that is not in the catalog can be asked for by name all the same; nothing is known of it then.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Whose it is.
    pub provider: Arc<str>,
    /// What its provider calls it.
    pub id: Arc<str>,
    /// Tokens of prompt and answer together at most; `None` if nobody said.
    pub context: Option<u64>,
    /// Tokens of an answer at most; `None` if nobody said.
    pub output: Option<u64>,
    /// What it costs; `None` if nobody said.
    pub price: Option<Price>,
}

/// Tokens that no model holds.
const MOST: i64 = 1_000_000_000;

// === impl Model ===

impl Model {
    /// Its name in routes and requests: `provider/id`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.id)
    }
}

/// The model under `key`, which is `provider/id`; what is missing is as in `base`.
pub(super) fn read(
    (key, node): (&Key, &Node),
    path: &Path<'_>,
    findings: &mut Findings,
    base: Option<&Model>,
) -> Option<Model> {
    let named = key.text.split_once('/').filter(|(provider, id)| !provider.is_empty() && !id.is_empty());
    let Some((provider, id)) = named else {
        let message = format!("{:?} does not say whose model it is", key.text);
        findings.error(key.at, path, message, "write provider/model, such as openai/gpt-4o");
        return None;
    };
    let mut fields = Fields::of(node, path, findings)?;
    let context = fields.optional("context", whole(1..=MOST)).map(|n| n as u64);
    let output = fields.optional("output", whole(1..=MOST)).map(|n| n as u64);
    let was = base.and_then(|base| base.price);
    let price = fields.optional("price", |node: &Node, path: &Path<'_>, findings: &mut Findings| {
        price::read(node, path, findings, was)
    });
    fields.finish();
    Some(Model {
        provider: provider.into(),
        id: id.into(),
        context: context.or_else(|| base?.context),
        output: output.or_else(|| base?.output),
        price: price.or(was),
    })
}
