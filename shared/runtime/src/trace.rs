//! The trace that a call belongs to goes with it from client to api and from process to process, as the W3C has it:
//! `00-TRACE-SPAN-FLAGS`. Log lines carry it, so that those of two processes can be brought together.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header that it goes in.
pub const TRACE_HEADER: &str = "traceparent";

/// The present span's context for another process, if it has one.
#[must_use]
pub fn outgoing_trace() -> Option<String> {
    let context = Span::current().context();
    let present = context.span().span_context().clone();
    let (trace, span, flags) = (present.trace_id(), present.span_id(), present.trace_flags());
    present.is_valid().then(|| format!("00-{trace}-{span}-{flags:02x}"))
}

/// The span of a call, as a child of the span of whoever sent it with this header. A read that nobody traces has none:
/// it would cost a fifth of such a call.
pub fn call_span(header: Option<&str>, call: &str, only_reads: bool) -> Span {
    let parent = header.and_then(parsed);
    if parent.is_none() && only_reads {
        return Span::none();
    }
    let span = tracing::info_span!("call", call, trace = Empty);
    if let Some(parent) = parent {
        // It fails where spans have no place in a trace, which is no failure.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    let trace = span.context().span().span_context().trace_id();
    if trace != TraceId::INVALID {
        span.record("trace", trace.to_string());
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
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_header_is_read_as_it_is_written() {
        let collector = tracing_subscriber::registry().with(crate::telemetry::spans());
        let _here = tracing::subscriber::set_default(collector);
        let (trace, wanted) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331-01");
        let sent = |header: Option<&str>, only_reads| {
            call_span(header, "OrderSend", only_reads).in_scope(outgoing_trace)
        };
        let made = sent(Some(&format!("00-{trace}-{wanted}")), true).unwrap();
        let read = parsed(&made).unwrap();
        assert!(read.is_remote() && read.is_sampled());
        assert_eq!(format!("00-{}-{}-01", read.trace_id(), read.span_id()), made);
        assert!(
            made.contains(trace) && !made.ends_with(wanted),
            "a span of its own in the same trace: {made}"
        );
        let (one, two) = (sent(None, false).unwrap(), sent(None, false).unwrap());
        assert_ne!(one[..35], two[..35], "each change has a trace of its own");
        assert_eq!(sent(None, true), None);
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
