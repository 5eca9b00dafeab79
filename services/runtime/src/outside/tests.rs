//! A server on loopback that does as scripted, and the stack toward it. Real sockets, so real time.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, response::IntoResponse};
use bsm_stack::{
    Deadline, HttpClassifier, Outcome,
    breaker::{Judge, State as Circuit},
    retry::Upstream,
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode};
use tokio::{net::TcpListener, sync::watch, time::Instant};

mod egress;

use super::*;
use crate::{
    call::Call,
    client::{self, Patience, Traffic},
    flags::{Flag, Flags, Percent},
    role::Role,
};

/// Not for ever, even on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

/// What the server does with one call.
#[derive(Clone, Copy)]
enum Act {
    Says(u16, &'static [(&'static str, &'static str)]),
    Hangs,
    HangsAfterItsHead,
}

/// Plays its script, the last act again and again.
#[derive(Clone)]
struct Fake {
    url: String,
    script: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
    left: watch::Sender<usize>,
}

/// Counts a call as left when it is dropped.
struct Watcher(watch::Sender<usize>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.send_modify(|left| *left += 1);
    }
}

async fn play(State(fake): State<Fake>, headers: HeaderMap) -> axum::response::Response {
    fake.seen.lock().unwrap().push(headers);
    let act = {
        let mut script = fake.script.lock().unwrap();
        if script.len() > 1 { script.pop_front().unwrap() } else { script[0] }
    };
    let watcher = Watcher(fake.left.clone());
    match act {
        Act::Says(status, headers) => {
            std::mem::forget(watcher);
            let mut response = (StatusCode::from_u16(status).unwrap(), "said").into_response();
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
        Act::Hangs => {
            std::future::pending::<()>().await;
            drop(watcher);
            unreachable!("it is dropped instead")
        }
        Act::HangsAfterItsHead => {
            let first = stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"first")) });
            let body = first.chain(stream::pending()).inspect(move |_| {
                let _ = &watcher;
            });
            axum::body::Body::from_stream(body).into_response()
        }
    }
}

impl Fake {
    async fn start(script: impl IntoIterator<Item = Act>) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ask", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        let fake = Fake { url, script, seen: Arc::default(), left: watch::Sender::new(0) };
        let router = Router::new().fallback(play).with_state(fake.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        fake
    }

    fn asked(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    async fn is_asked(&self) {
        while self.asked() == 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn left(&self) -> usize {
        *self.left.subscribe().wait_for(|left| *left > 0).await.unwrap()
    }

    fn question(&self) -> Request<Bytes> {
        Request::post(&self.url).body(Bytes::from_static(b"question")).unwrap()
    }
}

fn server() -> Server<HttpClassifier> {
    Server {
        name: "openai".to_owned(),
        deadline: SOON,
        attempt: SOON,
        breaker: breaker::Config::provider(),
        bulkhead: bulkhead::Config { max_in_flight: 10, max_queue: 10 },
        classifier: HttpClassifier,
    }
}

fn to(url: &str, server: Server<HttpClassifier>, guards: &Guards) -> Outside {
    let destination = Destination { name: "openai", url, declared: Declared::ByUrl };
    let client = HttpClient::new(destination, Duration::from_secs(5), Trust::Nobody, guards.egress());
    Outside::to(server, client.unwrap(), guards)
}

/// Guards with these flags switched off.
fn without(off: &[Flag]) -> Guards {
    let guards = Guards::new(Flags::default());
    for flag in off {
        guards.set_flag(*flag, Percent::NONE).unwrap();
    }
    guards
}

/// The status of an answer, or the trouble.
async fn ask(outside: &Outside, request: Request<Bytes>) -> Result<u16, Trouble> {
    match outside.ask(request).await {
        Ok(answer) => Ok(answer.status().as_u16()),
        Err(error) => Err(Trouble::of(&*error)),
    }
}

#[tokio::test]
async fn what_says_that_nothing_was_produced_is_asked_again_and_counted() {
    let fake = Fake::start([Act::Says(503, &[]), Act::Says(529, &[]), Act::Says(200, &[])]).await;
    let guards = without(&[]);
    let answer = to(&fake.url, server(), &guards).ask(fake.question()).await.unwrap();
    assert_eq!((answer.status().as_u16(), fake.asked()), (200, 3));
    assert_eq!(answer.extensions().get::<Attempts>(), Some(&Attempts(3)));
    assert!(answer.extensions().get::<Took>().is_some());
    let budget = &guards.retry_budgets()[0];
    assert_eq!((&*budget.name, budget.asked, budget.sent), ("openai", 1, 2));
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "said");
    assert_eq!((guards.breakers()[0].successes, guards.breakers()[0].failures), (1, 2), "its end judged it");
}

#[tokio::test]
async fn what_may_have_been_paid_for_and_what_the_caller_did_wrong_is_asked_once() {
    for act in [Act::Says(504, &[]), Act::Says(400, &[]), Act::Says(401, &[]), Act::Says(429, &[])] {
        let fake = Fake::start([act]).await;
        ask(&to(&fake.url, server(), &without(&[])), fake.question()).await.unwrap();
        assert_eq!(fake.asked(), 1);
    }
    let fake = Fake::start([Act::Hangs]).await;
    let hasty = Server { attempt: Duration::from_millis(50), ..server() };
    let slow = ask(&to(&fake.url, hasty, &without(&[])), fake.question()).await.unwrap_err();
    assert_eq!(slow, Trouble::Slow { after: Duration::from_millis(50) });
    assert_eq!(fake.asked(), 1);
    assert_eq!(fake.left().await, 1, "an attempt that timed out is ended at the server");
}

#[tokio::test]
async fn who_asks_to_come_back_soon_is_asked_then_and_who_asks_for_days_is_not_waited_for() {
    let fake = Fake::start([Act::Says(429, &[("retry-after", "1")]), Act::Says(200, &[])]).await;
    let began = Instant::now();
    assert_eq!(ask(&to(&fake.url, server(), &without(&[])), fake.question()).await, Ok(200));
    assert!(began.elapsed() >= Duration::from_secs(1));
    let fake = Fake::start([Act::Says(429, &[("retry-after", "999999")])]).await;
    assert_eq!(ask(&to(&fake.url, server(), &without(&[])), fake.question()).await, Ok(429));
    let fake = Fake::start([Act::Says(429, &[("retry-after", "1")])]).await;
    let mut hurried = fake.question();
    hurried.extensions_mut().insert(Deadline::after(Duration::from_millis(900)));
    assert_eq!(
        ask(&to(&fake.url, server(), &without(&[])), hurried).await,
        Ok(429),
        "the deadline would pass first"
    );
    assert_eq!(fake.asked(), 1);
}

#[tokio::test]
async fn only_one_hop_retries_and_none_where_the_flag_is_off() {
    let fake = Fake::start([Act::Says(503, &[])]).await;
    let mut retried_above = fake.question();
    retried_above.extensions_mut().insert(Upstream);
    assert_eq!(ask(&to(&fake.url, server(), &without(&[])), retried_above).await, Ok(503));
    assert_eq!(fake.asked(), 1);
    assert_eq!(ask(&to(&fake.url, server(), &without(&[Flag::Retry])), fake.question()).await, Ok(503));
    assert_eq!(fake.asked(), 2);
}

#[tokio::test]
async fn flags_choose_by_the_calls_id_which_never_leaves_the_mesh() {
    let fake = Fake::start([Act::Says(503, &[])]).await;
    let guards = without(&[]);
    guards.set_flag(Flag::Retry, Percent::new(50).unwrap()).unwrap();
    let outside = to(&fake.url, server(), &guards);
    let inside = |id: &&String| guards.flags().admits(Flag::Retry, Some(id));
    let ids: Vec<String> = (0..20).map(|n| format!("call-{n}")).collect();
    let [retried, not] = [ids.iter().find(inside).unwrap(), ids.iter().find(|id| !inside(id)).unwrap()];
    for (id, asked) in [(not, 1), (retried, 1 + 3)] {
        let mut question = fake.question();
        Call::background(id).within(SOON).mark(&mut question);
        assert_eq!(ask(&outside, question).await, Ok(503));
        assert_eq!(fake.asked(), asked, "{id}");
    }
    for headers in fake.seen.lock().unwrap().iter() {
        let names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
        assert!(names.iter().all(|name| !name.starts_with("grpc") && !name.starts_with("x-")), "{names:?}");
        assert_eq!(headers["content-length"], "8", "the server learns how long the body is");
    }
}

#[tokio::test]
async fn during_an_outage_retries_stay_within_the_budget() {
    let fake = Fake::start([Act::Says(500, &[])]).await;
    let outside = to(&fake.url, server(), &without(&[Flag::CircuitBreaker])); // which would end them sooner
    let (began, calls) = (Instant::now(), 60);
    for _ in 0..calls {
        assert_eq!(ask(&outside, fake.question()).await, Ok(500));
    }
    let by_time = 10.0 * (began.elapsed().as_secs_f64() + 1.0);
    let retries = fake.asked() - calls;
    assert!(retries > 0 && retries as f64 <= calls as f64 / 10.0 + by_time, "{retries} in {by_time}");
}

#[tokio::test]
async fn a_server_that_fails_is_left_alone_unless_the_flag_says_otherwise() {
    let fake = Fake::start([Act::Says(500, &[])]).await;
    let guards = without(&[Flag::Retry]);
    let outside = to(&fake.url, server(), &guards);
    for _ in 0..5 {
        assert_eq!(ask(&outside, fake.question()).await, Ok(500));
    }
    let refused = ask(&outside, fake.question()).await;
    assert!(matches!(refused, Err(Trouble::CircuitOpen { retry_in }) if retry_in <= Duration::from_secs(33)));
    assert_eq!((fake.asked(), guards.breakers()[0].state), (5, Circuit::Open));
    guards.set_flag(Flag::CircuitBreaker, Percent::NONE).unwrap();
    assert_eq!(ask(&outside, fake.question()).await, Ok(500), "asked although it is open");
}

#[tokio::test]
async fn who_opens_the_circuit_amid_its_attempts_hears_the_servers_last_word() {
    let hasty = |url: &str| {
        let breaker = breaker::Config { consecutive_failures: 2, ..breaker::Config::provider() };
        to(url, Server { breaker, ..server() }, &without(&[]))
    };
    let fake = Fake::start([Act::Says(503, &[("x-said", "busy")])]).await;
    let outside = hasty(&fake.url);
    let answer = outside.ask(fake.question()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["x-said"].as_bytes()), (503, &b"busy"[..]));
    assert_eq!((answer.extensions().get(), fake.asked()), (Some(&Attempts(2)), 2), "no third was made");
    assert!(matches!(ask(&outside, fake.question()).await, Err(Trouble::CircuitOpen { .. })));

    let nobody = Request::post(format!("{NOBODY}/x")).body(Bytes::new()).unwrap();
    let error = hasty(NOBODY).ask(nobody).await.unwrap_err();
    assert_eq!(error.downcast_ref::<GaveUp>().unwrap().attempts, 2);
    assert_eq!(Trouble::of(&*error), Trouble::Unreachable(Some(std::io::ErrorKind::ConnectionRefused)));
}

#[tokio::test]
async fn a_success_is_judged_by_its_reader() {
    let fake = Fake::start([Act::Says(200, &[])]).await;
    let guards = without(&[]);
    let outside = to(&fake.url, server(), &guards);
    for _ in 0..5 {
        let answer = outside.ask(fake.question()).await.unwrap();
        let permit = answer.extensions().get::<Judge>().and_then(Judge::take).unwrap();
        answer.into_body().collect().await.unwrap();
        permit.record(Outcome::Failure); // it was HTML
    }
    assert_eq!(guards.breakers()[0].state, Circuit::Open);
}

#[tokio::test]
async fn more_calls_than_fit_are_refused_and_without_the_flag_all_are_sent() {
    let fake = Fake::start([Act::Hangs]).await;
    let narrow = || Server { bulkhead: bulkhead::Config { max_in_flight: 1, max_queue: 0 }, ..server() };
    let guards = without(&[]);
    let outside = to(&fake.url, narrow(), &guards);
    let held = tokio::spawn(outside.stack().oneshot(fake.question()));
    fake.is_asked().await;
    let full = ask(&outside, fake.question()).await;
    assert_eq!(full, Err(Trouble::Full { in_flight: 1, waiting: 0 }));
    assert_eq!(guards.bulkheads()[0].rejected_total, 1);
    guards.set_flag(Flag::Bulkhead, Percent::NONE).unwrap();
    let second = tokio::spawn(outside.stack().oneshot(fake.question()));
    while fake.asked() < 2 {
        tokio::task::yield_now().await;
    }
    held.abort();
    second.abort();
    assert!(fake.left().await >= 1, "who leaves ends the call at the server");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_refused_connection_was_never_used() {
    let fake = Fake::start([Act::Says(307, &[("location", "/elsewhere")])]).await;
    let guards = without(&[]);
    assert_eq!(ask(&to(&fake.url, server(), &guards), fake.question()).await, Ok(307));
    assert_eq!((fake.asked(), guards.breakers()[0].failures), (1, 1), "it is no answer");

    let guards = without(&[]);
    let nobody = Request::post(format!("{NOBODY}/x?key=secret")).body(Bytes::new()).unwrap();
    let error = to(NOBODY, server(), &guards).ask(nobody).await.unwrap_err();
    assert_eq!(Trouble::of(&*error), Trouble::Unreachable(Some(std::io::ErrorKind::ConnectionRefused)));
    assert_eq!(guards.breakers()[0].failures, 3, "nothing was sent, so it was tried again");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[tokio::test]
async fn a_body_that_hangs_ends_at_the_deadline_and_says_nothing_about_the_server() {
    let fake = Fake::start([Act::HangsAfterItsHead]).await;
    let guards = without(&[]);
    let outside = to(&fake.url, Server { deadline: Duration::from_millis(200), ..server() }, &guards);
    let error = outside.ask(fake.question()).await.unwrap().into_body().collect().await.unwrap_err();
    assert_eq!(Trouble::of(&*error), Trouble::Late);
    assert_eq!(fake.left().await, 1);
    assert_eq!((guards.breakers()[0].failures, guards.bulkheads()[0].in_flight), (0, 0));
}

/// A peer that takes connections, by its backlog, and never says anything.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Time is paused: it passes when nobody has anything to do, and so whatever waits for ever is found out.
#[test]
fn a_stream_lasts_as_long_as_its_follower_asks_whoever_is_followed() {
    for to in Role::ALL {
        assert_eq!(Patience::toward(to, Traffic::Streams).deadline, crate::follow::LAP, "{to}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_edge_is_without_a_deadline() {
    let (_peer, url) = silent().await;
    let forever = Duration::from_secs(30 * 24 * 60 * 60);
    for (from, to) in Role::ALL.into_iter().flat_map(|from| Role::ALL.map(|to| (from, to))) {
        for traffic in [Traffic::Calls, Traffic::Streams] {
            let edge = client::edge(from, to, traffic, &url, &Guards::default()).unwrap();
            let request = Request::post("/bsm.x.v1.X/Y").body(tonic::body::Body::empty()).unwrap();
            let began = Instant::now();
            let ended = tokio::time::timeout(forever, edge.oneshot(request)).await;
            let answer = ended.unwrap_or_else(|_| panic!("{from}->{to} {traffic:?} waits for ever"));
            assert!(answer.unwrap().headers().contains_key("grpc-status"));
            let patience = Patience::toward(to, traffic).deadline;
            assert!(
                began.elapsed() <= patience + Duration::from_secs(1),
                "{from}->{to}: {:?}",
                began.elapsed()
            );
        }
    }
    let outside = to(&url, Server { attempt: forever, ..server() }, &without(&[]));
    let question = Request::post(&url).body(Bytes::new()).unwrap();
    let ended = tokio::time::timeout(forever, outside.ask(question)).await.expect("it waits for ever");
    assert_eq!(Trouble::of(&*ended.unwrap_err()), Trouble::Late);
}
