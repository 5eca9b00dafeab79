//! OpenAI's chat completions and embeddings, as their callers write and read them.

mod answer;
mod chat;
mod chunks;
mod embeddings;
#[cfg(test)]
mod tests;
mod tools;

pub(super) use answer::whole;
pub(super) use chat::chat;
pub(super) use chunks::Chunks;
pub(super) use embeddings::texts;
pub use embeddings::vectors;
