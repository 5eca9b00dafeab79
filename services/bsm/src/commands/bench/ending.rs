//! How the command ends: whether the load was sent as asked, in a sentence and a code.

use super::report::{Report, Summary};
use crate::exit::{Exit, Failure};

/// Done, if every call that was asked for went out and somebody answered.
///
/// # Errors
/// What was not as asked.
pub(super) fn of(report: &Report) -> anyhow::Result<Exit> {
    match report.summaries().iter().find_map(|summary| verdict(summary)) {
        None => Ok(Exit::Done),
        Some((exit, sentence)) => Err(Failure::error(exit, sentence)),
    }
}

fn verdict(load: &Summary) -> Option<(Exit, String)> {
    let Summary { asked, sent, lost, .. } = *load;
    if load.interrupted {
        let sentence = format!("interrupted: {sent} of {asked} calls were sent; the report is of those");
        return Some((Exit::Changes, sentence));
    }
    if lost > 0 {
        let why = load.most(|end| end.kind == "lost");
        return Some((Exit::Changes, format!("{lost} of {asked} calls were not sent: {why}")));
    }
    if load.answered == 0 {
        let why = load.most(|end| end.kind == "unanswered");
        return Some((Exit::Unavailable, format!("none of {sent} calls was answered: {why}")));
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::{
            outcome::{Outcome, Timing},
            plan::Plan,
            run::Run,
            tally::Tally,
        },
        *,
    };

    fn load(outcome: &Outcome, interrupted: bool) -> Summary {
        let second = Duration::from_secs(1);
        let plan = Plan { rate: 3.0, warmup: Duration::ZERO, duration: second, timeout: second };
        let mut tally = Tally::of(plan);
        for _ in 0..3 {
            tally.record(
                outcome.clone(),
                Timing { due: Duration::ZERO, sent: Some(Duration::ZERO), ended: second / 2 },
            );
        }
        let (unfinished, counted_for) = (0, second);
        Summary::of(&Run { plan, tally, unfinished, counted_for, interrupted, generator: None, target: None })
    }

    #[test]
    fn a_load_that_went_out_is_done_whatever_the_answers_were() {
        assert_eq!(verdict(&load(&Outcome::answered("200", true, 0), false)), None);
        assert_eq!(verdict(&load(&Outcome::answered("503", false, 0), false)), None);
    }

    #[test]
    fn what_was_not_as_asked_is_said_with_a_code() {
        let (exit, sentence) = verdict(&load(&Outcome::lost("no room"), false)).unwrap();
        assert_eq!((exit, sentence.as_str()), (Exit::Changes, "3 of 3 calls were not sent: no room"));
        let (exit, sentence) = verdict(&load(&Outcome::broken("timed out"), false)).unwrap();
        assert_eq!((exit, sentence.as_str()), (Exit::Unavailable, "none of 3 calls was answered: timed out"));
        let (exit, sentence) = verdict(&load(&Outcome::answered("200", true, 0), true)).unwrap();
        assert_eq!(exit, Exit::Changes);
        assert!(sentence.contains("interrupted: 3 of 3"), "{sentence}");
    }
}
