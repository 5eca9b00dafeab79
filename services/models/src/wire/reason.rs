//! How an answer ended, in the words of the contract.

/// The model had said all, or came to a text at which it was to end.
pub const STOP: &str = "stop";
/// The answer is as long as it may be.
pub const LENGTH: &str = "length";
/// The model or its provider would not say it.
pub const CONTENT_FILTER: &str = "content_filter";
/// The model waits for tools.
pub const TOOL_CALLS: &str = "tool_calls";

/// What a provider's word is in the contract: itself where the wire's table does not know it.
pub(super) fn of<'a>(word: &'a str, table: &[(&str, &'static str)]) -> &'a str {
    table.iter().find(|(theirs, _)| *theirs == word).map_or(word, |(_, ours)| *ours)
}
