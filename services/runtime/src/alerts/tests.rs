//! A receiver on loopback, and what reaches it.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State as Shared, response::IntoResponse, routing::post};
use bsm_stack::{
    Outcome,
    breaker::{Breaker, Config, State},
};
use http::{StatusCode, header};
use tokio::{net::TcpListener, sync::Notify};

use super::*;
use crate::{
    drain::Drain,
    metrics::Metrics,
    ops,
    role::Role,
    settings::{Layers, Settings},
};

const SOON: Duration = Duration::from_secs(20);

/// Keeps what it is sent and answers as told.
#[derive(Clone)]
struct Fake {
    got: Arc<Mutex<Vec<Value>>>,
    told: Arc<Notify>,
    answer: Arc<AtomicU16>,
    address: SocketAddr,
}

async fn take(Shared(fake): Shared<Fake>, Json(body): Json<Value>) -> impl IntoResponse {
    fake.got.lock().unwrap().push(body);
    fake.told.notify_one();
    let code = StatusCode::from_u16(fake.answer.load(Relaxed)).unwrap();
    (code, [(header::LOCATION, format!("http://{}/elsewhere", fake.address))])
}

async fn elsewhere(Shared(fake): Shared<Fake>) {
    fake.got.lock().unwrap().push(json!("followed a redirect"));
}

impl Fake {
    async fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Fake { got: Arc::default(), told: Arc::default(), answer: Arc::new(200.into()), address };
        let router =
            Router::new().route("/hook", post(take)).route("/elsewhere", post(elsewhere).get(elsewhere));
        tokio::spawn(axum::serve(listener, router.with_state(fake.clone())).into_future());
        fake
    }

    /// Waits until so many came.
    async fn got(&self, count: usize) -> Vec<Value> {
        tokio::time::timeout(SOON, async {
            while self.got.lock().unwrap().len() < count {
                self.told.notified().await;
            }
        })
        .await
        .expect("in time");
        self.got.lock().unwrap().clone()
    }
}

fn process(url: &str) -> Process {
    let flags = [("alerts.url".to_owned(), url.to_owned())];
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &flags)).unwrap();
    let drain = Drain::new(Duration::from_secs(5));
    let process = Process::new(Role::Models, Arc::new(settings), drain, Metrics::default());
    process.drain.spawn("breaker changes", |stop| ops::listen::breakers(process.clone(), stop));
    process.drain.spawn("alerts", |stop| run(process.clone(), stop));
    process
}

fn breaker(process: &Process, name: &str) -> Breaker {
    process.guards.breaker(name, Config::provider())
}

fn trip(breaker: &Breaker) {
    for _ in 0..5 {
        breaker.acquire().unwrap().record(Outcome::Failure);
    }
}

#[tokio::test]
async fn a_transition_is_posted_once_a_minute_and_another_one_at_once() {
    let fake = Fake::start().await;
    let process = process(&format!("http://{}/hook", fake.address));
    let openai = breaker(&process, "openai");
    for _ in 0..3 {
        trip(&openai);
        openai.reset();
    }
    trip(&breaker(&process, "groq")); // the last one: what came before is decided
    let mut got = fake.got(3).await;
    assert_eq!(got.len(), 3, "opened and closed again three times, told once each: {got:#?}");
    got.sort_by_key(|alert| alert["breaker"].to_string() + &alert["to"].to_string());
    let seen: Vec<_> =
        got.iter().map(|a| (a["breaker"].as_str().unwrap(), a["to"].as_str().unwrap())).collect();
    assert_eq!(seen, [("groq", "OPEN"), ("openai", "CLOSED"), ("openai", "OPEN")]);
    assert_eq!((&got[2]["service"], &got[2]["from"]), (&json!("models"), &json!("CLOSED")));
    assert_eq!(got[2]["cause"], "failures_in_a_row");
    assert_eq!(got[2]["text"], "Circuit openai of models went from CLOSED to OPEN (failures_in_a_row).");
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn a_receiver_that_fails_is_left_alone_and_a_redirect_is_not_followed() {
    let fake = Fake::start().await;
    fake.answer.store(307, Relaxed);
    let process = process(&format!("http://{}/hook", fake.address));
    for name in ["a", "b", "c", "d"] {
        trip(&breaker(&process, name));
    }
    let own = async {
        loop {
            let found = process.guards.breakers_named(BREAKER);
            if found.iter().any(|own| own.snapshot().rejected >= 2) {
                return found[0].snapshot();
            }
            tokio::task::yield_now().await;
        }
    };
    let own = tokio::time::timeout(SOON, own).await.expect("in time");
    assert_eq!((own.state, own.failures), (State::Open, 2));
    let got = fake.got(2).await;
    assert_eq!(got.len(), 2, "two were sent, none was followed or told of its own breaker: {got:#?}");
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn nothing_waits_for_a_receiver_that_hangs_and_it_ends_with_the_process() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap(); // accepts by backlog, never answers
    let process = process(&format!("http://{}/hook", listener.local_addr().unwrap()));
    let openai = breaker(&process, "openai");
    trip(&openai);
    let (_held, _) = tokio::time::timeout(SOON, listener.accept()).await.expect("in time").unwrap();
    openai.reset();
    trip(&openai);
    assert_eq!(openai.snapshot().state, State::Open);
    let began = Instant::now();
    process.drain.finish().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "the grace period is five seconds, a POST's too");
}

#[tokio::test]
async fn without_a_url_nothing_is_sent_and_the_task_ends() {
    let drain = Drain::new(Duration::from_secs(5));
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &[])).unwrap();
    let process = Process::new(Role::Models, Arc::new(settings), drain, Metrics::default());
    run(process.clone(), process.drain.stopping()).await.unwrap();
    assert!(process.guards.breakers_named(BREAKER).is_empty());
}
