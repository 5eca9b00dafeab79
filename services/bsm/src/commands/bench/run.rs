//! One load, from its first call to its last answer.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    launch::{Launcher, Wire},
    pace,
    plan::Plan,
    progress::Progress,
    tally::Tally,
    usage::{Usage, Watch},
    wire::Connections,
};

/// What loads of one command share.
pub(super) struct Bench {
    wire: Arc<Connections>,
    pid: Option<u32>,
    interrupted: watch::Receiver<bool>,
}

/// A load that has ended.
pub(super) struct Run {
    pub(super) plan: Plan,
    pub(super) tally: Tally,
    /// Calls that had not ended when it was interrupted.
    pub(super) unfinished: usize,
    /// How long calls were counted before an interrupt; else the plan's duration.
    pub(super) counted_for: Duration,
    pub(super) interrupted: bool,
    /// The generator's own use, while calls were counted.
    pub(super) generator: Option<Usage>,
    pub(super) target: Option<Usage>,
}

/// Both processes while calls are counted.
struct Watches {
    generator: Option<Watch>,
    target: Option<Watch>,
}

impl Bench {
    /// Listens for Ctrl-C from now on. Must run inside the runtime.
    pub(super) fn new(wire: Arc<Connections>, pid: Option<u32>) -> Bench {
        let (told, interrupted) = watch::channel(false);
        tokio::spawn(async move {
            bsm_runtime::signals::shutdown().await;
            told.send_replace(true);
        });
        Bench { wire, pid, interrupted }
    }

    pub(super) fn is_interrupted(&self) -> bool {
        *self.interrupted.borrow()
    }

    /// Sends a load and waits for its answers; an interrupt ends both.
    ///
    /// # Errors
    /// When the thread that keeps the beat cannot be started.
    pub(super) async fn run(&self, plan: Plan, name: &str) -> io::Result<Run> {
        let start = Instant::now();
        let launcher = Arc::new(Launcher::new(self.wire.clone(), plan, start));
        let calls = launcher.clone();
        let beat = pace::beat(plan, start.into_std(), move |number| calls.launch(number))?;
        let progress = Progress::of(name, plan);
        let (mut watches, mut used) = (None, (None, None));
        let whole = async {
            sleep(plan.warmup).await;
            let watching = watches.insert(Watches::begin(self.pid));
            let mut beat = beat;
            let _ = (&mut beat.ended).await; // it ends in any case; a lost number changes nothing
            used = watching.usage();
            launcher.settled().await;
        };
        let interrupted = tokio::select! {
            () = whole => false,
            () = self.interrupt() => true,
            () = progress.follow(&launcher) => false, // it follows for ever
        };
        if let (true, Some(watches)) = (interrupted, &watches) {
            used = watches.usage();
        }
        Ok(Run::end(&launcher, plan, start, interrupted, used))
    }

    async fn interrupt(&self) {
        let mut interrupted = self.interrupted.clone();
        if interrupted.wait_for(|told| *told).await.is_err() {
            std::future::pending().await // nobody listens for signals: there will be none
        }
    }
}

impl Run {
    fn end<W: Wire>(
        launcher: &Launcher<W>,
        plan: Plan,
        start: Instant,
        interrupted: bool,
        (generator, target): (Option<Usage>, Option<Usage>),
    ) -> Run {
        let so_far = start.elapsed().saturating_sub(plan.warmup).min(plan.duration);
        Run {
            plan,
            unfinished: launcher.in_flight(),
            tally: launcher.tally(),
            counted_for: if interrupted { so_far } else { plan.duration },
            interrupted,
            generator,
            target,
        }
    }
}

impl Watches {
    fn begin(target: Option<u32>) -> Watches {
        Watches { generator: Watch::of(std::process::id()), target: target.and_then(Watch::of) }
    }

    fn usage(&self) -> (Option<Usage>, Option<Usage>) {
        let of = |watch: &Option<Watch>| watch.as_ref().and_then(Watch::usage);
        (of(&self.generator), of(&self.target))
    }
}
