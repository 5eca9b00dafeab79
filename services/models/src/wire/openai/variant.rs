//! What differs between the providers that speak OpenAI's wire: one table.

/// One provider's way of speaking the wire.
#[derive(Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name, which is the wire's name for whoever configures providers.
    pub name: &'static str,
    /// The field that bounds the answer's tokens.
    pub max_tokens: &'static str,
    /// The field of the seed.
    pub seed: &'static str,
    /// The choice of any tool, but one of them.
    pub required: &'static str,
    /// The field of a vector's numbers.
    pub dimensions: &'static str,
    /// Where a request goes, and how it carries the key.
    pub door: Door,
    /// What else it has.
    pub has: &'static [Feature],
}

/// Where requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `/chat/completions` with `Authorization: Bearer`; the model stands in the body alone.
    Plain,
    /// `/openai/deployments/<model>/chat/completions?api-version=...` with `api-key`.
    Deployments,
}

/// What some have and others lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `stream_options`; the others tell the usage of a stream unasked, or refuse the field.
    StreamOptions,
    /// The format `json_object`; the others are asked for a schema that any object fits.
    JsonObject,
    /// Tools.
    Tools,
    /// `/embeddings`.
    Embeddings,
    /// A search of the web before the answer.
    Search,
    /// Ids of tool calls of exactly nine letters and digits.
    ShortCallIds,
}

use Feature::{Embeddings, JsonObject, Search, ShortCallIds, StreamOptions, Tools};

/// OpenAI itself.
pub static OPENAI: Variant = Variant { name: "openai", ..OPENAI_LIKE };

/// Any other server of the wire: vLLM, llama.cpp, Ollama and the many like them.
pub static COMPATIBLE: Variant = Variant { name: "compatible", max_tokens: "max_tokens", ..OPENAI_LIKE };

/// Azure.
pub static AZURE: Variant = Variant { name: "azure", door: Door::Deployments, ..OPENAI_LIKE };

/// Groq, which makes no vectors.
pub static GROQ: Variant = Variant { name: "groq", has: &[StreamOptions, JsonObject, Tools], ..OPENAI_LIKE };

/// Mistral, which refuses fields that it does not know.
pub static MISTRAL: Variant = Variant {
    name: "mistral",
    max_tokens: "max_tokens",
    seed: "random_seed",
    required: "any",
    dimensions: "output_dimension",
    has: &[JsonObject, Tools, Embeddings, ShortCallIds],
    ..OPENAI_LIKE
};

/// Perplexity, which searches and names its sources.
pub static PERPLEXITY: Variant =
    Variant { name: "perplexity", max_tokens: "max_tokens", has: &[Search], ..OPENAI_LIKE };

/// Every variant.
pub static VARIANTS: [&Variant; 6] = [&OPENAI, &COMPATIBLE, &AZURE, &GROQ, &MISTRAL, &PERPLEXITY];

/// What a variant is like where its row says nothing else.
const OPENAI_LIKE: Variant = Variant {
    name: "",
    max_tokens: "max_completion_tokens", // the older field is refused by models that think
    seed: "seed",
    required: "required",
    dimensions: "dimensions",
    door: Door::Plain,
    has: &[StreamOptions, JsonObject, Tools, Embeddings],
};

// === impl Variant ===

impl Variant {
    /// Whether a document of OpenAI's can be passed on as it came: no field has another name here, and those that are not
    /// known are the sender's affair.
    #[must_use]
    pub fn takes_openai_fields(&self) -> bool {
        self.seed == OPENAI_LIKE.seed && self.dimensions == OPENAI_LIKE.dimensions
    }

    /// Whether it has something.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.has.contains(&feature)
    }
}
