//! What agents are given of the knowledge base: the passages that fit what they are asked about, best first and within a
//! budget of tokens, fetched once for all of them. When the base cannot be searched: the documents that it gave last.

mod words;

use std::sync::Arc;

use bsm_runtime::call::Call;
use tracing::warn;

use crate::clients::{Document, Known, Mesh, Passage, PassageQuestion, Refused, in_words};

pub(crate) use words::{Subject, words};

/// How many tokens of passages one agent is given at most.
const AGENT_TOKENS: u32 = 8_000;

/// How many are fetched for all agents of a job: they differ in what is meant for them.
const JOB_TOKENS: u32 = 4 * AGENT_TOKENS;

/// How many passages may be found by their words.
const MOST_FOUND: u32 = 50;

/// The audience that means everyone.
const EVERYONE: &str = "all";

/// What the agents may read.
#[derive(Debug)]
pub(crate) enum Knowledge {
    /// Best first.
    Passages(Vec<Passage>),
    /// As they were when the service could be asked.
    Documents(Arc<[Document]>),
}

/// Fetches what these agents may read about a subject, and what had to be done without, as a sentence.
pub(crate) async fn fetch(
    mesh: &dyn Mesh,
    call: &Call,
    words: String,
    agents: &[&str],
) -> (Knowledge, Option<String>) {
    let audience = agents.iter().map(|agent| (*agent).to_owned()).collect();
    let question = PassageQuestion { words, audience, limit: MOST_FOUND, tokens: JOB_TOKENS };
    // Both at once: the documents are in a cache, and should the service hang, one patience is enough.
    let (passages, documents) = tokio::join!(mesh.passages(call, question), mesh.documents(call));
    match passages {
        Ok(passages) => (Knowledge::Passages(passages), None),
        Err(refused) => {
            let (documents, note) = instead(documents, &refused);
            warn!(error = %refused, note, "the knowledge base cannot be searched; the agents go on with less");
            (Knowledge::Documents(documents), Some(note))
        }
    }
}

/// What there is in the place of passages, and how it is said.
fn instead(
    documents: Result<Known<Arc<[Document]>>, Refused>,
    refused: &Refused,
) -> (Arc<[Document]>, String) {
    let outage = "the knowledge base was unavailable, so the agents";
    match documents {
        Ok(Known { value, age: Some(age) }) => {
            let age = in_words(age);
            (value, format!("{outage} were given its documents of {age} before"))
        }
        Ok(Known { value, age: None }) => (
            value,
            "the knowledge base could not be searched, so the agents were given its documents".to_owned(),
        ),
        Err(_) => (Arc::default(), format!("{outage} went without it: {refused}")),
    }
}

// === impl Knowledge ===

impl Default for Knowledge {
    fn default() -> Self {
        Knowledge::Passages(Vec::new())
    }
}

impl Knowledge {
    /// What is meant for an agent, as one text in which every part says where it is from.
    pub(crate) fn for_agent(&self, agent_id: &str) -> String {
        match self {
            Knowledge::Passages(passages) => within(passages, agent_id, AGENT_TOKENS),
            Knowledge::Documents(documents) => whole(documents, agent_id),
        }
    }
}

/// The passages meant for the agent that fit, best first.
fn within(passages: &[Passage], agent_id: &str, mut left: u32) -> String {
    let mut fits = |passage: &&Passage| match left.checked_sub(passage.tokens) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let meant = passages.iter().filter(|passage| is_meant(&passage.audience, agent_id));
    meant.filter(|passage| fits(passage)).map(shown).collect::<Vec<_>>().join("\n\n")
}

/// A passage with its source: which document it is of, which content of that, and where it lies.
fn shown(passage: &Passage) -> String {
    let Passage { id, title, headings, source, hash, text, .. } = passage;
    let above = headings.iter().filter(|heading| *heading != title).map(|heading| format!(" > {heading}"));
    let hash = hash.get(..12).unwrap_or(hash);
    format!("[{id}] {title}{} ({source}, sha256 {hash})\n{}", above.collect::<String>(), text.trim())
}

fn whole(documents: &[Document], agent_id: &str) -> String {
    let meant = documents.iter().filter(|document| is_meant(&document.audience, agent_id));
    let texts =
        meant.map(|document| format!("[{}] {}\n{}", document.id, document.title, document.text.trim()));
    texts.collect::<Vec<_>>().join("\n\n")
}

fn is_meant(audience: &[String], agent_id: &str) -> bool {
    audience.is_empty() || audience.iter().any(|reader| reader == agent_id || reader == EVERYONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audience(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn passage(id: &str, tokens: u32, names: &[&str]) -> Passage {
        Passage {
            id: id.into(),
            title: "Rules".into(),
            headings: audience(&["Rules", "Keys"]),
            source: "rules.md".into(),
            hash: "0123456789abcdef".into(),
            text: format!("text of {id}\n"),
            tokens,
            audience: audience(names),
        }
    }

    #[test]
    fn a_passage_says_where_it_is_from() {
        let knowledge = Knowledge::Passages(vec![passage("rules#keys", 5, &["all"])]);
        assert_eq!(
            knowledge.for_agent("x"),
            "[rules#keys] Rules > Keys (rules.md, sha256 0123456789ab)\ntext of rules#keys"
        );
    }

    #[test]
    fn an_agent_is_given_the_best_of_what_is_meant_for_it_within_its_budget() {
        let passages = vec![
            passage("a", AGENT_TOKENS - 10, &["x"]),
            passage("b", 5, &["y"]),
            passage("c", 11, &["all"]),
            passage("d", 10, &["x", "y"]),
        ];
        let knowledge = Knowledge::Passages(passages);
        let ids = |agent: &str| {
            let text = knowledge.for_agent(agent);
            ["a", "b", "c", "d"]
                .into_iter()
                .filter(|id| text.contains(&format!("[{id}]")))
                .collect::<String>()
        };
        assert_eq!(ids("x"), "ad", "what does not fit is left out, a shorter one behind it is not");
        assert_eq!(ids("y"), "bcd");
    }

    #[test]
    fn an_agent_reads_documents_that_are_meant_for_it_or_for_all() {
        let document = |id: &str, names: &[&str]| Document {
            id: id.into(),
            title: "T".into(),
            text: format!("text of {id}\n"),
            audience: audience(names),
        };
        let documents =
            [document("a", &["x"]), document("b", &["all"]), document("c", &["y"]), document("d", &[])];
        let text = Knowledge::Documents(Arc::from(documents)).for_agent("x");
        assert_eq!(text, "[a] T\ntext of a\n\n[b] T\ntext of b\n\n[d] T\ntext of d");
    }
}
