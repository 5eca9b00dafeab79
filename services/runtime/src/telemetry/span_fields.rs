//! The fields of a span as JSON, written in the order in which they come.
//!
//! They are written for each span, whether or not a line is ever logged in it, so it matters that this is quick: sorting
//! them into a document first, as tracing-subscriber does, took longer than many a call's own work.

use std::fmt;

use tracing::{
    field::{Field, Visit},
    span::Record,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, FormattedFields, format::Writer},
};

/// For the log's JSON form, which reads what is written here as an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpanFields;

/// Writes each field that it is shown.
struct Fields<'w> {
    to: Writer<'w>,
    is_first: bool,
    written: fmt::Result,
}

// === impl SpanFields ===

impl<'w> FormatFields<'w> for SpanFields {
    fn format_fields<R: RecordFields>(&self, mut to: Writer<'w>, fields: R) -> fmt::Result {
        to.write_char('{')?;
        let mut fields_of = Fields { to, is_first: true, written: Ok(()) };
        fields.record(&mut fields_of);
        fields_of.written?;
        fields_of.to.write_char('}')
    }

    /// A field that is told again is in there twice; readers take the last.
    fn add_fields(&self, current: &'w mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        let is_first = current.fields.len() <= "{}".len();
        match current.fields.pop() {
            Some(_brace) => {}
            None => current.fields.push('{'),
        }
        let mut fields_of = Fields { to: current.as_writer(), is_first, written: Ok(()) };
        fields.record(&mut fields_of);
        fields_of.written?;
        fields_of.to.write_char('}')
    }
}

// === impl Fields ===

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: &impl serde::Serialize) {
        if self.written.is_ok() {
            self.written = self.try_write(field, value);
        }
    }

    fn try_write(&mut self, field: &Field, value: &impl serde::Serialize) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.to.write_char(',')?;
        }
        let value = serde_json::to_string(value).map_err(|_| fmt::Error)?;
        let name = field.name().trim_start_matches("r#"); // letters, digits, `_` and `.`
        write!(self.to, "\"{name}\":{value}")
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.write(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::{Value, json};
    use tracing::{field::Empty, info, info_span};
    use tracing_subscriber::{Layer as _, fmt, layer::SubscriberExt as _};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(work: impl FnOnce()) -> Value {
        let log = Log::default();
        let writer = log.clone();
        let lines = fmt::layer().with_writer(move || writer.clone()).json().with_span_list(true);
        let lines = lines.fmt_fields(SpanFields).boxed();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
        let bytes = log.0.lock().unwrap().clone();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_line_has_the_fields_of_its_spans_whatever_is_in_them() {
        let line = logged(|| {
            let text = "a \"quoted\"\nline\u{1}";
            let span =
                info_span!("call", role = "models", text, n = 7_u64, f = 0.5, b = true, d = ?Some("x"));
            span.in_scope(|| info!("served"));
        });
        let span = json!({
            "name": "call", "role": "models", "text": "a \"quoted\"\nline\u{1}", "n": 7, "f": 0.5, "b": true,
            "d": "Some(\"x\")"
        });
        assert_eq!(line["spans"], json!([span]));
    }

    #[test]
    fn fields_that_are_told_later_come_to_the_others() {
        let line = logged(|| {
            let span = info_span!("call", model = Empty, tokens = Empty);
            span.record("model", "gpt-4o");
            span.record("tokens", 3_u64);
            span.record("model", "gpt-4.1");
            span.in_scope(|| info!("served"));
        });
        assert_eq!(line["spans"], json!([{"name": "call", "model": "gpt-4.1", "tokens": 3}]));
    }
}
