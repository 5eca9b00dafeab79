//! Anthropic's messages, as their callers write and read them.

mod answer;
mod blocks;
mod events;
mod messages;
#[cfg(test)]
mod tests;

pub(super) use answer::whole;
pub(super) use events::Events;
pub(super) use messages::messages;
