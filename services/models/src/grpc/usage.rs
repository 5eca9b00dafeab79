//! Usage and budgets as the wire has them.

use bsm_proto::models::v1;
use bsm_runtime::call::Call;
use bsm_runtime::call::account::Sees;
use bsm_runtime::clock;

use crate::ask::Violation;
use crate::budget::{Kind, Measure, NANOS_PER_USD, Tally};
use crate::error::Error;
use crate::usage::{By, Filter, Line, Listed, Query, Sums};

/// What lines are kept apart by when the request does not say.
const USUAL: [By; 4] = [By::Day, By::Key, By::Agent, By::Model];

/// Lines when the request does not say, and at most.
const LINES: (u32, u32) = (1_000, 10_000);

/// The last time that can be asked for, in ms since 1970: some 285,000 years.
const LAST: f64 = 9_007_199_254_740_991.0;

/// Checks a request.
///
/// # Errors
/// Every field that is not as the contract wants it.
pub(super) fn query(request: v1::ListUsageRequest) -> Result<Query, Vec<Violation>> {
    let mut wrong = Vec::new();
    let by = kept_apart(&request.by, &mut wrong);
    let mut time = |field, time: Option<f64>| match time {
        Some(time) if !(0.0..=LAST).contains(&time) => {
            wrong.push(Violation::new(field, "must be a time in ms since 1970-01-01 UTC"));
            None
        }
        time => time.map(|time| time as i64), // whole numbers up to LAST are exact
    };
    let (since, until) = (time("since", request.since), time("until", request.until));
    if since.zip(until).is_some_and(|(since, until)| since > until) {
        wrong.push(Violation::new("until", "must not be before since"));
    }
    let limit = request.limit.unwrap_or(LINES.0);
    if !(1..=LINES.1).contains(&limit) {
        wrong.push(Violation::new("limit", format!("must be from 1 to {}", LINES.1)));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let v1::ListUsageRequest { key: caller, agent, job, provider, model, .. } = request;
    Ok(Query { by, filter: Filter { since, until, caller, agent, job, provider, model }, limit })
}

/// The question as its caller may ask it: who sees no others' usage asks for their own.
///
/// # Errors
/// When it is another's that they ask for.
pub(super) fn seen_by(call: &Call, query: Query) -> Result<Query, Error> {
    match (call.sees(), &query.filter.caller) {
        (Sees::All, _) => Ok(query),
        (Sees::Own, Some(asked)) if asked != call.caller() => {
            Err(Error::OthersUsage { asked: asked.chars().take(128).collect() })
        }
        (Sees::Own, _) => {
            let caller = Some(call.caller().to_owned());
            Ok(Query { filter: Filter { caller, ..query.filter }, ..query })
        }
    }
}

/// Whether a caller may look at a budget. Those of agents and jobs tell what others do, too.
pub(super) fn sees(call: &Call, tally: &Tally) -> bool {
    call.sees() == Sees::All || (tally.kind == Kind::Key && tally.name == call.caller())
}

fn kept_apart(words: &[String], wrong: &mut Vec<Violation>) -> Vec<By> {
    let mut by = Vec::new();
    for word in words {
        match word.parse::<By>() {
            Ok(known) if by.contains(&known) => wrong.push(Violation::new("by", "must name each once")),
            Ok(known) => by.push(known),
            Err(problem) => wrong.push(Violation::new("by", problem)),
        }
    }
    if words.is_empty() { USUAL.to_vec() } else { by }
}

pub(super) fn listed(by: &[By], listed: Listed) -> v1::ListUsageResponse {
    let Listed { lines, total, cut } = listed;
    let lines = lines.into_iter().map(|of| line(by, of)).collect();
    let total = Some(line(&[], Line { sums: total, ..Line::default() }));
    v1::ListUsageResponse { lines, total, truncated: cut }
}

fn line(by: &[By], line: Line) -> v1::UsageLine {
    let Line { day, key, sums } = line;
    let Sums { requests, failed, estimated, unpriced, tokens, nanos } = sums;
    let shown = |what: By, text: String| by.contains(&what).then_some(text);
    v1::UsageLine {
        day: day.map(clock::date),
        key: shown(By::Key, key.caller),
        agent: shown(By::Agent, key.agent),
        job: shown(By::Job, key.job),
        provider: shown(By::Provider, key.provider),
        model: shown(By::Model, key.model),
        requests: requests as f64,
        failed: failed as f64,
        estimated: estimated as f64,
        unpriced: unpriced as f64,
        input_tokens: tokens.input as f64,
        output_tokens: tokens.output as f64,
        cached_tokens: tokens.cached as f64,
        reasoning_tokens: tokens.reasoning as f64,
        cost_usd: usd(nanos),
    }
}

pub(super) fn budget(tally: Tally, now: i64) -> v1::Budget {
    let Tally { kind, name, measure, window, limit, used, held } = tally;
    let amount = |amount: u64| if measure == Measure::Money { usd(amount) } else { amount as f64 };
    v1::Budget {
        per: kind.word().to_owned(),
        name,
        measure: measure.word().to_owned(),
        window: window.word().to_owned(),
        limit: amount(limit),
        used: amount(used),
        held: amount(held),
        left: amount(limit.saturating_sub(used.saturating_add(held))),
        turns_in_ms: window.turns_in(now).as_millis() as f64,
    }
}

fn usd(nanos: u64) -> f64 {
    nanos as f64 / NANOS_PER_USD as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_question_names_each_wrong_field() {
        let request = v1::ListUsageRequest {
            by: vec!["day".into(), "day".into(), "week".into()],
            since: Some(f64::NAN),
            limit: Some(0),
            ..Default::default()
        };
        let fields: Vec<_> = query(request).unwrap_err().into_iter().map(|v| v.field).collect();
        assert_eq!(fields, ["by", "by", "since", "limit"]);
        let turned = v1::ListUsageRequest { since: Some(2.0), until: Some(1.0), ..Default::default() };
        assert_eq!(query(turned).unwrap_err()[0].field, "until");
        assert_eq!(query(v1::ListUsageRequest::default()).unwrap().by, USUAL);
    }
}
