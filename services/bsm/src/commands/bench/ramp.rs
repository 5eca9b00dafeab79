//! Finds the peak goodput of a target: doubles the rate while it keeps up, then halves the distance. Pure.

use serde::Serialize;

/// What one step of the ramp showed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    /// Calls a second that were asked for.
    pub(super) offered: f64,
    /// Calls a second that were answered well.
    pub(super) goodput: f64,
}

/// A search for the rate that is just too much.
#[derive(Clone, Debug)]
pub(super) struct Ramp {
    /// The highest rate that was kept up with, and the lowest that was not.
    kept: f64,
    missed: Option<f64>,
    next: f64,
    steps: Vec<Step>,
    halvings: u32,
}

/// A target keeps up with a rate if it answers this share of it well.
const KEEPS_UP: f64 = 0.95;

/// Steps between the last rate that was kept up with and the first that was not.
const HALVINGS: u32 = 2;

/// No more steps than this, so that the search ends: sixteen doublings are a factor of 65,536.
const MOST_STEPS: usize = 18;

// === impl Ramp ===

impl Ramp {
    /// Begins at a rate that is no load.
    pub(super) fn from(rate: f64) -> Ramp {
        Ramp { kept: rate, missed: None, next: rate * 2.0, steps: Vec::new(), halvings: 0 }
    }

    /// The rate to try next; none when the peak is known.
    pub(super) fn next(&self, fastest: f64) -> Option<f64> {
        let known = self.halvings > HALVINGS || self.steps.len() >= MOST_STEPS || self.kept >= fastest;
        (!known).then_some(self.next.min(fastest))
    }

    /// Takes in what trying a rate showed.
    pub(super) fn saw(&mut self, step: Step) {
        self.steps.push(step);
        match step.goodput >= step.offered * KEEPS_UP {
            true => self.kept = self.kept.max(step.offered),
            false => self.missed = Some(step.offered),
        }
        self.next = match self.missed {
            None => self.kept * 2.0,
            Some(missed) => {
                self.halvings += 1;
                (self.kept * missed).sqrt()
            }
        };
    }

    /// The highest goodput seen, at whatever rate.
    pub(super) fn peak(&self) -> f64 {
        self.steps.iter().map(|step| step.goodput).fold(0.0, f64::max)
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the ramp against a target that answers as many calls a second as `capacity` says of a rate.
    fn run(start: f64, capacity: impl Fn(f64) -> f64) -> Ramp {
        let mut ramp = Ramp::from(start);
        while let Some(offered) = ramp.next(200_000.0) {
            ramp.saw(Step { offered, goodput: capacity(offered) });
        }
        ramp
    }

    #[test]
    fn the_peak_of_a_target_that_saturates_is_its_capacity() {
        let ramp = run(50.0, |offered| offered.min(730.0));
        assert_eq!(ramp.peak(), 730.0);
        assert!(ramp.into_steps().len() <= 8);
    }

    #[test]
    fn a_target_that_collapses_is_measured_just_below() {
        let peak = run(50.0, |offered| if offered > 730.0 { 10.0 } else { offered }).peak();
        assert!((600.0..=730.0).contains(&peak), "{peak}");
    }

    #[test]
    fn a_search_ends_whatever_the_target_does() {
        assert_eq!(run(50.0, |_| 0.0).peak(), 0.0);
        assert_eq!(run(50.0, |offered| offered).peak(), 200_000.0, "never beyond the fastest rate");
        assert!(run(0.001, |offered| offered).into_steps().len() <= MOST_STEPS);
    }
}
