//! The API: which method and path does what.

use http::Method;
use serde_json::{Value, json};

use super::{
    Refused, paging,
    request::{Answer, Body, Request},
    view,
    world::World,
};

/// Does what the request asks for.
pub(super) fn route(world: &mut World, request: &Request<'_>) -> Result<Answer, Refused> {
    let segments = request.call.segments();
    match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["user"] => Ok(Answer::ok(json!({"login": request.login}))),
        ["repos", owner, name, rest @ ..] => repository(world, &format!("{owner}/{name}"), rest, request),
        _ => Err(Refused::not_found()),
    }
}

fn repository(
    world: &mut World,
    repo: &str,
    rest: &[&str],
    request: &Request<'_>,
) -> Result<Answer, Refused> {
    world.known(repo)?;
    match (request.call.method.clone(), rest) {
        (Method::GET, []) => Ok(Answer::ok(json!({"full_name": repo, "default_branch": "main"}))),
        (Method::GET, ["pulls"]) => paging::page(request, &world.list(repo, request)?),
        (Method::POST, ["statuses", sha]) => world.set_status(repo, sha, request),
        (Method::GET, ["commits", commit, "status"]) => world.combined_status(repo, commit),
        (Method::GET, ["commits", commit, "statuses"]) => {
            let sha = world.resolve(repo, commit)?;
            paging::page(
                request,
                &world.statuses(repo, &sha).iter().rev().map(view::status).collect::<Vec<_>>(),
            )
        }
        (Method::GET, ["commits", commit, "check-runs"]) => world.check_runs(repo, commit),
        (Method::GET, ["commits", commit, "pulls"]) => {
            paging::page(request, &world.pulls_with(repo, &world.resolve(repo, commit)?)?)
        }
        (Method::POST, ["check-runs"]) => world.create_check(repo, request),
        (Method::GET | Method::PATCH | Method::DELETE, ["issues", "comments", id]) => {
            world.one_comment(repo, number(id)?, request)
        }
        (_, ["pulls", n, rest @ ..]) => pull(world, repo, number(n)?, rest, request),
        (_, ["issues", n, rest @ ..]) => issue(world, repo, number(n)?, rest, request),
        _ => Err(Refused::not_found()),
    }
}

fn pull(
    world: &mut World,
    repo: &str,
    number: u64,
    rest: &[&str],
    request: &Request<'_>,
) -> Result<Answer, Refused> {
    let found = world.pull(repo, number)?;
    match (request.call.method.clone(), rest) {
        (Method::GET, []) if request.wants_diff() => {
            Ok(Answer { status: 200, body: Body::Diff(found.diff.clone()), link: None })
        }
        (Method::GET, []) => Ok(Answer::ok(view::pull(repo, found))),
        (Method::GET, ["files"]) => paging::page(request, &found.files()),
        (Method::GET, ["reviews"]) => {
            paging::page(request, &found.reviews.iter().map(view::review).collect::<Vec<_>>())
        }
        (Method::POST, ["reviews"]) => world.review(repo, number, request),
        (Method::GET, ["merge"]) if found.merge_commit.is_some() => Ok(Answer::nothing()),
        (Method::PUT, ["merge"]) => world.merge(repo, number, request),
        _ => Err(Refused::not_found()),
    }
}

/// What pull requests share with issues.
fn issue(
    world: &mut World,
    repo: &str,
    number: u64,
    rest: &[&str],
    request: &Request<'_>,
) -> Result<Answer, Refused> {
    let found = world.pull(repo, number)?;
    match (request.call.method.clone(), rest) {
        (Method::GET, ["comments"]) => {
            paging::page(request, &found.comments.iter().map(view::comment).collect::<Vec<_>>())
        }
        (Method::POST, ["comments"]) => world.create_comment(repo, number, request),
        (Method::GET, ["labels"]) => paging::page(request, &view::labels(&found.labels)),
        (Method::POST, ["labels"]) => world.add_labels(repo, number, request),
        (Method::PUT, ["labels"]) => world.set_labels(repo, number, request),
        (Method::DELETE, ["labels", label]) => world.remove_label(repo, number, label),
        _ => Err(Refused::not_found()),
    }
}

fn number(text: &str) -> Result<u64, Refused> {
    text.parse().map_err(|_| Refused::not_found())
}

/// A list of the API that says how many there are.
pub(super) fn counted(name: &str, items: Vec<Value>) -> Value {
    json!({"total_count": items.len(), name: items})
}
