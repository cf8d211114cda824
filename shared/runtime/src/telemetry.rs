//! Logs, and the spans that calls have. Messages read alone, fields are for searching; passwords, tokens and raw frames
//! are never logged.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Starts logging to standard error, once for the process; later calls change nothing. `filter` is in the syntax of
/// `RUST_LOG`, such as `info,worker=debug`; a wrong one falls back to `info`.
///
/// Calls get spans with it, so that the trace which a caller names goes with its call to other processes, whatever is
/// logged.
pub fn init_logging(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let log = match format {
        LogFormat::Text => log.with_target(false).boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    let quiet = filter_fn(is_logged).with_max_level_hint(LevelFilter::TRACE);
    let all = tracing_subscriber::registry().with(log.with_filter(filter.and(quiet))).with(spans());
    // An error means that a subscriber is there already, as in tests that share a process.
    let _ = all.try_init();
}

/// The parts of the service, which log no payload at any level.
const OWN: [&str; 16] = [
    "api",
    "broker",
    "bus",
    "calls",
    "cluster",
    "error",
    "link",
    "model",
    "mt5rest",
    "registry",
    "runtime",
    "seal",
    "socket",
    "statistics",
    "wire",
    "worker",
];

/// Whether something may be logged, whatever the filter says: at `trace`, libraries show what they send and receive, and
/// the key of a login's first messages is known to everybody.
fn is_logged(metadata: &Metadata<'_>) -> bool {
    let part = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::DEBUG || OWN.contains(&part)
}

/// Gives spans their place in a trace.
pub(crate) fn spans<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    // Nothing is sent anywhere: ids are all that travels, and whether the caller wants the trace recorded.
    let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
    let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("mt5rest"));
    layer.with_filter(filter_fn(|metadata| metadata.is_span() && *metadata.level() <= Level::INFO))
}
