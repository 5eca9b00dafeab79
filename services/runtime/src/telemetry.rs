//! Logs for people on a terminal and for machines elsewhere; traces to an OTLP collector when one is configured.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, filter::Targets, fmt, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt,
};

mod span_fields;

use crate::settings::{LogFormat, Settings};
use span_fields::SpanFields;

/// Why telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter does not parse.
    #[error(
        "log.level \"{text}\" is not a filter: {source}; use error, warn, info, debug, trace or name=level"
    )]
    Filter {
        /// As given.
        text: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The exporter refuses its endpoint.
    #[error("traces cannot be exported to {endpoint}: {source}")]
    Exporter {
        /// Where to.
        endpoint: String,
        /// Why not.
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// Another subscriber is installed already.
    #[error("telemetry was started twice in one process")]
    Twice,
}

/// Flushes what is not exported yet when told to.
#[derive(Debug, Default)]
#[must_use = "traces that are not flushed are lost"]
pub struct Flush {
    provider: Option<SdkTracerProvider>,
}

impl Flush {
    /// Sends what is left, for at most [`LAST_EXPORT`]: a collector that is silent must not hold the process. The
    /// exporter blocks, so this runs on a thread of its own.
    pub async fn finish(self) {
        if let Some(provider) = self.provider {
            let done = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_EXPORT)).await;
            if let Ok(Err(err)) = done {
                tracing::warn!(error = %err, "the last traces were not exported");
            }
        }
    }
}

/// How long the end of a process waits for its last traces.
const LAST_EXPORT: Duration = Duration::from_millis(500);

/// Starts logging to standard error, and exporting when configured. Must run inside the runtime.
///
/// # Errors
/// When the filter or the endpoint is malformed, or telemetry runs already.
pub fn init(name: &str, settings: &Settings) -> Result<Flush, Error> {
    let filter = EnvFilter::try_new(&settings.log_level)
        .map_err(|source| Error::Filter { text: settings.log_level.clone(), source })?;
    let provider = settings.otlp_endpoint.as_deref().map(|endpoint| exporter(name, endpoint)).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bsm"));
        layer.with_filter(own_spans())
    });
    let logs = format(settings.log_format).with_filter(filter);
    tracing_subscriber::registry().with(logs).with(traces).try_init().map_err(|_| Error::Twice)?;
    Ok(Flush { provider })
}

/// The exporter's own HTTP/2 traffic must not be traced, or each export causes the next.
fn own_spans() -> Targets {
    Targets::new().with_default(tracing::Level::INFO).with_targets(
        ["h2", "hyper", "tonic", "tower", "reqwest", "opentelemetry"]
            .map(|t| (t, tracing::level_filters::LevelFilter::OFF)),
    )
}

fn exporter(name: &str, endpoint: &str) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(|source| Error::Exporter { endpoint: endpoint.to_owned(), source })?;
    let resource = Resource::builder().with_service_name(format!("bsm-{name}")).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

fn format<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let terminal = io::stderr().is_terminal();
    let text = match format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let layer = fmt::layer().with_writer(io::stderr);
    if text {
        layer.with_ansi(terminal).with_target(false).compact().boxed()
    } else {
        let lines = layer.json().flatten_event(true).with_current_span(false).with_span_list(true);
        lines.fmt_fields(SpanFields).boxed()
    }
}
