use std::convert::Infallible;

use http::Request;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use super::*;

fn percent(n: u64) -> Percent {
    Percent::new(n).unwrap()
}

fn ids() -> impl Iterator<Item = String> {
    (0..10_000).map(|n| format!("call-{n}"))
}

#[test]
fn the_share_of_an_id_never_changes() {
    // Written down once: a change of these numbers is a change of who is in a canary.
    let shares = Flag::ALL.map(|flag| bucket::of(flag, "0190f3a2-7c1e-7b60-8a3e-5d1f00c0ffee"));
    assert_eq!(shares, [89, 68, 29, 71, 25]);
    assert_eq!(["", "a", "pr-12.a_B"].map(|id| bucket::of(Flag::Retry, id)), [45, 94, 80]);
}

#[test]
fn a_call_that_is_inside_stays_inside_as_the_share_grows() {
    let flags = Flags::default();
    let mut inside = vec![false; ids().count()];
    for share in 0..=100 {
        flags.set(Flag::Retry, percent(share)).unwrap();
        for (id, was) in ids().zip(&mut inside) {
            let is = flags.admits(Flag::Retry, Some(&id));
            assert!(is || !*was, "{id} fell out at {share} %");
            *was = is;
        }
    }
    assert!(inside.iter().all(|inside| *inside));
}

#[test]
fn a_share_is_about_as_many_calls_and_flags_choose_apart() {
    let flags = Flags::new([percent(10); 5]);
    for flag in Flag::ALL {
        let inside = ids().filter(|id| flags.admits(flag, Some(id))).count();
        assert!((850..=1150).contains(&inside), "{flag}: {inside} of 10,000 at 10 %");
    }
    let both =
        ids().filter(|id| flags.admits(Flag::Retry, Some(id)) && flags.admits(Flag::Hedging, Some(id)));
    assert!((50..=150).contains(&both.count()));
}

#[test]
fn none_is_none_and_all_is_all_with_or_without_an_id() {
    let flags = Flags::new([Percent::NONE; 5]);
    assert!(!flags.admits(Flag::Bulkhead, None) && !flags.admits(Flag::Bulkhead, Some("a")));
    flags.set(Flag::Bulkhead, percent(1)).unwrap();
    assert!(flags.admits(Flag::Bulkhead, None), "without an id a canary decides nothing: guarded");
    assert!(Flags::default().admits(Flag::Bulkhead, Some("a")));
    assert_eq!(Percent::new(101), None);
}

#[test]
fn a_change_is_there_after_a_restart_and_the_settings_rule_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("models/flags.json");
    let flags = Flags::default();
    flags.restore(file.clone()).unwrap();
    assert_eq!(flags.set(Flag::Retry, percent(25)).unwrap(), Percent::ALL);
    assert_eq!(flags.set(Flag::Bulkhead, Percent::NONE).unwrap(), Percent::ALL);
    assert_eq!(flags.set(Flag::Retry, percent(30)).unwrap(), percent(25));

    let again = Flags::new([percent(7); 5]);
    again.restore(file.clone()).unwrap();
    let found = Flag::ALL.map(|flag| again.get(flag).get());
    assert_eq!(found, [7, 7, 0, 30, 7]);
    let left: Vec<_> = std::fs::read_dir(file.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file is left: {left:?}");
}

#[test]
fn a_file_that_is_not_ours_is_refused_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("flags.json");
    for (text, problem) in [
        ("{", "not an object of JSON"),
        ("[1]", "not an object of JSON"),
        (r#"{"retry": 101}"#, "retry is 101; it must be a whole number from 0 to 100"),
        (r#"{"retri": 1}"#, "\"retri\" is not a flag; use one of circuit_breaker"),
    ] {
        std::fs::write(&file, text).unwrap();
        let err = Flags::default().restore(file.clone()).unwrap_err().to_string();
        assert!(err.contains(problem) && err.contains("flags.json") && err.contains("remove it"), "{err}");
    }
}

#[test]
fn what_cannot_be_kept_is_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let flags = Flags::default();
    flags.restore(dir.path().join("taken/flags.json")).unwrap();
    std::fs::write(dir.path().join("taken"), "a file where the folder should be").unwrap();
    flags.set(Flag::Retry, Percent::NONE).unwrap_err();
    assert_eq!(flags.get(Flag::Retry), Percent::ALL);
}

#[tokio::test]
async fn the_layer_tells_each_call_its_guards() {
    let flags = Flags::default();
    let service = ServiceBuilder::new().layer(SwitchesLayer::new(flags.clone())).service(service_fn(
        |request: Request<()>| async move { Ok::<_, Infallible>(Switches::of(request.extensions())) },
    ));
    let call = |id: &str| {
        let request = Request::builder().header(CORRELATION, id).body(()).unwrap();
        service.clone().oneshot(request)
    };
    assert_eq!(call("a").await.unwrap(), Switches::default());
    flags.set(Flag::Retry, percent(50)).unwrap();
    flags.set(Flag::CircuitBreaker, Percent::NONE).unwrap();
    for id in ids().take(50) {
        let switches = call(&id).await.unwrap();
        assert!(!switches.breaker && switches.bulkhead);
        assert_eq!(switches.retry, bucket::of(Flag::Retry, &id) < 50);
    }
}

const CORRELATION: http::HeaderName = crate::call::CORRELATION_HEADER;

#[test]
fn a_share_is_a_whole_number_from_0_to_100_with_or_without_its_sign() {
    for (text, share) in [("0", 0), ("10", 10), ("10%", 10), ("100 %", 100), ("+5", 5)] {
        assert_eq!(text.parse::<Percent>().unwrap().get(), share, "{text}");
    }
    for text in ["", "%", "-1", "1.5", "101", "abc", "10%%"] {
        assert!(text.parse::<Percent>().is_err(), "{text}");
    }
}
