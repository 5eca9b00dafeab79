//! Traces across processes: W3C `traceparent` in and out, when an exporter is configured.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header and metadata key of W3C trace context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

struct Read<'a>(&'a HeaderMap);
struct Write<'a>(&'a mut HeaderMap);

impl Extractor for Read<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

impl Injector for Write<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (key.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            self.0.insert(name, value);
        }
    }
}

/// Makes `span` a child of the trace that the headers name. Must happen before the span is entered. Without an
/// exporter this does nothing.
pub fn set_parent(span: &Span, headers: &HeaderMap) {
    if headers.contains_key(TRACEPARENT) {
        // An error means that no exporter is installed, or that the span is filtered out: both are fine.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&Read(headers)));
    }
}

/// The current span as a `traceparent`, if an exporter is installed.
pub fn current_traceparent() -> Option<HeaderValue> {
    let mut headers = HeaderMap::new();
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut Write(&mut headers));
    headers.remove(TRACEPARENT)
}
