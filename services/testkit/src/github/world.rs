//! The repositories and what is in them. No I/O and no clock: ids and times come from a counter.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{CheckRun, CommitStatus, Merge, NewPull, Pull, Refused, request::Request, view};

/// Everything.
#[derive(Debug, Default)]
pub(super) struct World {
    repos: BTreeMap<String, Repo>,
    pub merges: Vec<Merge>,
    ids: u64,
}

/// One repository.
#[derive(Debug, Default)]
pub(super) struct Repo {
    pub pulls: BTreeMap<u64, Pull>,
    pub statuses: BTreeMap<String, Vec<CommitStatus>>,
    pub checks: BTreeMap<String, Vec<CheckRun>>,
}

// === impl World ===

impl World {
    /// Another id, larger than all before it.
    pub(super) fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub(super) fn open(&mut self, repo: &str, pull: NewPull) {
        self.repos.entry(repo.to_owned()).or_default().pulls.insert(pull.number, Pull::new(pull));
    }

    pub(super) fn push(&mut self, repo: &str, number: u64, sha: &str) {
        if let Ok(pull) = self.pull_mut(repo, number) {
            pull.heads.push(sha.to_owned());
        }
    }

    pub(super) fn known(&self, repo: &str) -> Result<&Repo, Refused> {
        self.repos.get(repo).ok_or_else(Refused::not_found)
    }

    pub(super) fn known_mut(&mut self, repo: &str) -> Result<&mut Repo, Refused> {
        self.repos.get_mut(repo).ok_or_else(Refused::not_found)
    }

    pub(super) fn pull(&self, repo: &str, number: u64) -> Result<&Pull, Refused> {
        self.known(repo)?.pulls.get(&number).ok_or_else(Refused::not_found)
    }

    pub(super) fn pull_mut(&mut self, repo: &str, number: u64) -> Result<&mut Pull, Refused> {
        self.known_mut(repo)?.pulls.get_mut(&number).ok_or_else(Refused::not_found)
    }

    /// The pull requests in the state that is asked for, newest first.
    pub(super) fn list(&self, repo: &str, request: &Request<'_>) -> Result<Vec<Value>, Refused> {
        let state = request.query("state").unwrap_or_else(|| "open".to_owned());
        let wanted = |pull: &&Pull| match state.as_str() {
            "all" => true,
            "closed" => !pull.open,
            _ => pull.open,
        };
        let pulls = self.known(repo)?.pulls.values().rev();
        Ok(pulls.filter(wanted).map(|pull| view::pull(repo, pull)).collect())
    }

    /// The pull requests whose head this commit is.
    pub(super) fn pulls_with(&self, repo: &str, sha: &str) -> Result<Vec<Value>, Refused> {
        let pulls = self.known(repo)?.pulls.values();
        Ok(pulls.filter(|pull| pull.head() == sha).map(|pull| view::pull(repo, pull)).collect())
    }

    /// A commit's full hash, from it or from the name of a branch.
    pub(super) fn resolve(&self, repo: &str, commit: &str) -> Result<String, Refused> {
        let repo = self.known(repo)?;
        let known = |pull: &Pull| {
            let pushed = pull.heads.iter().any(|head| head == commit);
            pushed || pull.merge_commit.as_deref() == Some(commit)
        };
        if repo.pulls.values().any(known) {
            return Ok(commit.to_owned());
        }
        let branch = repo.pulls.values().find(|pull| pull.branch == commit);
        let missing = || Refused::new(422, format!("No commit found for SHA: {commit}"));
        branch.map(|pull| pull.head().to_owned()).ok_or_else(missing)
    }
}
