//! Server streams as events.

use http_body_util::BodyExt as _;

use super::*;

fn events(job: &str, headers: &[(&str, &str)]) -> Request {
    request("GET", &format!("/api/orchestrator/jobs/{job}/events"), headers, Body::empty())
}

/// The ids and names of the events of a text.
fn heads(text: &str) -> Vec<(&str, &str)> {
    let field = |event: &'_ str, name: &str| -> Option<usize> { event.find(name).map(|at| at + name.len()) };
    let line = |event, name| {
        field(event, name).map_or("", |at: usize| event[at..].lines().next().unwrap_or_default())
    };
    text.split("\n\n")
        .filter(|event| !event.is_empty())
        .map(|event| (line(event, "id: "), line(event, "event: ")))
        .collect()
}

#[tokio::test]
async fn a_stream_is_events_and_ends_with_the_job() {
    let rig = Rig::start(&[]).await;
    let answer = read(rig.send(events("j", &[])).await).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(heads(&answer.body), [("1", "job.queued"), ("2", "job.running"), ("3", "job.succeeded")]);
}

#[tokio::test]
async fn a_client_that_comes_back_repeats_nothing() {
    let rig = Rig::start(&[]).await;
    let answer = read(rig.send(events("j", &[("last-event-id", "2")])).await).await;
    assert_eq!(heads(&answer.body), [("3", "job.succeeded")]);
}

#[tokio::test]
async fn a_refusal_before_the_first_event_has_its_http_code() {
    let rig = Rig::start(&[]).await;
    let (status, body) = rig.json(events("unknown", &[("accept", "text/event-stream")])).await;
    assert_eq!((status, body["code"].as_str()), (404, Some("JOB_NOT_FOUND")));
}

#[tokio::test]
async fn a_failure_midway_is_an_error_event_without_inner_words() {
    let rig = Rig::start(&[]).await;
    let answer = read(rig.send(events("broken", &[("x-correlation-id", "c-9")])).await).await;
    assert_eq!(heads(&answer.body).last(), Some(&("", "error")));
    assert!(answer.body.contains(r#""code":"INTERNAL","correlationId":"c-9""#), "{}", answer.body);
    assert!(!answer.body.contains("bug"));
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_upstream_call() {
    let rig = Rig::start(&[]).await;
    let mut body = rig.send(events("endless", &[])).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    tokio::time::timeout(SOON, rig.fake.left.notified()).await.expect("the upstream stream is dropped");
}

#[tokio::test]
async fn a_drain_ends_open_streams() {
    let rig = Rig::start(&[]).await;
    let response = rig.send(events("endless", &[])).await;
    rig.process.drain.begin();
    let answer = read(response).await; // ends, or `read` fails
    assert_eq!(answer.status, 200);
    tokio::time::timeout(SOON, rig.fake.left.notified()).await.expect("the upstream stream is dropped");
}
