//! Sends calls when told to, whatever became of earlier ones, and counts how they end.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::Semaphore, time::Instant};

use super::{
    outcome::{Outcome, Sent, Timing},
    plan::Plan,
    tally::Tally,
};

/// Calls that may be waiting or on their way at once, so that a target that answers nothing does not fill the
/// memory: some 10 KB each. Calls beyond are lost, and said to be.
pub(super) const MOST_IN_FLIGHT: usize = 10_000;

/// A way to make a call, whatever the protocol.
pub(super) trait Wire: Send + Sync + 'static {
    /// Makes one call and reads its answer to the end. Marks `sent` when the request goes out; waiting for a
    /// connection comes before that. Dropping the future gives the call up.
    fn call(&self, sent: &Sent) -> impl Future<Output = Outcome> + Send;
}

/// One load under way.
pub(super) struct Launcher<W> {
    wire: Arc<W>,
    plan: Plan,
    start: Instant,
    tally: Arc<Mutex<Tally>>,
    room: Arc<Semaphore>,
    tasks: Handle,
}

impl<W: Wire> Launcher<W> {
    /// A load that starts at `start`. Must run inside the runtime that makes the calls.
    pub(super) fn new(wire: Arc<W>, plan: Plan, start: Instant) -> Launcher<W> {
        Launcher {
            wire,
            plan,
            start,
            tally: Arc::new(Mutex::new(Tally::of(plan))),
            room: Arc::new(Semaphore::new(MOST_IN_FLIGHT)),
            tasks: Handle::current(),
        }
    }

    /// Sends the call of this number, which is due now or was before. Never waits.
    pub(super) fn launch(&self, number: u64) {
        let due = self.plan.due(number);
        let deadline = self.start + due + self.plan.timeout;
        if deadline <= Instant::now() {
            return self.lose(due, "the generator fell behind");
        }
        let Ok(place) = self.room.clone().try_acquire_owned() else {
            return self.lose(due, "too many calls were in flight");
        };
        let (wire, tally, start) = (self.wire.clone(), self.tally.clone(), self.start);
        self.tasks.spawn(async move {
            let sent = Sent::default();
            let outcome = match tokio::time::timeout_at(deadline, wire.call(&sent)).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::given_up(&sent),
            };
            let sent = sent.at().map(|at| at - start);
            locked(&tally).record(outcome, Timing { due, sent, ended: start.elapsed() });
            drop(place); // only now, so that whoever waits for the last call finds it counted
        });
    }

    /// Waits until every call has ended, which takes no longer than the plan's timeout. Cancel safe.
    pub(super) async fn settled(&self) {
        let _ = self.room.acquire_many(MOST_IN_FLIGHT as u32).await;
    }

    /// Calls that have not ended.
    pub(super) fn in_flight(&self) -> usize {
        MOST_IN_FLIGHT - self.room.available_permits()
    }

    /// What the load has come to so far.
    pub(super) fn tally(&self) -> Tally {
        locked(&self.tally).clone()
    }

    /// Answers until now that were good, and those that were not or did not come.
    pub(super) fn so_far(&self) -> (u64, u64) {
        use super::outcome::Class::{Broken, Good, Lost, Refused};
        let tally = locked(&self.tally);
        (tally.count(Good), [Refused, Broken, Lost].map(|class| tally.count(class)).iter().sum())
    }

    fn lose(&self, due: Duration, why: &'static str) {
        let ended = self.start.elapsed();
        locked(&self.tally).record(Outcome::lost(why), Timing { due, sent: None, ended });
    }
}

fn locked(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::{self, sleep, sleep_until};

    use super::{super::outcome::Class, *};

    /// A target with one connection that takes 1 ms for a call, and answers nothing from 2 s to 3 s.
    struct Stalls {
        start: Instant,
        connection: Semaphore,
    }

    impl Wire for Stalls {
        async fn call(&self, sent: &Sent) -> Outcome {
            let _connection = self.connection.acquire().await.unwrap();
            sent.mark();
            let now = self.start.elapsed();
            if (2.0..3.0).contains(&now.as_secs_f64()) {
                sleep_until(self.start + Duration::from_secs(3)).await;
            }
            sleep(Duration::from_millis(1)).await;
            Outcome::answered("200", true, 0)
        }
    }

    /// A target that accepts everything and answers nothing.
    struct Hangs;

    impl Wire for Hangs {
        async fn call(&self, sent: &Sent) -> Outcome {
            sent.mark();
            std::future::pending().await
        }
    }

    fn plan(rate: f64, seconds: u64) -> Plan {
        let (duration, timeout) = (Duration::from_secs(seconds), Duration::from_secs(2));
        Plan { rate, warmup: Duration::ZERO, duration, timeout }
    }

    async fn run<W: Wire>(wire: W, plan: Plan, start: Instant) -> Tally {
        let launcher = Launcher::new(Arc::new(wire), plan, start);
        for number in 0..plan.calls() {
            sleep_until(start + plan.due(number)).await;
            launcher.launch(number);
        }
        launcher.settled().await;
        launcher.tally()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_felt_by_every_call_that_was_due_in_it() {
        let start = Instant::now();
        let tally = run(Stalls { start, connection: Semaphore::new(1) }, plan(100.0, 5), start).await;
        assert_eq!(tally.count(Class::Good), 500, "all were sent, at the rate that was asked for");
        // A hundred of 500 were due in the stall. A generator that waits for answers would have seen one slow call.
        assert!((tally.sent.at(1.0) - 1000.0).abs() < 20.0, "max {}", tally.sent.at(1.0));
        assert!((tally.sent.at(0.9) - 500.0).abs() < 60.0, "p90 {}", tally.sent.at(0.9));
        assert!(tally.sent.at(0.5) < 5.0, "p50 {}", tally.sent.at(0.5));
        assert!(tally.late > 90, "those that waited for the connection went out late: {}", tally.late);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_answered_is_given_up_after_the_timeout_and_counted() {
        let start = Instant::now();
        let tally = run(Hangs, plan(100.0, 1), start).await;
        assert_eq!(tally.count(Class::Broken), 100);
        assert!((tally.sent.at(0.5) - 2000.0).abs() < 20.0, "{}", tally.sent.at(0.5));
        assert!(start.elapsed() < Duration::from_secs(4), "no load lasts longer than its timeout");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_beyond_the_most_in_flight_are_lost_and_counted() {
        let start = Instant::now();
        let tally = run(Hangs, plan(12_000.0, 1), start).await;
        assert_eq!(tally.count(Class::Broken), MOST_IN_FLIGHT as u64);
        assert_eq!(tally.count(Class::Lost), 2_000);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_never_got_a_connection_are_lost_not_timed_out() {
        let start = Instant::now();
        let wire = Stalls { start, connection: Semaphore::new(0) };
        let tally = run(wire, plan(10.0, 1), start).await;
        assert_eq!((tally.count(Class::Lost), tally.count(Class::Broken)), (10, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_generator_that_falls_behind_says_so_instead_of_sending_in_vain() {
        let launcher = Launcher::new(Arc::new(Hangs), plan(100.0, 9), Instant::now());
        time::advance(Duration::from_secs(5)).await;
        (0..500).for_each(|number| launcher.launch(number));
        assert_eq!(launcher.tally().count(Class::Lost), 301, "those that were due more than 2 s ago");
        assert_eq!(launcher.in_flight(), 199);
    }
}
