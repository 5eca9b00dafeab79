//! The beat: one thread that sleeps from call to call.
//!
//! A thread of its own because the runtime's timer counts in milliseconds: a call that is due in between would go
//! out up to 1 ms late, which is as long as a fast call takes. The kernel wakes a thread within some 0.1 ms.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::plan::Plan;

/// A load ends within this time after it was told to.
const NAP: Duration = Duration::from_millis(50);

/// Stops the beat when dropped.
pub(super) struct Beat {
    stop: Arc<AtomicBool>,
    /// Comes with the number of calls launched, when the last was or the beat was stopped.
    pub(super) ended: oneshot::Receiver<u64>,
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

/// Calls `launch` with the number of each call when it is due; at once for those that are overdue, so that a
/// thread which slept too long catches up.
///
/// # Errors
/// When the thread cannot be started.
pub(super) fn beat(
    plan: Plan,
    start: Instant,
    launch: impl Fn(u64) + Send + 'static,
) -> std::io::Result<Beat> {
    let (done, ended) = oneshot::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    thread::Builder::new().name("beat".to_owned()).spawn(move || {
        let calls = plan.calls();
        let launched = (0..calls).find(|number| {
            let stops = !sleep_until(start + plan.due(*number), &stopped);
            if !stops {
                launch(*number);
            }
            stops
        });
        let _ = done.send(launched.unwrap_or(calls)); // nobody listens after an interrupt
    })?;
    Ok(Beat { stop, ended })
}

/// False if it was told to stop.
fn sleep_until(due: Instant, stopped: &AtomicBool) -> bool {
    while !stopped.load(Relaxed) {
        match due.checked_duration_since(Instant::now()) {
            None | Some(Duration::ZERO) => return true,
            Some(left) => thread::sleep(left.min(NAP)),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rate: f64) -> Plan {
        let second = Duration::from_secs(1);
        Plan { rate, warmup: Duration::ZERO, duration: second, timeout: second }
    }

    #[tokio::test]
    async fn a_call_is_never_launched_before_it_is_due_and_none_is_left_out() {
        let (start, plan) = (Instant::now() - Duration::from_millis(900), plan(1000.0)); // most are overdue
        let (tx, rx) = std::sync::mpsc::channel();
        let mut beat = beat(plan, start, move |n| tx.send((n, start.elapsed())).unwrap()).unwrap();
        assert_eq!((&mut beat.ended).await, Ok(1000));
        let launched: Vec<_> = rx.iter().collect();
        assert!(launched.iter().map(|(n, _)| *n).eq(0..1000));
        assert!(launched.iter().all(|(n, at)| *at >= plan.due(*n)));
    }

    #[tokio::test]
    async fn a_beat_that_is_dropped_stops() {
        let (tx, rx) = std::sync::mpsc::channel();
        let beat = beat(plan(0.001), Instant::now(), move |n| tx.send(n).unwrap()).unwrap();
        drop(beat);
        assert!(rx.iter().count() <= 1, "the channel ends, because the thread has");
    }
}
