//! A server stream as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt as _, future, stream};
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{fault::Fault, status, transcode};

/// What a client accepts that wants a stream.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

/// The field of a message that its stream can be resumed after, whichever process serves it by then.
const EVENT_ID: &str = "event_id";

/// The field of a piece of a model's answer, behind which the answer goes on: as long as it is kept, if it is.
const RESUME_ID: &str = "resume_id";

/// A comment is sent when nothing else was for so long: proxies drop connections that are quiet.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Tells nginx, which else collects an answer before passing it on.
pub(crate) const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// One event a message. An error midway becomes an event `error` with the usual body, and the end.
///
/// Ends when the upstream ends or at `until`. When the client leaves, the body is dropped and with it the upstream call.
pub(crate) fn answer<S>(messages: S, correlation_id: &str, until: CancellationToken) -> Response
where
    S: Stream<Item = Result<DynamicMessage, Status>> + Send + 'static,
{
    let correlation_id = correlation_id.to_owned();
    let results = messages.map(|message| match message {
        Ok(message) => event(&message),
        Err(status) => Err(status::fault(&status)),
    });
    let events = until_error(results).map(move |result| {
        Ok::<_, Infallible>(result.unwrap_or_else(|fault| error_event(&fault, &correlation_id)))
    });
    let events = events.take_until(until.cancelled_owned());
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    response.headers_mut().extend([UNBUFFERED]);
    response
}

/// Whether a client comes back to a stream of such messages with the last id that it saw. Then the stream ends as the
/// process drains: it may be one that lasts for hours. What is left of a model's answer would be lost, unless it is kept:
/// it is let come to its end, for which the grace period is long enough or nothing is.
pub(crate) fn can_be_resumed(message: &MessageDescriptor) -> bool {
    message.get_field_by_name(EVENT_ID).is_some()
}

/// The stream up to and including its first error.
fn until_error<T, E>(results: impl Stream<Item = Result<T, E>>) -> impl Stream<Item = Result<T, E>> {
    let marked = results.flat_map(|result| {
        let last = result.is_err();
        stream::iter([Some(result)]).chain(stream::iter(last.then_some(None)))
    });
    marked.take_while(|item| future::ready(item.is_some())).filter_map(future::ready)
}

/// The message as one line of JSON, under the id and name that it may carry.
fn event(message: &DynamicMessage) -> Result<Event, Fault> {
    let data = transcode::value(message)?.to_string(); // compact JSON holds no line ends
    let mut event = Event::default();
    if let Some(id) = one_line(message, EVENT_ID).or_else(|| one_line(message, RESUME_ID)) {
        event = event.id(id);
    }
    if let Some(name) = one_line(message, "event_type") {
        event = event.event(name);
    }
    Ok(event.data(data))
}

/// A field that can be a line of an event: line ends would begin another one.
fn one_line(message: &DynamicMessage, field: &str) -> Option<String> {
    let value = message.get_field_by_name(field)?;
    let text = value.as_str()?;
    (!text.is_empty() && !text.contains(['\n', '\r', '\0'])).then(|| text.to_owned())
}

fn error_event(fault: &Fault, correlation_id: &str) -> Event {
    Event::default().event("error").data(fault.body(correlation_id).to_string())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use bsm_runtime::status::Refusal;
    use prost_reflect::{DescriptorPool, Value};
    use tonic::Code;

    use super::*;

    fn step(id: &str, name: &str) -> DynamicMessage {
        let pool = DescriptorPool::decode(bsm_proto::DESCRIPTORS).unwrap();
        let descriptor = pool.get_message_by_name("bsm.orchestrator.v1.WatchJobResponse").unwrap();
        let mut message = DynamicMessage::new(descriptor);
        message.set_field_by_name("event_id", Value::String(id.to_owned()));
        message.set_field_by_name("event_type", Value::String(name.to_owned()));
        message.set_field_by_name("message", Value::String("two\nlines".to_owned()));
        message
    }

    async fn text(response: Response) -> String {
        let whole = to_bytes(response.into_body(), usize::MAX);
        let whole = tokio::time::timeout(Duration::from_secs(3600), whole).await.expect("the stream ends");
        String::from_utf8(whole.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_message_is_one_event_with_its_id_name_and_one_line_of_data() {
        let messages = stream::iter([Ok(step("1", "job.queued")), Ok(step("2\nid: 9", "a\rb"))]);
        let text = text(answer(messages, "c-1", CancellationToken::new())).await;
        let events: Vec<&str> = text.trim_end().split("\n\n").collect();
        assert_eq!(events.len(), 2, "{text}");
        let lines: Vec<&str> = events[0].lines().collect();
        assert!(lines.contains(&"id: 1") && lines.contains(&"event: job.queued"), "{text}");
        assert!(
            lines.iter().any(|l| l.starts_with("data: {") && l.contains(r#""message":"two\nlines""#)),
            "{text}"
        );
        assert_eq!(events[1].lines().count(), 1, "a line end in an id or name makes no further line: {text}");
    }

    #[tokio::test]
    async fn a_piece_of_an_answer_has_an_id_where_the_answer_can_be_resumed() {
        let pool = DescriptorPool::decode(bsm_proto::DESCRIPTORS).unwrap();
        for name in ["StreamCompleteResponse", "StreamChatDirectResponse"] {
            let descriptor = pool.get_message_by_name(&format!("bsm.models.v1.{name}")).unwrap();
            let piece = |id: &str| {
                let mut message = DynamicMessage::new(descriptor.clone());
                message.set_field_by_name("resume_id", Value::String(id.to_owned()));
                Ok(message)
            };
            let messages = stream::iter([piece("0a.1"), piece("")]);
            let text = text(answer(messages, "c-1", CancellationToken::new())).await;
            let events: Vec<&str> = text.trim_end().split("\n\n").collect();
            assert!(events[0].contains("id: 0a.1\n") || events[0].ends_with("id: 0a.1"), "{text}");
            assert!(!events[1].contains("id:"), "{text}");
        }
    }

    #[tokio::test]
    async fn an_error_midway_is_an_event_and_the_end() {
        let refused = Status::from(Refusal::new(Code::Unavailable, "CIRCUIT_OPEN", "the circuit is open"));
        let messages = stream::iter([Ok(step("1", "x")), Err(refused), Ok(step("2", "x"))]);
        let text = text(answer(messages, "c-1", CancellationToken::new())).await;
        let last = text.trim_end().split("\n\n").last().unwrap();
        assert!(last.contains("event: error"), "{text}");
        assert!(
            last.contains(r#"{"error":"the circuit is open","code":"CIRCUIT_OPEN","correlationId":"c-1"}"#)
        );
        assert!(!text.contains("id: 2"));
    }

    #[test]
    fn events_can_be_resumed_and_a_models_answer_cannot() {
        let pool = DescriptorPool::decode(bsm_proto::DESCRIPTORS).unwrap();
        let resumed = |name: &str| can_be_resumed(&pool.get_message_by_name(name).unwrap());
        assert!(resumed("bsm.orchestrator.v1.WatchJobResponse"));
        assert!(resumed("bsm.ops.v1.WatchMeshTransitionsResponse"));
        assert!(!resumed("bsm.models.v1.StreamChatDirectResponse"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_stream_is_kept_alive_and_ends_as_the_process_drains() {
        let stopping = CancellationToken::new();
        let response = answer(stream::pending(), "c-1", stopping.clone());
        tokio::spawn(async move {
            tokio::time::sleep(KEEP_ALIVE * 2 + Duration::from_secs(1)).await;
            stopping.cancel();
        });
        assert_eq!(text(response).await, ":\n\n:\n\n");
    }
}
