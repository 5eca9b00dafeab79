use bsm_runtime::process::Process;

use super::*;

#[tokio::test]
async fn a_caller_who_leaves_before_the_answer_ends_the_call_upstream() {
    let provider = Scripted::start([Script::Hang]).await;
    let gateway = at(&provider);
    let question = ask("hi");
    tokio::select! {
        _ = gateway.complete(&question, caller()) => panic!("it hangs"),
        () = provider.asked() => {}
    }
    assert_eq!(provider.left().await, 1);
    assert_eq!(gateway.providers()[0].breaker, "CLOSED");
}

/// Calls that hold or await a slot at the provider.
fn held(process: &Process) -> usize {
    let bulkheads = process.guards.bulkheads();
    let openai = bulkheads.iter().find(|bulkhead| &*bulkhead.name == "openai").unwrap();
    openai.in_flight + openai.queued
}

#[tokio::test]
async fn a_stream_holds_its_slot_until_the_caller_leaves_and_that_ends_the_call_upstream() {
    let provider = Scripted::start([Script::Stream(deltas(&["a"]), Then::Hang)]).await;
    let process = process(settings(&provider.url, &["sk-first"]));
    let mut answered = Gateway::of(&process).unwrap().stream(&ask("hi"), caller()).await.unwrap();
    assert_eq!(answered.answer.next().await, Some(Ok(Piece::Delta("a".to_owned()))));
    assert_eq!(held(&process), 1);
    drop(answered);
    assert_eq!(held(&process), 0);
    assert_eq!(provider.left().await, 1);
}

#[tokio::test]
async fn callers_who_leave_give_their_slots_back() {
    let provider = Scripted::start([Script::Hang]).await;
    let process = process(settings(&provider.url, &["sk-first"]));
    let gateway = Gateway::of(&process).unwrap();
    let question = ask("hi");
    {
        let calls = (0..20).map(|_| gateway.complete(&question, caller()));
        let mut calls: futures_util::stream::FuturesUnordered<_> = calls.collect();
        assert!(futures_util::poll!(calls.next()).is_pending());
        assert_eq!(held(&process), 20, "10 in flight, 10 waiting");
    }
    assert_eq!(held(&process), 0);
}
