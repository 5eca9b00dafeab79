//! What a client is told when something is wrong: the one error shape of the REST face.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use bsm_runtime::layer_status::is_turned_away;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

/// A refusal or failure, in the client's terms.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    /// The reason in UPPER_SNAKE.
    pub(crate) code: Cow<'static, str>,
    /// A sentence without addresses, paths or secrets of ours.
    pub(crate) message: String,
    /// Apart, because most faults have nothing of it and every result carries the size of its fault.
    more: Box<More>,
}

/// In the extensions of the answer to a request that a guard has turned away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnedAway;

/// In the extensions of every answer that tells a fault, for those who tell it in other words.
#[derive(Clone, Debug)]
pub(crate) struct Told(pub(crate) Arc<Fault>);

#[derive(Clone, Debug, Default, PartialEq)]
struct More {
    /// Which fields of the request are wrong, and what each must be.
    violations: Vec<(String, String)>,
    /// Fields beside `error`, `code` and `correlationId` that the contract names for this fault.
    extra: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Fault {
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Fault {
        Fault { status, code: code.into(), message: message.into(), more: Box::default() }
    }

    /// A request that is malformed in a way that `code` names.
    pub(crate) fn bad_request(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Fault {
        Fault::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A field of the request that is unknown or has a wrong value. `field` is empty for the body as a whole.
    pub(crate) fn invalid_argument(field: &str, message: impl Into<String>) -> Fault {
        let message = message.into();
        let fault = Fault::bad_request("INVALID_ARGUMENT", message.clone());
        if field.is_empty() { fault } else { fault.violation(field, message) }
    }

    /// No route has this path.
    pub(crate) fn not_found(path_and_query: &str) -> Fault {
        Fault::new(StatusCode::NOT_FOUND, "NOT_FOUND", "Not Found").extra("path", path_and_query.into())
    }

    /// A route has this path, but not with this method.
    pub(crate) fn method_not_allowed(allow: &str) -> Fault {
        let message = format!("This path does not take this method; it takes {allow}.");
        let fault = Fault::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message);
        fault.header(header::ALLOW, allow)
    }

    /// Something that is our own fault. What exactly is in the log, under the correlation id.
    pub(crate) fn internal() -> Fault {
        let message = "Something went wrong inside; the log has it under this correlation id.";
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message)
    }

    pub(crate) fn violation(mut self, field: impl Into<String>, message: impl Into<String>) -> Fault {
        self.more.violations.push((field.into(), message.into()));
        self
    }

    pub(crate) fn extra(mut self, name: &'static str, value: Value) -> Fault {
        self.more.extra.push((name, value));
        self
    }

    /// Adds a header; a value that is none (it never holds input of a client) is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Fault {
        self.more.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// Says when the same request may succeed, in whole seconds, rounded up.
    pub(crate) fn retry_after(self, wait: Duration) -> Fault {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        self.header(header::RETRY_AFTER, &seconds.to_string())
    }

    /// The first field of the request that is wrong, if the fault is about fields.
    pub(crate) fn field(&self) -> Option<&str> {
        self.more.violations.first().map(|(field, _)| field.as_str())
    }

    /// All that it says in words, for who takes one text only: its sentence, which the contract may keep apart from a title,
    /// and its hint.
    pub(crate) fn in_full(&self) -> String {
        let extra = |wanted: &str| {
            self.more.extra.iter().find(|(name, _)| *name == wanted).and_then(|(_, value)| value.as_str())
        };
        let sentence = extra("message").unwrap_or(&self.message);
        extra("hint").map_or_else(|| sentence.to_owned(), |hint| format!("{sentence} {hint}"))
    }

    /// The body: `error`, `code`, `correlationId`, then what this fault adds.
    pub(crate) fn body(&self, correlation_id: &str) -> Value {
        let mut body = Map::new();
        body.insert("error".into(), self.message.clone().into());
        body.insert("code".into(), self.code.clone().into());
        for (name, value) in &self.more.extra {
            body.insert((*name).into(), value.clone());
        }
        body.insert("correlationId".into(), correlation_id.into());
        if !self.more.violations.is_empty() {
            let details = self
                .more
                .violations
                .iter()
                .map(|(field, message)| json!({"field": field, "message": message}));
            body.insert("details".into(), details.collect());
        }
        Value::Object(body)
    }

    pub(crate) fn answer(self, correlation_id: &str) -> Response {
        self.answer_with(self.body(correlation_id))
    }

    /// The same with a body of its own shape, for routes whose contract names one.
    pub(crate) fn answer_with(&self, body: Value) -> Response {
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().extend(self.more.headers.iter().cloned());
        response.extensions_mut().insert(Told(Arc::new(self.clone())));
        if is_turned_away(&self.code) {
            response.extensions_mut().insert(TurnedAway);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_contracts_shape() {
        let fault = Fault::invalid_argument("agentId", "must not be empty");
        let body = fault.body("c-1");
        assert_eq!(
            body.to_string(),
            r#"{"error":"must not be empty","code":"INVALID_ARGUMENT","correlationId":"c-1","details":[{"field":"agentId","message":"must not be empty"}]}"#
        );
    }

    #[test]
    fn a_wait_is_rounded_up_to_seconds() {
        for (ms, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (30_000, "30")] {
            let fault = Fault::internal().retry_after(Duration::from_millis(ms));
            assert_eq!(fault.answer("c").headers()[header::RETRY_AFTER], seconds);
        }
    }
}
