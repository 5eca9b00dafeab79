//! The text of a message: a string, or parts of which some are text.

use serde::Deserialize;

/// What stands under `content`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    /// The text itself.
    Text(String),
    /// Parts; those that are no text, such as what the model thought, are left out.
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
pub(super) struct Part {
    #[serde(default)]
    text: Option<String>,
}

// === impl Content ===

impl Content {
    /// All of its text.
    pub(super) fn text(self) -> String {
        match self {
            Content::Text(text) => text,
            Content::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}
