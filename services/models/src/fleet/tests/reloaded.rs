//! One file after another.

use bsm_stack::breaker::Mode;

use super::*;

const EDITED: &str = "providers:
  paid: { wire: openai, base_url: 'http://127.0.0.1:1', model: m, keys: [PAID_ONE, PAID_TWO] }
  ours: { wire: openai, base_url: 'http://127.0.0.1:1', model: other, local: true, limits: { in_flight: 3 } }
families:
  default: { models: [ours] }
";

fn guards(process: &Process) -> Vec<String> {
    let breakers = process.guards.breakers().into_iter().map(|guard| guard.name.to_string());
    let bulkheads =
        process.guards.bulkheads().into_iter().map(|guard| format!("{} {}", guard.name, guard.max_in_flight));
    breakers.chain(bulkheads).collect()
}

fn same(one: &Fleet, other: &Fleet, name: &str) -> bool {
    match (one.provider(name), other.provider(name)) {
        (Some(Provider::Remote(one)), Some(Provider::Remote(other))) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

#[test]
fn who_did_not_change_is_the_same_and_who_did_begins_anew_with_its_guards_in_place_of_the_old_ones() {
    let file = File::with(TWO).variable("PAID_ONE", "sk-one");
    let (builder, process) = file.builder();
    let before = builder.build().unwrap();
    assert_eq!(guards(&process), ["paid/m", "ours/m", "offline 4", "paid 10", "ours 10"]);
    process.guards.breakers_named("paid/m")[0].set_mode(Mode::ForcedOpen);
    file.write(EDITED);
    let after = builder.build().unwrap();
    assert!(same(&before, &after, "paid") && !same(&before, &after, "ours"));
    assert_eq!(guards(&process), ["paid/m", "ours/other", "offline 4", "paid 10", "ours 3"]);
    let paid = process.guards.breakers_named("paid/m")[0].snapshot();
    assert_eq!(paid.mode, Mode::ForcedOpen, "what an operator set stays set");
    assert_eq!(process.guards.retry_budgets().len(), 2);

    file.write("providers:\n  paid: { model: m2 }\n");
    let refused = builder.build().unwrap_err().to_string();
    assert!(refused.contains("providers.paid.wire: this field is missing"), "{refused}");
    assert_eq!(
        guards(&process),
        ["paid/m", "ours/other", "offline 4", "paid 10", "ours 3"],
        "all is as before"
    );

    file.write("routes: {}\n");
    let gone = builder.build().unwrap();
    assert_eq!((names(&gone).len(), guards(&process)), (0, vec!["offline 4".to_owned()]));
}

#[tokio::test]
async fn an_edit_is_in_force_for_the_next_call_and_a_call_under_way_keeps_what_it_began_with() {
    let file = File::with(TWO).variable("PAID_ONE", "sk-one");
    let process = process(file.settings());
    let fleets = open(&process).await.unwrap();
    let hints = Hints::default();
    let question = Question::about(None, &hints, false);
    let begun = fleets.current();
    let first = |fleet: &Fleet| fleet.candidates(&question).unwrap()[0].provider.to_string();
    assert_eq!(first(&begun), "openai");
    file.write(EDITED);
    until("the edit is in force", || first(&fleets.current()) == "ours").await;
    assert_eq!(first(&begun), "openai", "whoever began before sees what was");

    file.write("families:\n  default: { models: [nobody] }\n");
    until("the mistake is told", || !process.degraded.notes().is_empty()).await;
    assert_eq!(first(&fleets.current()), "ours", "the last good one stays in force");
    assert!(process.degraded.notes().concat().contains("models were edited and are not usable"));
    assert!(process.metrics.render().contains("bsm_reload_failures_total{what=\"models\"} 1"));

    file.write(TWO);
    until("it is mended", || first(&fleets.current()) == "openai").await;
    assert_eq!(process.degraded.notes(), Vec::<String>::new());
    process.drain.finish().await.unwrap();
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}
