//! A timer that is set only when somebody really has to wait: most bodies, and what answers at once, never need one.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// Rings at a point in time, for whoever polls it.
    #[derive(Debug)]
    pub(crate) struct Alarm {
        at: Instant,
        #[pin]
        timer: Option<Sleep>,
    }
}

// === impl Alarm ===

impl Alarm {
    pub(crate) const fn at(at: Instant) -> Self {
        Self { at, timer: None }
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.timer.is_none() {
            this.timer.set(Some(sleep_until(*this.at)));
        }
        this.timer.as_pin_mut().expect("set above").poll(cx)
    }
}
