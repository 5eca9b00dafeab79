//! A bar on standard error while a load runs; nothing where that is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::interval;

use super::{
    launch::{Launcher, Wire},
    plan::Plan,
};

const EVERY: Duration = Duration::from_millis(200);

/// The bar of one load. It vanishes when dropped.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn of(name: &str, plan: Plan) -> Progress {
        let millis = u64::try_from(plan.end().as_millis()).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(millis), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{prefix} {bar:24} {elapsed} {msg}");
        bar.set_style(style.expect("the template is well-formed"));
        bar.set_prefix(format!("{name}, {:.0}/s", plan.rate));
        Progress { bar }
    }

    /// Keeps the bar up to date, until dropped.
    pub(super) async fn follow<W: Wire>(&self, launcher: &Launcher<W>) {
        let mut beat = interval(EVERY);
        loop {
            beat.tick().await;
            if self.bar.is_hidden() {
                continue;
            }
            let (good, bad) = launcher.so_far();
            self.bar.set_position(u64::try_from(self.bar.elapsed().as_millis()).unwrap_or(u64::MAX));
            self.bar.set_message(format!("{good} good, {bad} not, {} in flight", launcher.in_flight()));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
