//! Answers that are kept: asked for once, renewed by the watch, and marked when their service is away.

use std::sync::atomic::Ordering::Relaxed;

use serde_json::json;

use super::*;

const PATH: &str = "/api/knowledge";

impl Rig {
    /// Waits until the documents are followed and loaded ahead, and nothing more is on its way.
    async fn followed(&self) -> usize {
        self.until("the documents are loaded", || {
            let stats = self.stats("knowledge");
            self.fake.versions.lock().unwrap().receiver_count() == 1 && stats.entries == 1
        })
        .await;
        self.fake.listed.load(Relaxed)
    }

    fn stats(&self, name: &str) -> bsm_stack::cache::Stats {
        let caches = self.process.guards.caches();
        caches.iter().find(|cache| cache.name() == name).unwrap().stats()
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let waiting = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(SOON, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
    }
}

#[tokio::test]
async fn an_answer_is_asked_for_once_and_again_when_the_watch_tells_a_change() {
    let rig = Rig::start(&[]).await;
    rig.followed().await;
    rig.until("it has heard the first version", || rig.stats("knowledge").loads >= 2).await;
    while read(rig.send(get(PATH)).await).await.header("x-bsm-stale") == "true" {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (asked, hits) = (rig.followed().await, rig.stats("knowledge").hits);
    for _ in 0..5 {
        let answer = read(rig.send(get(PATH)).await).await;
        assert_eq!((answer.status, answer.header("x-bsm-stale"), answer.header("age")), (200, "", ""));
    }
    assert_eq!(rig.fake.listed.load(Relaxed), asked, "all from what is kept");
    assert_eq!(rig.stats("knowledge").hits, hits + 5);

    rig.fake.versions.lock().unwrap().send_replace(2);
    rig.until("it is asked for again", || rig.fake.listed.load(Relaxed) > asked).await;
    assert_eq!(rig.json(get(PATH)).await.0, 200);
}

#[tokio::test]
async fn another_question_has_another_answer() {
    let rig = Rig::start(&[]).await;
    rig.followed().await;
    let asked = rig.fake.listed.load(Relaxed);
    for _ in 0..2 {
        assert_eq!(rig.json(get("/api/knowledge?audience=my-agent")).await.0, 200);
    }
    rig.until("it was asked with its parameters", || rig.fake.audience.lock().unwrap().len() == 1).await;
    assert!(rig.fake.listed.load(Relaxed) > asked);
    let bare = read(rig.send(get("/api/knowledge/guide")).await).await;
    assert_eq!((bare.status, bare.json()["text"].clone()), (200, json!("# guide\n")));
}

#[tokio::test]
async fn who_changes_something_reads_the_change_and_nothing_from_before() {
    const TOKEN: &str = "a-token-of-sixteen";
    let rig = Rig::start(&[("admin_token", TOKEN)]).await;
    rig.followed().await;
    rig.until("it has heard the first version", || rig.stats("knowledge").loads >= 2).await;
    let headers = [("content-type", "application/json"), ("x-admin-token", TOKEN)];
    let asked = rig.followed().await;
    let refused = rig.json(request("POST", PATH, &headers[..1], "{}")).await;
    assert_eq!((refused.0, rig.stats("knowledge").entries), (401, 1), "what was refused changes nothing");
    assert_eq!(rig.json(request("POST", PATH, &headers, "{}")).await.0, 201);
    assert_eq!(rig.json(get(PATH)).await.0, 200);
    assert!(rig.fake.listed.load(Relaxed) > asked, "it was asked for again");
}

#[tokio::test]
async fn a_service_that_is_away_is_answered_for_by_what_it_said_last_marked_as_stale() {
    let rig = Rig::start(&[]).await;
    rig.followed().await;
    rig.fake.leave();
    let marked = async {
        loop {
            let answer = read(rig.send(get(PATH)).await).await;
            assert_eq!((answer.status, &answer.json()["documents"]), (200, &json!(["text"])));
            if answer.header("x-bsm-stale") == "true" {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let answer = tokio::time::timeout(SOON, marked).await.expect("the loss of the watch is noticed");
    assert_eq!(answer.header("warning"), "110 bsm \"Response is Stale\"");
    assert!(answer.header("age").parse::<u64>().is_ok(), "{}", answer.header("age"));
    assert!(rig.stats("knowledge").stale_served > 0);
    assert_eq!(
        rig.json(get("/api/knowledge?audience=x")).await.0,
        503,
        "what was never known is not made up"
    );
}

#[tokio::test]
async fn a_refusal_for_good_is_told_each_time_and_not_kept() {
    let rig = Rig::start(&[]).await;
    for _ in 0..2 {
        assert_eq!(rig.json(get("/api/models")).await.0, 501, "the fake has no models");
    }
    assert_eq!(rig.stats("providers").entries, 0);
}
