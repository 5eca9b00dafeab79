//! The data files of the orchestrator, checked without starting anything.

use std::path::Path;

use bsm_runtime::diagnostic::{Diagnostic, Findings, Strictness};

use crate::{
    policy::Policy,
    strategy::{KnownAgents, Strategies},
};

/// The files of a folder of agents that the orchestrator reads.
#[derive(Debug)]
pub struct Checked {
    /// What `events.yaml` says; `None` when it cannot be used.
    pub strategies: Option<Strategies>,
    /// What `policy.yaml` says; `None` when it cannot be used.
    pub policy: Option<Policy>,
    /// Everything that is wrong, by file and place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads `events.yaml` and `policy.yaml` in `dir` and holds them against the ids and contexts of `registry.yaml`.
/// Blocking.
///
/// Of the registry file only what keeps it from being read is reported; the rest is the registry's to check. When it
/// cannot be read, the agents that the two files name are not checked.
#[must_use]
pub fn read(dir: &Path, strictness: Strictness) -> Checked {
    let mut registry = Findings::of_file(&dir.join("registry.yaml"), strictness);
    let agents = KnownAgents::read(&mut registry);
    let mut events = Findings::of_file(&dir.join("events.yaml"), strictness);
    let strategies = Strategies::read(&mut events, agents.as_ref());
    let mut rules = Findings::of_file(&dir.join("policy.yaml"), strictness);
    let policy = Policy::read(&mut rules, agents.as_ref());
    let diagnostics = [registry, events, rules].into_iter().flat_map(Findings::into_vec).collect();
    Checked { strategies, policy, diagnostics }
}

/// What is wrong with the files; empty when nothing is. Blocking.
#[must_use]
pub fn check(dir: &Path, strictness: Strictness) -> Vec<Diagnostic> {
    read(dir, strictness).diagnostics
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn delivered() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents")
    }

    #[test]
    fn the_delivered_files_are_sound() {
        let checked = read(&delivered(), Strictness::Strict);
        assert_eq!(checked.diagnostics, []);
        assert!(checked.strategies.is_some() && checked.policy.is_some());
    }

    #[test]
    fn the_delivered_texts_promise_nothing_that_is_not_there() {
        let folders = [delivered(), delivered().join("../knowledge")];
        let files = folders
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().path());
        let mut read = 0;
        for file in files.filter(|path| path.is_file()) {
            let text = fs::read_to_string(&file).unwrap().to_lowercase();
            for promise in ["reload", "supersede", "waiting_approval"] {
                assert!(!text.contains(promise), "{} speaks of {promise}", file.display());
            }
            read += 1;
        }
        assert!(read > 8, "{read} files");
    }

    #[test]
    fn mistakes_of_all_files_come_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let copy = |name: &str, old: &str, new: &str| {
            let text = fs::read_to_string(delivered().join(name)).unwrap();
            assert!(text.contains(old), "{name}: {old}");
            fs::write(dir.path().join(name), text.replacen(old, new, 1)).unwrap();
        };
        copy("registry.yaml", "- id: code-review-agent", "- id: other-agent");
        copy("events.yaml", "deadline_seconds: 600", "deadline_seconds: -1");
        copy("policy.yaml", "then: block_pr", "then: blok_pr");
        let checked = read(dir.path(), Strictness::Strict);
        assert!(checked.strategies.is_none() && checked.policy.is_none());
        let all: Vec<_> = checked.diagnostics.iter().map(|d| d.message.as_str()).collect();
        for part in ["agent \"code-review-agent\" is not in registry.yaml", "the number -1", "\"blok_pr\""] {
            assert!(all.iter().any(|message| message.contains(part)), "{part}: {all:#?}");
        }
    }

    #[test]
    fn a_missing_file_is_a_finding_and_the_others_are_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::copy(delivered().join("policy.yaml"), dir.path().join("policy.yaml")).unwrap();
        let checked = read(dir.path(), Strictness::Strict);
        let files: Vec<_> = checked.diagnostics.iter().map(|d| d.file.rsplit('/').next().unwrap()).collect();
        assert_eq!(files, ["registry.yaml", "events.yaml"]);
        assert!(checked.policy.is_some() && checked.strategies.is_none());
    }
}
