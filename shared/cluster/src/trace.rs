//! The trace that a call belongs to goes with it from process to process.

use hyper::header::{HeaderMap, HeaderValue};
use tracing::Span;

use crate::protocol::header::TRACE;

/// The context of the present span, or a new one.
pub(crate) fn outgoing() -> HeaderValue {
    let (trace, span): (u128, u64) = (rand::random_range(1..=u128::MAX), rand::random_range(1..=u64::MAX));
    HeaderValue::try_from(format!("00-{trace:032x}-{span:016x}-01"))
        .unwrap_or(HeaderValue::from_static("invalid"))
}

/// The span of a call that another process sent.
pub(crate) fn incoming(headers: &HeaderMap, call: &str) -> Span {
    let trace = headers.get(TRACE).and_then(|trace| trace.to_str().ok()).unwrap_or_default();
    tracing::info_span!("call", call, trace)
}
