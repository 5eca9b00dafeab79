use bsm_runtime::flags::Flags;
use bsm_runtime::guards::Guards;
use bsm_runtime::outside::{Declared, Destination, HttpClient, Server, Trust};
use bsm_stack::{breaker, bulkhead};
use std::time::Duration;

use super::*;

fn families(guards: &Guards) -> Families {
    let second = Duration::from_secs(1);
    let server = Server {
        name: "openai".to_owned(),
        deadline: second,
        attempt: second,
        breaker: breaker::Config::provider(),
        bulkhead: bulkhead::Config::default(),
        classifier: HttpClassifier,
    };
    let destination = Destination { name: "openai", url: "http://127.0.0.1:1", declared: Declared::ByUrl };
    let client = HttpClient::new(destination, second, Trust::Nobody, guards.egress()).unwrap();
    Families::new(InParts::new(server, client, guards), guards.clone(), "gpt-4o", Vec::new())
}

fn names(guards: &Guards) -> Vec<String> {
    guards.breakers().into_iter().map(|breaker| breaker.name.to_string()).collect()
}

#[test]
fn models_of_one_family_share_a_breaker_and_all_families_share_the_other_guards() {
    let guards = Guards::new(Flags::default());
    let families = families(&guards);
    assert_eq!(names(&guards), ["openai/gpt-4o"], "the configured one is there from the start");
    for model in ["gpt-4o-2024-08-06", "gpt-4o-mini", "gpt-4o", "gpt-4o-mini-2024-07-18"] {
        families.way(model);
    }
    assert_eq!(names(&guards), ["openai/gpt-4o", "openai/gpt-4o-mini"]);
    assert_eq!((guards.bulkheads().len(), guards.retry_budgets().len()), (1, 1));
}

#[test]
fn looking_at_a_model_makes_no_family_of_it() {
    let guards = Guards::new(Flags::default());
    let families = families(&guards);
    assert!(families.known("gpt-4o-2024-08-06").is_some() && families.known("o3").is_none());
    assert_eq!(names(&guards).len(), 1);
}

#[test]
fn whatever_callers_name_the_families_are_bounded_and_those_too_late_share_one() {
    let guards = Guards::new(Flags::default());
    let families = families(&guards);
    for n in 0..1000 {
        families.way(&format!("no\nsuch\"model{n}"));
    }
    let names = names(&guards);
    assert_eq!((names.len(), names[MOST_FAMILIES].as_str()), (MOST_FAMILIES + 1, "openai others"));
    assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_graphic() && c != '"' || c == ' ')));
    assert_eq!(&*families.way("model-1234").outside.breaker().snapshot().name, "openai others");
    assert_eq!(&*families.way("gpt-4o-2024-11-20").outside.breaker().snapshot().name, "openai/gpt-4o");
}
