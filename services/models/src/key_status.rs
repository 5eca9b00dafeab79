//! Which providers can be asked now, in the words that the old system's chat pages show. Pure.

use std::collections::HashMap;

use crate::gateway::ProviderLine;
use crate::provider::Offline;

/// What a chat page calls each provider. These are always shown, so that a page need not know which are configured.
const LABELS: [(&str, &str); 8] = [
    ("openai", "GPT-4"),
    ("anthropic", "Claude"),
    ("perplexity", "Perplexity"),
    ("google", "Gemini"),
    ("azure", "Azure OpenAI"),
    ("groq", "Groq"),
    ("mistral", "Mistral"),
    ("cohere", "Cohere"),
];

/// The line about all of them.
const CHAT: &str = "chat";

/// Which providers can be asked now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyStatus {
    /// By the provider's name.
    pub status: HashMap<String, bool>,
    /// The same in words, and those about all of them.
    pub ui: HashMap<String, String>,
}

// === impl KeyStatus ===

impl KeyStatus {
    /// As the providers stand. The built-in reviewer, which needs no key and holds no conversation, is left out.
    #[must_use]
    pub fn of(lines: &[ProviderLine]) -> KeyStatus {
        let absent = LABELS.iter().map(|(name, _)| ((*name).to_owned(), false));
        let remote = lines.iter().filter(|line| &*line.name != Offline::NAME);
        let present = remote.map(|line| (line.name.to_string(), line.obstacle.is_none()));
        let status: HashMap<String, bool> = absent.chain(present).collect();
        let mut ui: HashMap<String, String> =
            status.iter().map(|(name, usable)| (name.clone(), ready(label(name), *usable))).collect();
        let any = status.values().any(|usable| *usable);
        ui.insert(CHAT.to_owned(), if any { "✅ Chat Available" } else { "🔴 Chat Offline" }.to_owned());
        KeyStatus { status, ui }
    }
}

fn ready(label: &str, usable: bool) -> String {
    if usable { format!("✅ {label} Ready") } else { format!("🔴 {label} Offline") }
}

/// Of a provider that an operator added, its own name.
fn label(name: &str) -> &str {
    LABELS.iter().find(|(known, _)| *known == name).map_or(name, |(_, label)| label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, obstacle: Option<&str>) -> ProviderLine {
        let obstacle = obstacle.map(str::to_owned);
        ProviderLine { name: name.into(), obstacle, keys: 1, key_lines: Vec::new(), breaker: "CLOSED" }
    }

    #[test]
    fn every_provider_of_the_table_is_told_whether_configured_or_not() {
        let told =
            KeyStatus::of(&[line("openai", None), line("anthropic", Some("no key")), line("offline", None)]);
        assert_eq!(told.status.len(), LABELS.len(), "offline has no key to speak of");
        for (name, usable, words) in [
            ("openai", true, "✅ GPT-4 Ready"),
            ("anthropic", false, "🔴 Claude Offline"),
            ("perplexity", false, "🔴 Perplexity Offline"),
            ("google", false, "🔴 Gemini Offline"),
        ] {
            assert_eq!((told.status[name], told.ui[name].as_str()), (usable, words));
        }
        assert_eq!(told.ui["chat"], "✅ Chat Available");
    }

    #[test]
    fn a_provider_that_was_added_goes_by_its_own_name_and_without_any_chat_is_offline() {
        let told = KeyStatus::of(&[line("ollama", Some("its circuit is open")), line("offline", None)]);
        assert_eq!(
            (told.ui["ollama"].as_str(), told.ui["chat"].as_str()),
            ("🔴 ollama Offline", "🔴 Chat Offline")
        );
    }
}
