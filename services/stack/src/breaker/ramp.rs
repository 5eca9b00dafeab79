//! The way back to full flow: first a tenth of the calls, then more and more of them.
//!
//! Which calls go is decided by carrying over what was left: every call adds the current share to a credit, and the
//! call that fills the credit goes. That needs no chance and spreads the admitted calls evenly. The first one goes.

use std::time::Duration;

use tokio::time::Instant;

/// All of the calls, in the unit of shares: thousandths.
const ALL: u32 = 1000;
const FIRST_SHARE: u32 = 100;

/// What a refused call is told to wait: soon there is more room.
const WAIT: Duration = Duration::from_millis(100);

#[derive(Clone, Debug)]
pub(super) struct Ramp {
    from: Instant,
    length: Duration,
    credit: u32,
}

// === impl Ramp ===

impl Ramp {
    /// A ramp that starts now; `None` if it is to have no length.
    pub(super) fn new(from: Instant, length: Duration) -> Option<Self> {
        (!length.is_zero()).then_some(Self { from, length, credit: ALL - FIRST_SHARE })
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.remaining(now).is_zero()
    }

    /// May one more call go? If not, when is it worth asking again?
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        self.credit += self.share(now);
        if self.credit < ALL {
            return Err(WAIT.min(self.remaining(now)));
        }
        self.credit -= ALL;
        Ok(())
    }

    /// The share of calls that go, in percent.
    pub(super) fn percent(&self, now: Instant) -> u8 {
        (self.share(now) / 10) as u8
    }

    /// In thousandths.
    fn share(&self, now: Instant) -> u32 {
        let passed = now.saturating_duration_since(self.from).as_nanos();
        let grown = u128::from(ALL - FIRST_SHARE) * passed / self.length.as_nanos();
        FIRST_SHARE + grown.min(u128::from(ALL - FIRST_SHARE)) as u32
    }

    fn remaining(&self, now: Instant) -> Duration {
        self.length.saturating_sub(now.saturating_duration_since(self.from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(3);

    fn admitted(ramp: &mut Ramp, now: Instant) -> usize {
        (0..100).filter(|_| ramp.admit(now).is_ok()).count()
    }

    #[test]
    fn the_share_grows_from_a_tenth_to_all() {
        let now = Instant::now();
        let mut ramp = Ramp::new(now, LENGTH).expect("has a length");
        assert_eq!(admitted(&mut ramp, now), 10);
        assert_eq!(admitted(&mut ramp, now + LENGTH / 3), 40);
        assert_eq!(admitted(&mut ramp, now + LENGTH * 2 / 3), 70);
        assert!(!ramp.is_over(now + LENGTH - Duration::from_nanos(1)));
        assert!(ramp.is_over(now + LENGTH));
        assert_eq!(admitted(&mut ramp, now + LENGTH), 100);
    }

    #[test]
    fn the_first_call_goes_and_the_second_is_told_to_come_back_soon() {
        let now = Instant::now();
        let mut ramp = Ramp::new(now, LENGTH).expect("has a length");
        assert_eq!(ramp.admit(now), Ok(()));
        assert_eq!(ramp.admit(now), Err(WAIT));
        let late = now + LENGTH - Duration::from_millis(1);
        let mut ramp = Ramp { credit: 0, ..ramp };
        assert_eq!(ramp.admit(late), Err(Duration::from_millis(1)), "not beyond the ramp's end");
    }

    #[test]
    fn no_length_means_no_ramp() {
        assert!(Ramp::new(Instant::now(), Duration::ZERO).is_none());
    }
}
