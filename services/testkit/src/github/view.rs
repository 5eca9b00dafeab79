//! How the API shows things.

use serde_json::{Value, json};

use super::{CheckRun, Comment, CommitStatus, Pull, Review};

pub(super) fn pull(repo: &str, pull: &Pull) -> Value {
    let files = pull.files();
    let sum = |field: &str| files.iter().filter_map(|file| file[field].as_u64()).sum::<u64>();
    let merged = pull.merge_commit.is_some();
    json!({
        "id": 1_000_000 + pull.number, "number": pull.number, "state": if pull.open { "open" } else { "closed" },
        "locked": false, "title": pull.title, "body": pull.body, "user": user(&pull.author), "draft": pull.draft,
        "merged": merged, "mergeable": if pull.open { json!(pull.mergeable) } else { Value::Null },
        "mergeable_state": if pull.mergeable { "clean" } else { "dirty" }, "merge_commit_sha": pull.merge_commit,
        "head": {"ref": pull.branch, "sha": pull.head(), "repo": {"full_name": repo}},
        "base": {"ref": pull.base, "repo": {"full_name": repo}},
        "labels": labels(&pull.labels), "changed_files": files.len(),
        "additions": sum("additions"), "deletions": sum("deletions"),
        "comments": pull.comments.len(), "commits": pull.heads.len(),
        "html_url": format!("https://github.example/{repo}/pull/{}", pull.number),
        "diff_url": format!("https://github.example/{repo}/pull/{}.diff", pull.number),
        "created_at": time(pull.number), "updated_at": time(pull.number),
    })
}

pub(super) fn review(review: &Review) -> Value {
    json!({"id": review.id, "user": user(&review.by), "body": review.body, "state": review.state,
           "commit_id": review.commit, "submitted_at": time(review.id)})
}

pub(super) fn comment(comment: &Comment) -> Value {
    json!({"id": comment.id, "user": user(&comment.by), "body": comment.body,
           "created_at": time(comment.id), "updated_at": time(comment.id + comment.edits)})
}

pub(super) fn labels(labels: &[String]) -> Vec<Value> {
    labels.iter().map(|label| json!({"name": label, "color": "ededed"})).collect()
}

pub(super) fn check(sha: &str, check: &CheckRun) -> Value {
    json!({"name": check.name, "head_sha": sha, "status": check.status, "conclusion": check.conclusion})
}

pub(super) fn status(status: &CommitStatus) -> Value {
    json!({"id": status.id, "state": status.state, "context": status.context, "description": status.description,
           "creator": user(&status.by), "created_at": time(status.id)})
}

fn user(login: &str) -> Value {
    json!({"login": login, "type": "User"})
}

/// A second for each id: the same in every run, and in order.
fn time(id: u64) -> String {
    format!("2024-01-01T{:02}:{:02}:{:02}Z", id / 3_600 % 24, id / 60 % 60, id % 60)
}
