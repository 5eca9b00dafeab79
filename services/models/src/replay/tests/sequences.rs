//! Random sequences of everything that can happen to the shelf, against what must hold after each step. All of it
//! happens under one lock, so an order of threads is a sequence.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::time::Instant;

use super::super::shelf::{Found, Left, RunId, Shelf};
use super::*;

const LIMIT: usize = 20_000;

#[derive(Clone, Copy, Debug)]
enum Step {
    Open { key: u8, question: u8, exact: bool, fresh: bool, grace: bool },
    Grow { run: u8, by: u16 },
    Leave { run: u8 },
    Look { run: u8 },
    End { run: u8 },
    Fail { run: u8 },
    Clear { exact: bool },
    Pass { seconds: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_u8, 0..2_u8, any::<bool>(), prop::bool::weighted(0.1), any::<bool>())
            .prop_map(|(key, question, exact, fresh, grace)| Step::Open { key, question, exact, fresh, grace }),
        6 => (any::<u8>(), 0..8_000_u16).prop_map(|(run, by)| Step::Grow { run, by }),
        4 => any::<u8>().prop_map(|run| Step::Leave { run }),
        2 => any::<u8>().prop_map(|run| Step::Look { run }),
        3 => any::<u8>().prop_map(|run| Step::End { run }),
        1 => any::<u8>().prop_map(|run| Step::Fail { run }),
        1 => any::<bool>().prop_map(|exact| Step::Clear { exact }),
        2 => (1..100_000_u32).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// A run as its task and its readers know it.
#[derive(Debug, Default)]
struct Known {
    readers: usize,
    question: u8,
    spilled: bool,
    over: bool,
    /// The vacancy to look at again.
    look: Option<u64>,
}

struct World {
    shelf: Shelf<u64>,
    runs: BTreeMap<RunId, Known>,
    now: Instant,
}

impl World {
    fn new() -> Self {
        Self { shelf: Shelf::new(limits(LIMIT), 0), runs: BTreeMap::new(), now: Instant::now() }
    }

    /// A run that goes on, if there is any.
    fn pick(&mut self, at: u8) -> Option<(RunId, &mut Known)> {
        let live = self.runs.iter().filter(|(_, known)| !known.over).map(|(id, _)| *id);
        let live: Vec<RunId> = live.collect();
        let id = *live.get(usize::from(at) % live.len().max(1))?;
        Some((id, self.runs.get_mut(&id).unwrap()))
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Open { key, question, exact, fresh, grace } => {
                self.open(key, question, exact, fresh, grace)
            }
            Step::Grow { run, by } => {
                let Some((id, _)) = self.pick(run) else { return };
                let relief = self.shelf.grew(id, by.into());
                for spilled in relief.spilled {
                    let known = self.runs.values_mut().nth(spilled as usize).unwrap();
                    assert!(
                        !known.over && !known.spilled,
                        "only what is kept of a run is given up, and once"
                    );
                    known.spilled = true;
                }
            }
            Step::Leave { run } => {
                let Some((id, known)) = self.pick(run).filter(|(_, known)| known.readers > 0) else { return };
                known.readers -= 1;
                let (is_last, spilled) = (known.readers == 0, known.spilled);
                match self.shelf.leave(id) {
                    Left::Nothing => assert!(!is_last, "somebody else reads it"),
                    Left::Look(grace, vacancy) => {
                        assert!(is_last && !spilled && grace == HOUR);
                        self.runs.get_mut(&id).unwrap().look = Some(vacancy);
                    }
                    Left::End(_) => {
                        assert!(is_last);
                        self.runs.get_mut(&id).unwrap().over = true;
                    }
                }
            }
            Step::Look { run } => {
                let Some((id, known)) = self.pick(run) else { return };
                let Some(vacancy) = known.look.take() else { return };
                let readers = known.readers;
                if self.shelf.look_again(id, vacancy).is_some() {
                    assert_eq!(readers, 0, "a run is never taken from a reader");
                    self.runs.get_mut(&id).unwrap().over = true;
                }
            }
            Step::End { run } => {
                let Some((id, known)) = self.pick(run) else { return };
                known.over = true;
                self.shelf.end(id, self.now);
            }
            Step::Fail { run } => {
                let Some((id, known)) = self.pick(run) else { return };
                known.over = true;
                assert!(self.shelf.fail(id).is_some());
                assert!(self.shelf.fail(id).is_none(), "once");
            }
            Step::Clear { exact } => {
                let kind = if exact { Kind::Exact } else { Kind::Repeat };
                for spilled in self.shelf.clear(kind).spilled {
                    self.runs.values_mut().nth(spilled as usize).unwrap().spilled = true;
                }
            }
            Step::Pass { seconds } => self.now += Duration::from_secs(seconds.into()),
        }
    }

    fn open(&mut self, key: u8, question: u8, is_exact: bool, fresh: bool, grace: bool) {
        let (tenant, name) = (format!("t{}", key % 2), format!("k{key}"));
        let question_text = format!("q{question}");
        let want =
            if is_exact { exact(&tenant, &question_text) } else { repeat(&tenant, &name, &question_text) };
        let grace = if grace { HOUR } else { Duration::ZERO };
        let known = Known { readers: 1, question, ..Known::default() };
        match self.shelf.open(Want { fresh, grace, ..want }, self.now, RunId::number) {
            Found::Begun(id, number) => {
                assert_eq!(number, self.runs.len() as u64, "runs are numbered in the order they begin");
                self.runs.insert(id, known);
            }
            Found::Running(id, _) => {
                let running = self.runs.get_mut(&id).unwrap();
                assert!(!running.over && !running.spilled && running.question == question && !fresh);
                running.readers += 1;
            }
            Found::Kept(id, _, age) => {
                let kept = &self.runs[&id];
                assert!(kept.over && !kept.spilled && kept.question == question && !fresh);
                assert!(age < if is_exact { HOUR } else { HOUR * 24 });
            }
            Found::OtherQuestion => assert!(!is_exact, "a question is its own key"),
            Found::Spilled => assert!(self.runs.values().any(|known| known.spilled && !known.over)),
        }
    }

    fn check(&mut self) {
        let live = self.runs.values().filter(|known| !known.over).count();
        assert!(self.shelf.bytes() <= LIMIT + live * 600, "{} bytes, {live} runs", self.shelf.bytes());
        let counts = Kind::ALL.map(|kind| self.shelf.counts(kind, self.now));
        assert_eq!(counts.iter().map(|counts| counts.bytes).sum::<usize>(), self.shelf.bytes());
        // Somebody looks again at a run without readers, or did so and found that it had been read meanwhile.
        let lone = |known: &Known| !known.over && known.readers == 0 && known.look.is_none();
        let lone = self.runs.iter().find(|(_, known)| lone(known));
        assert!(lone.is_none(), "nobody reads it, and nobody will look at it: {lone:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_room_is_bounded_and_no_run_is_taken_from_a_reader_or_forgotten(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new();
        for step in steps {
            world.apply(step);
            world.check();
        }
    }
}

#[test]
fn what_ended_first_makes_room_first_and_running_calls_last() {
    let (mut shelf, now) = (Shelf::<u64>::new(limits(4_000), 0), Instant::now());
    let mut open = |key: &str, ends: bool| {
        let Found::Begun(id, _) = shelf.open(repeat("t", key, key), now, RunId::number) else {
            panic!("{key}")
        };
        let relief = shelf.grew(id, 400);
        if ends {
            shelf.end(id, now);
        }
        (relief.gone, relief.spilled)
    };
    for (key, ends) in [("running", false), ("old", true), ("new", true)] {
        assert_eq!(open(key, ends), (vec![], vec![]), "{key}");
    }
    assert_eq!(open("more", true), (vec![], vec![]));
    assert_eq!(open("most", true), (vec![1], vec![]), "the one that ended first");
    assert_eq!((open("a", false), open("b", false)), ((vec![2], vec![]), (vec![3], vec![])));
    assert_eq!((open("c", false), open("d", false)), ((vec![4], vec![]), (vec![], vec![0, 5])));
}

#[test]
fn one_answer_takes_at_most_a_quarter_of_all_room() {
    let (mut shelf, now) = (Shelf::<u64>::new(limits(4_000), 0), Instant::now());
    let Found::Begun(id, _) = shelf.open(repeat("t", "k", "q"), now, RunId::number) else { panic!() };
    assert!(shelf.grew(id, 400).spilled.is_empty());
    assert_eq!(shelf.grew(id, 400).spilled, [0]);
    assert_eq!(shelf.open(repeat("t", "k", "q"), now, RunId::number), Found::Spilled);
    shelf.end(id, now);
    assert_eq!(shelf.bytes(), 0, "nothing of it is kept");
}
