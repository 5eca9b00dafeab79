//! SubmitEvent: an event checked, kept, and perhaps waited for.

use std::time::Duration;

use bsm_proto::orchestrator::v1::{SubmitEventRequest, SubmitEventResponse};
use bsm_runtime::{call::Call, clock, json, server::MESSAGE_LIMIT};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::wire;
use crate::{
    change::Change,
    digest,
    engine::Engine,
    error::Error,
    job::{Job, JobId, JobState, Subject},
    journal::{Accepted, Delivery, Journal, NewJob},
    strategy::is_event_name,
};

/// The event of a request that names none.
const DEFAULT_EVENT: &str = "manual.orchestrator_run";
/// Where events come from; the first is that of a request that does not say.
const SOURCES: [&str; 5] = ["api", "github", "ci", "schedule", "cli"];
/// Seconds that a caller may wait at most.
const LONGEST_WAIT: f64 = 30.0;
/// The longest idempotency key, in characters.
const LONGEST_KEY: usize = 256;
/// The largest payload and context, in bytes of JSON.
const LARGEST_PAYLOAD: usize = MESSAGE_LIMIT;
const LARGEST_CONTEXT: usize = 64 * 1024;
/// The field of the context in which a gateway says which bytes a delivery had.
const BODY_HASH: &str = "bodyHash";

/// A request whose every field is in order.
#[derive(Debug, PartialEq)]
pub(super) struct Checked {
    event: String,
    source: String,
    payload: Value,
    context: Value,
    key: Option<String>,
    wait: Duration,
}

pub(super) async fn submit(
    engine: &Engine,
    stop: &CancellationToken,
    call: &Call,
    request: SubmitEventRequest,
) -> Result<SubmitEventResponse, Error> {
    let arrived = Instant::now();
    // A large diff takes its time to read.
    let checked = tokio::task::spawn_blocking(move || check(request)).await;
    let checked = checked.map_err(|_| Error::Panicked { doing: "the check of an event" })??;
    if stop.is_cancelled() {
        return Err(Error::Draining);
    }
    let wait = checked.wait;
    let delivery = delivery(&checked);
    let mut accepted = engine.submit(new_job(engine, call, checked), delivery).await?;
    if !wait.is_zero() {
        accepted.state = wait_for_end(engine.journal(), accepted.job_id, arrived + wait, stop).await?;
    }
    // A job is read back only for what its end brought.
    let ended =
        if accepted.state.is_final() { Some(engine.journal().job(accepted.job_id).await?) } else { None };
    Ok(answer(&accepted, ended))
}

pub(super) fn check(request: SubmitEventRequest) -> Result<Checked, Error> {
    let event = request.event.unwrap_or_else(|| DEFAULT_EVENT.to_owned());
    if !is_event_name(&event) {
        return Err(Error::InvalidEvent(event.chars().take(120).collect()));
    }
    let source = request.source.unwrap_or_else(|| SOURCES[0].to_owned());
    if !SOURCES.contains(&source.as_str()) {
        return Err(invalid("source", format!("must be one of {}", SOURCES.join(", "))));
    }
    let payload = object(request.payload, "payload", LARGEST_PAYLOAD)?;
    Change::from_payload(&payload)?;
    let context = object(request.context, "context", LARGEST_CONTEXT)?;
    let key = request.idempotency_key.map(checked_key).transpose()?;
    let wait = checked_wait(request.wait.unwrap_or(0.0))?;
    Ok(Checked { event, source, payload, context, key, wait })
}

fn object(given: Option<prost_types::Struct>, field: &'static str, limit: usize) -> Result<Value, Error> {
    let value = Value::Object(json::from_struct(&given.unwrap_or_default()));
    let size = value.to_string().len();
    if size > limit { Err(Error::TooLarge { field, size, limit }) } else { Ok(value) }
}

fn checked_key(key: String) -> Result<String, Error> {
    let fits = (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Ok(key);
    }
    Err(invalid("idempotency_key", format!("must be 1 to {LONGEST_KEY} visible ASCII characters")))
}

fn checked_wait(seconds: f64) -> Result<Duration, Error> {
    // NaN is in no range, so it ends here too.
    if (0.0..=f64::INFINITY).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds.min(LONGEST_WAIT)));
    }
    Err(invalid("wait", "must be a number of seconds from 0 to 30".to_owned()))
}

fn invalid(field: &'static str, problem: String) -> Error {
    Error::InvalidField { field, problem }
}

/// The same event and payload are the same body, whoever sends them and in whatever order of fields: a `Struct`
/// has its fields sorted.
fn delivery(checked: &Checked) -> Delivery {
    let hash = checked.context.get(BODY_HASH).and_then(Value::as_str).filter(|hash| !hash.is_empty());
    Delivery {
        key: checked.key.clone(),
        // Without the event's name: a captured delivery under another name is still the same delivery.
        body_key: hash.map(|hash| format!("{}/{hash}", checked.source)),
        body_hash: digest::of(&[&checked.event, &checked.payload.to_string()]),
    }
}

fn new_job(engine: &Engine, call: &Call, checked: Checked) -> NewJob {
    NewJob {
        id: JobId::new(),
        strategy: engine.rules().strategies().for_event(&checked.event).clone(),
        event: checked.event,
        source: checked.source,
        subject: Subject::of(&checked.payload).to_string(),
        correlation_id: call.correlation_id().to_owned(),
        traceparent: call.traceparent(),
        caller: call.caller().to_owned(),
        created_at: clock::unix_ms(),
        payload: checked.payload,
        context: checked.context,
        rerun_of: None,
    }
}

/// Where the job stands once it has ended, `until` is reached or the process drains. A job that ended before is not
/// missed, because listening comes first.
async fn wait_for_end(
    journal: &Journal,
    job: JobId,
    until: Instant,
    stop: &CancellationToken,
) -> Result<JobState, Error> {
    let mut movement = journal.listen(job);
    loop {
        let state = journal.state(job).await?;
        if state.is_final() {
            return Ok(state);
        }
        tokio::select! {
            () = movement.next() => {}
            () = sleep_until(until) => return Ok(state),
            () = stop.cancelled() => return Ok(state),
        }
    }
}

fn answer(accepted: &Accepted, ended: Option<Job>) -> SubmitEventResponse {
    let response = SubmitEventResponse {
        success: true,
        job_id: accepted.job_id.to_string(),
        status: accepted.state.to_string(),
        timestamp: wire::time(clock::unix_ms()),
        duplicate: accepted.duplicate,
        ..SubmitEventResponse::default()
    };
    match ended {
        None => response,
        Some(job) => SubmitEventResponse {
            decision: job.decision.as_ref().map(wire::decision),
            results: job.steps.iter().map(wire::step).collect(),
            report_file: job.report_file,
            ..response
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(payload: Value) -> SubmitEventRequest {
        SubmitEventRequest { payload: Some(json::to_struct(payload)), ..SubmitEventRequest::default() }
    }

    #[test]
    fn an_empty_request_is_a_manual_run_by_the_api() {
        let checked = check(SubmitEventRequest::default()).unwrap();
        assert_eq!((checked.event.as_str(), checked.source.as_str()), ("manual.orchestrator_run", "api"));
        assert_eq!((checked.payload, checked.wait), (json!({}), Duration::ZERO));
    }

    #[test]
    fn waits_are_cut_to_thirty_seconds_and_nonsense_is_refused() {
        let wait = |seconds| check(SubmitEventRequest { wait: Some(seconds), ..Default::default() });
        assert_eq!(wait(1.5).unwrap().wait, Duration::from_millis(1500));
        assert_eq!(wait(1e300).unwrap().wait, Duration::from_secs(30));
        assert_eq!(wait(f64::INFINITY).unwrap().wait, Duration::from_secs(30));
        for nonsense in [-1.0, f64::NAN, f64::NEG_INFINITY] {
            assert!(matches!(wait(nonsense), Err(Error::InvalidField { field: "wait", .. })), "{nonsense}");
        }
    }

    #[test]
    fn keys_are_visible_ascii_of_bounded_length() {
        let key =
            |key: &str| check(SubmitEventRequest { idempotency_key: Some(key.into()), ..Default::default() });
        assert_eq!(key("a-b/c:1").unwrap().key.as_deref(), Some("a-b/c:1"));
        for bad in ["", "a b", "ü", "a\n", &"x".repeat(257)] {
            assert!(matches!(key(bad), Err(Error::InvalidField { field: "idempotency_key", .. })), "{bad:?}");
        }
    }

    #[test]
    fn names_and_sources_outside_of_the_grammar_are_refused() {
        for bad in ["", "Pull", "a b", &"x".repeat(101), "../x"] {
            let event = SubmitEventRequest { event: Some(bad.into()), ..Default::default() };
            assert!(matches!(check(event), Err(Error::InvalidEvent(_))), "{bad:?}");
        }
        let source = SubmitEventRequest { source: Some("telepathy".into()), ..Default::default() };
        assert!(matches!(check(source), Err(Error::InvalidField { field: "source", .. })));
    }

    #[test]
    fn a_diff_must_be_text_and_a_context_small() {
        for bad in [json!({"diff": 1}), json!({"diff": {"a": 1}}), json!({"diff": ["x"]})] {
            assert!(matches!(check(request(bad)), Err(Error::InvalidPayload(_))));
        }
        let context = json::to_struct(json!({"x": "y".repeat(LARGEST_CONTEXT)}));
        let large = SubmitEventRequest { context: Some(context), ..Default::default() };
        assert!(matches!(check(large), Err(Error::TooLarge { field: "context", .. })));
    }

    #[test]
    fn the_same_body_has_the_same_hash_and_another_event_another() {
        let hash = |event: &str, payload: Value| {
            let request = SubmitEventRequest { event: Some(event.into()), ..request(payload) };
            delivery(&check(request).unwrap()).body_hash
        };
        assert_eq!(hash("push", json!({"a": 1, "b": 2})), hash("push", json!({"b": 2, "a": 1})));
        assert_ne!(hash("push", json!({"a": 1})), hash("push", json!({"a": 2})));
        assert_ne!(hash("push", json!({})), hash("pull", json!({})));
    }

    #[test]
    fn the_hash_of_the_delivered_bytes_counts_per_source_and_event() {
        let context = json::to_struct(json!({"bodyHash": "abc"}));
        let request = SubmitEventRequest {
            context: Some(context),
            source: Some("github".into()),
            ..Default::default()
        };
        let delivery = delivery(&check(request).unwrap());
        assert_eq!(delivery.body_key.as_deref(), Some("github/abc"));
    }
}
