//! The books against a model that keeps every call and adds them up anew each time.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_800_000_000_000 - 1_800_000_000_000 % 86_400_000;

fn limits(lines: &[&str]) -> Limits {
    let rules: Vec<Rule> = lines.iter().map(|line| line.parse().unwrap()).collect();
    Limits::new(&rules)
}

fn account(caller: &str) -> Account {
    Account { caller: caller.to_owned(), agent: None, job: None }
}

fn calls(requests: u64) -> Amount {
    Amount { requests, ..Amount::default() }
}

#[test]
fn a_limit_of_ten_lets_ten_through_and_says_when_to_come_again() {
    let mut books = Books::new(limits(&["key 10 requests/minute"]));
    let held: Vec<_> = (0..10).map(|_| books.reserve(&account("k"), calls(1), NOW).unwrap()).collect();
    let refused = books.reserve(&account("k"), calls(1), NOW + 12_000).unwrap_err();
    assert_eq!((refused.left, refused.turns_in), (0, Some(Duration::from_secs(48))));
    assert_eq!(refused.budget(), "key k 10 requests/minute");
    let sentence = "the budget of key k is 10 requests a minute; 0 are left, this call may take 1, and it begins anew \
                    in 48 s";
    assert_eq!(refused.to_string(), sentence);
    assert!(books.reserve(&account("other"), calls(1), NOW).is_ok(), "each key has its own");
    held.into_iter().for_each(|reservation| books.settle(reservation, calls(1)));
    assert!(books.reserve(&account("k"), calls(1), NOW + 59_999).is_err());
    assert!(books.reserve(&account("k"), calls(1), NOW + 60_000).is_ok(), "a new minute");
}

#[test]
fn a_call_is_refused_when_any_of_its_budgets_is_and_holds_nothing_then() {
    let mut books =
        Books::new(limits(&["key 5 requests/day", "agent a 1 requests/day", "job 100 tokens/minute"]));
    let of = |agent: Option<&str>, job: Option<&str>| Account {
        agent: agent.map(str::to_owned),
        job: job.map(str::to_owned),
        ..account("k")
    };
    let want = Amount { requests: 1, tokens: 60, nanos: 0 };
    let first = books.reserve(&of(Some("a"), Some("j")), want, NOW).unwrap();
    let by_agent = books.reserve(&of(Some("a"), Some("j2")), want, NOW).unwrap_err();
    assert_eq!((by_agent.kind, by_agent.name.as_str()), (Kind::Agent, "a"));
    let by_job = books.reserve(&of(None, Some("j")), want, NOW).unwrap_err();
    assert_eq!((by_job.kind, by_job.measure, by_job.left), (Kind::Job, Measure::Tokens, 40));
    assert!(books.tallies(NOW).iter().all(|tally| tally.held <= 60 && tally.used == 0));
    books.settle(first, calls(1));
    assert!(books.reserve(&of(None, Some("j")), want, NOW).is_ok(), "it took fewer tokens than was thought");
    let never = books.reserve(&of(None, Some("j")), Amount { tokens: 101, ..want }, NOW).unwrap_err();
    assert_eq!(never.turns_in, None);
    assert!(
        never.to_string().ends_with("so it never fits; ask for less: a shorter prompt, a smaller max_tokens"),
        "{never}"
    );
}

#[test]
fn what_was_used_before_a_restart_counts() {
    let mut books = Books::new(limits(&["key 3 requests/day", "key 2 requests/minute"]));
    books.restore(&account("k"), Window::Day, calls(2), NOW);
    books.restore(&account("k"), Window::Minute, calls(1), NOW);
    let _held = books.reserve(&account("k"), calls(1), NOW).unwrap();
    let refused = books.reserve(&account("k"), calls(1), NOW).unwrap_err();
    assert_eq!(refused.window, Window::Day, "the one to wait for longest");
    assert!(books.reserve(&account("k"), calls(1), NOW + Window::Day.ms()).is_ok());
}

#[test]
fn a_clock_that_is_set_back_opens_no_window_again() {
    let mut books = Books::new(limits(&["key 1 requests/minute"]));
    let held = books.reserve(&account("k"), calls(1), NOW).unwrap();
    books.settle(held, calls(1));
    assert!(books.reserve(&account("k"), calls(1), NOW - 120_000).is_err());
}

#[test]
fn tallies_of_the_past_are_forgotten() {
    let mut books = Books::new(limits(&["job 1 requests/day"]));
    let job = |n: usize| Account { job: Some(format!("j{n}")), ..account("k") };
    for n in 0..5_000 {
        let held = books.reserve(&job(n), calls(1), NOW).unwrap();
        books.settle(held, calls(1));
    }
    for n in 0..20_000 {
        let held = books.reserve(&job(n), calls(1), NOW + Window::Day.ms() * (1 + n as i64 / 1_000)).unwrap();
        books.settle(held, calls(1));
    }
    assert!(books.tallies(NOW + Window::Day.ms() * 20).len() < 11_000);
}

/// One call of the model.
#[derive(Clone, Copy, Debug)]
struct Entry {
    account: usize,
    at: i64,
    counts: Amount,
}

#[derive(Clone, Debug)]
enum Step {
    Reserve { account: usize, tokens: u64, nanos: u64 },
    Settle { which: usize, tokens: u64, nanos: u64 },
    Withdraw { which: usize },
    Pass { ms: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..4usize, 0..60u64, 0..60u64).prop_map(|(account, tokens, nanos)| Step::Reserve { account, tokens, nanos }),
        3 => (0..9usize, 0..90u64, 0..90u64).prop_map(|(which, tokens, nanos)| Step::Settle { which, tokens, nanos }),
        1 => (0..9usize).prop_map(|which| Step::Withdraw { which }),
        1 => (1..50_000i64).prop_map(|ms| Step::Pass { ms }),
    ];
    proptest::collection::vec(step, 1..80)
}

fn accounts() -> [Account; 4] {
    let of = |caller: &str, agent: Option<&str>, job: Option<&str>| Account {
        caller: caller.into(),
        agent: agent.map(Into::into),
        job: job.map(Into::into),
    };
    [of("k", None, None), of("k", Some("a"), Some("j")), of("m", Some("a"), None), of("m", None, Some("j"))]
}

/// What one subject has taken in the window of `now`, added up from every call there was.
fn taken(calls: &[Entry], kind: Kind, name: &str, window: Window, now: i64) -> Amount {
    let accounts = accounts();
    let counted = calls.iter().filter(|call| {
        window.began(call.at) == window.began(now)
            && accounts[call.account].subjects().any(|subject| subject == (kind, name))
    });
    counted.fold(Amount::default(), |sum, call| sum.plus(call.counts))
}

proptest! {
    #[test]
    fn no_order_of_calls_gets_past_a_limit_and_the_books_say_what_the_calls_add_up_to(steps in steps()) {
        let limits = limits(&[
            "key 4 requests/minute", "key 200 tokens/day", "key m 3 requests/minute", "agent 150 tokens/minute",
            "job 0.00000015 usd/day", "job 6 requests/day",
        ]);
        let (mut books, mut now) = (Books::new(limits.clone()), NOW);
        let (mut calls, mut open): (Vec<Entry>, Vec<(Reservation, usize)>) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Pass { ms } => now += ms,
                Step::Reserve { account, tokens, nanos } => {
                    let wanted = Amount { requests: 1, tokens, nanos };
                    let fits = accounts()[account].subjects().all(|(kind, name)| {
                        limits.of(kind, name).all(|(measure, window, limit)| {
                            let want = wanted.of(measure);
                            want == 0 || taken(&calls, kind, name, window, now).of(measure) + want <= limit
                        })
                    });
                    let admitted = books.reserve(&accounts()[account], wanted, now);
                    prop_assert_eq!(admitted.is_ok(), fits, "{:?}", admitted);
                    if let Ok(reservation) = admitted {
                        open.push((reservation, calls.len()));
                        calls.push(Entry { account, at: now, counts: wanted });
                    }
                }
                Step::Settle { which, tokens, nanos } if !open.is_empty() => {
                    let (reservation, call) = open.swap_remove(which % open.len());
                    let took = Amount { requests: 1, tokens, nanos };
                    calls[call].counts = took;
                    books.settle(reservation, took);
                }
                Step::Withdraw { which } if !open.is_empty() => {
                    let (reservation, call) = open.swap_remove(which % open.len());
                    calls[call].counts = Amount::default();
                    books.settle(reservation, Amount::default());
                }
                Step::Settle { .. } | Step::Withdraw { .. } => {}
            }
            for tally in books.tallies(now) {
                let model = taken(&calls, tally.kind, &tally.name, tally.window, now).of(tally.measure);
                prop_assert_eq!(tally.used + tally.held, model, "{:?}", tally);
            }
        }
        open.into_iter().for_each(|(reservation, _)| books.settle(reservation, Amount::default()));
        prop_assert!(books.tallies(now).iter().all(|tally| tally.held == 0), "what was reserved is settled");
    }
}
