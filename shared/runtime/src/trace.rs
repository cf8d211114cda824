//! The trace that a call belongs to goes with it from client to api and from process to process, as the W3C has it:
//! `00-TRACE-SPAN-FLAGS`. Log lines carry it, so that those of two processes can be brought together.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header that it goes in.
pub const TRACE_HEADER: &str = "traceparent";

/// The present span's context for another process, or a new one where spans have none.
#[must_use]
pub fn outgoing_trace() -> String {
    let context = Span::current().context();
    let present = context.span().span_context().clone();
    let (trace, span, flags) = if present.is_valid() {
        (present.trace_id(), present.span_id(), present.trace_flags())
    } else {
        let (trace, span) = (rand::random_range(1..=u128::MAX), rand::random_range(1..=u64::MAX));
        (
            TraceId::from_bytes(trace.to_be_bytes()),
            SpanId::from_bytes(span.to_be_bytes()),
            TraceFlags::SAMPLED,
        )
    };
    format!("00-{trace}-{span}-{flags:02x}")
}

/// The span of a call that somebody sent with this header, as a child of the sender's span.
pub fn incoming_trace(header: Option<&str>, call: &str) -> Span {
    let span = tracing::info_span!("call", call, trace = Empty);
    if let Some(parent) = header.and_then(parsed) {
        span.record("trace", parent.trace_id().to_string());
        // It fails where no traces are collected, which is no failure.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    span
}

/// What a header says. Versions after the first one may add fields at the end.
fn parsed(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_whole = version != "00" || parts.next().is_none();
    if !(is_hex(version, 2) && version != "ff" && is_whole && is_hex(trace, 32) && is_hex(span, 16)) {
        return None;
    }
    let flags = is_hex(flags, 2).then(|| u8::from_str_radix(flags, 16).ok())??;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, TraceFlags::new(flags), true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_is_written() {
        let made = outgoing_trace();
        let read = parsed(&made).unwrap();
        assert!(read.is_remote() && read.is_sampled());
        assert_eq!(format!("00-{}-{}-01", read.trace_id(), read.span_id()), made);
        assert_ne!(outgoing_trace(), made, "each call has its own");
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        assert!(parsed(&format!("01-{trace}-{span}-00-more")).is_some_and(|context| !context.is_sampled()));
        let zeros = "0".repeat(32);
        for wrong in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{zeros}-{span}-01"),
            format!("00-{trace}x-{span}-01"),
            format!("00-{trace}-+{}-01", &span[1..]),
        ] {
            assert!(parsed(&wrong).is_none(), "{wrong}");
        }
    }
}
