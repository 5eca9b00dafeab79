//! What leaves this process, and to where: over real sockets, with names that lead where the test says.

use std::net::IpAddr;

use bsm_stack::breaker::Snapshot;
use futures_util::FutureExt as _;

use super::*;
use crate::{
    audit_log::AuditLog,
    egress_audit,
    metrics::Metrics,
    outside::{
        egress::{Reach, Refusal, Rules},
        gate::Gate,
    },
};

const OVER: Act = Act::Says(200, &[("connection", "close")]);

/// A way to `api.example.com` at the fake's port; the name leads to these addresses, one list after the other.
fn by_name(
    fake: &Fake,
    declared: Declared,
    guards: &Guards,
    leads_to: &[&[&str]],
) -> (Outside, Request<Bytes>) {
    let parsed = |list: &&[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
    let lists = Mutex::new(leads_to.iter().map(parsed).collect::<VecDeque<_>>());
    let lookup = move |_name| {
        let next = lists.lock().unwrap().pop_front().expect("it was asked more often than the test says");
        async move { Ok(next) }.boxed()
    };
    let url = fake.url.replace("127.0.0.1", "api.example.com");
    let destination = Destination { name: "openai", url: &url, declared };
    let gate = Gate::new(destination, guards.egress(), Box::new(lookup));
    let client = HttpClient::behind(gate, Duration::from_secs(5), Trust::Nobody).unwrap();
    let question = Request::post(&url).body(Bytes::from_static(b"question")).unwrap();
    (Outside::to(server(), client, guards), question)
}

fn allowing(entries: &[&str]) -> Guards {
    let allowed = entries.iter().map(|entry| entry.parse().unwrap()).collect();
    Guards::ruled(Flags::default(), Rules { allowed, ..Rules::default() })
}

#[tokio::test]
async fn a_public_name_that_leads_to_a_private_address_is_refused_before_anybody_is_connected() {
    let fake = Fake::start([OVER]).await;
    let guards = Guards::default();
    let (way, question) = by_name(&fake, Declared::ByUrl, &guards, &[&["93.184.215.14", "127.0.0.1"]]);
    let refused = ask(&way, question).await;
    assert_eq!(refused, Err(Trouble::Refused(Refusal::Address(Reach::Loopback))));
    assert_eq!(fake.asked(), 0);
    let Snapshot { failures, .. } = &guards.breakers()[0];
    assert_eq!((*failures, guards.retry_budgets()[0].sent), (0, 0), "it is our word, not the server's");
    let metrics = Metrics::default();
    metrics.watch_guards(guards);
    let line = "bsm_egress_refusals_total{to=\"openai\",reason=\"address\"} 1";
    assert!(metrics.render().contains(line), "{}", metrics.render());
}

#[tokio::test]
async fn what_is_kept_in_is_a_line_of_the_audit_log_and_not_one_for_each_request() {
    let fake = Fake::start([OVER]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let guards = allowing(&["api.openai.com"]);
    egress_audit::keep(guards.egress(), AuditLog::at(path.clone()), Role::Models);
    let (way, question) = by_name(&fake, Declared::ByUrl, &guards, &[]);
    for _ in 0..20 {
        assert_eq!(ask(&way, question.clone()).await, Err(Trouble::Refused(Refusal::Host)));
    }
    let written = async {
        loop {
            match std::fs::read_to_string(&path) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let text = tokio::time::timeout(SOON, written).await.expect("it is written");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert_eq!(lines[0]["action"], "egress.refuse");
    assert_eq!(lines[0]["target"], "api.example.com");
    assert_eq!(lines[0]["new"], serde_json::json!({"to": "openai", "reason": "host"}));
    assert_eq!(guards.egress().refusals()[0].2, 20, "all are counted");
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let fake = Fake::start([OVER]).await;
    let guards = allowing(&["api.example.com", "127.0.0.0/8"]);
    let answers: [&[&str]; 2] = [&["127.0.0.1"], &["169.254.169.254"]];
    let (way, question) = by_name(&fake, Declared::ByUrl, &guards, &answers);
    assert_eq!(ask(&way, question.clone()).await, Ok(200));
    let refused = ask(&way, question).await;
    assert_eq!(refused, Err(Trouble::Refused(Refusal::Address(Reach::Metadata))));
    assert_eq!(fake.asked(), 1);
}

#[tokio::test]
async fn a_server_that_is_declared_local_may_have_a_private_address() {
    let fake = Fake::start([OVER]).await;
    let guards = Guards::default();
    let (way, question) = by_name(&fake, Declared::Local, &guards, &[&["127.0.0.1"]]);
    assert_eq!(ask(&way, question).await, Ok(200));
    assert!(guards.egress().refusals().is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_not_even_looked_up() {
    let fake = Fake::start([OVER]).await;
    let guards = allowing(&["api.openai.com"]);
    let (way, question) = by_name(&fake, Declared::Local, &guards, &[]);
    let error = way.ask(question).await.unwrap_err();
    assert_eq!(Trouble::of(&*error), Trouble::Refused(Refusal::Host));
    assert!(!format!("{error:?}").contains("example.com"), "{error:?}");
}

#[tokio::test]
async fn a_key_goes_to_its_own_origin_and_is_not_even_chosen_for_another() {
    let (own, other) = (Fake::start([OVER]).await, Fake::start([OVER]).await);
    let guards = Guards::default();
    let way = to(&own.url, server(), &guards);
    let chosen = Arc::new(Mutex::new(0));
    let with_key = |url: &str| {
        let mut question = Request::post(url).body(Bytes::new()).unwrap();
        let chosen = chosen.clone();
        question.extensions_mut().insert(AsSent::new(move |headers| {
            *chosen.lock().unwrap() += 1;
            headers.insert("authorization", "Bearer sk-canary".parse().unwrap());
            Ok(())
        }));
        question
    };
    assert_eq!(ask(&way, with_key(&own.url)).await, Ok(200));
    assert_eq!(own.seen.lock().unwrap()[0]["authorization"], "Bearer sk-canary");
    let refused = ask(&way, with_key(&other.url)).await;
    assert_eq!(refused, Err(Trouble::Refused(Refusal::Origin)));
    assert_eq!((*chosen.lock().unwrap(), other.asked()), (1, 0));
}

#[tokio::test]
async fn what_withholds_a_request_says_nothing_about_the_server() {
    let fake = Fake::start([OVER]).await;
    let guards = Guards::default();
    let way = to(&fake.url, server(), &guards);
    let mut question = fake.question();
    question.extensions_mut().insert(AsSent::new(|_| Err("no key is left".into())));
    let error = way.ask(question).await.unwrap_err();
    assert!(bsm_stack::classify::is_own_refusal(&*error), "{error:?}");
    assert_eq!((fake.asked(), guards.breakers()[0].failures), (0, 0));
}
