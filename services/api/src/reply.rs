//! From an answer to a response: what the client accepts decides how it is dressed.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bus::{Body as Reply, Payload};
use error::{Code, Error, Outcome};

use crate::accept::{Accept, Dress};
use crate::replies::{StreamedBody, counted};
use crate::routes::Route;
use crate::shares::Share;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
pub(crate) const TEXT_JSON: HeaderValue = HeaderValue::from_static("text/json; charset=utf-8");
pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Pages load what this service has, talk to it alone, and are shown in no other page.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);
/// Errors of RFC 9457; the type has no charset.
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The moment a read describes, in milliseconds since 1970 UTC.
pub(crate) const AS_OF: HeaderName = HeaderName::from_static("x-as-of");
/// How far the session was synchronised at that moment.
pub(crate) const SYNC: HeaderName = HeaderName::from_static("x-sync");
/// What became of the trade request of a call.
pub(crate) const OUTCOME: HeaderName = HeaderName::from_static("x-outcome");

/// That the trial or the licence of this service ends soon, or has ended.
pub(crate) const NOTICE: HeaderName = HeaderName::from_static("x-license-notice");

/// Says that a call was not done: the answer is that to an earlier one.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The names of parameters that a trade does not know.
pub(crate) const IGNORED: HeaderName = HeaderName::from_static("x-ignored-parameters");
/// So many of them are told, each cut to so many characters.
const IGNORED_MAX: usize = 16;
const IGNORED_CHARS_MAX: usize = 64;

/// The status of errors unless a client chose another one. Clients of this interface tell success by 200 alone.
pub(crate) const ERROR_STATUS: StatusCode = StatusCode::CREATED;

/// When to try again, in seconds: limits here are about what goes on at the moment.
const SOON: HeaderValue = HeaderValue::from_static("1");

/// A successful reply, which has its share of what may be on its way until it is written.
pub(crate) fn success(accept: Accept, reply: Reply, share: Option<Share>) -> Response {
    let payload = match reply {
        Reply::Whole(payload) => payload,
        Reply::Streamed(streamed) => {
            let body = Body::new(StreamedBody::new(streamed, share));
            return respond(StatusCode::OK, json_type(accept.dress), body);
        }
    };
    let (kind, body) = match (payload, accept.dress) {
        (Payload::Html(page), _) => return page_of(counted(page.into(), share.map(Arc::new)).into()),
        (Payload::Text(text), Dress::Bare) => (TEXT, text.into()),
        (Payload::Text(text), dress) => {
            (json_type(dress), serde_json::Value::String(text).to_string().into())
        }
        (Payload::Json(json), dress) => (json_type(dress), json),
    };
    respond(StatusCode::OK, kind, counted(body, share.map(Arc::new)).into())
}

/// A call that failed. The status is for clients of the known interface; strict ones get that of the code.
pub(crate) fn failure(status: StatusCode, accept: Accept, error: &Error) -> Response {
    if accept.problems { problem(None, error) } else { known_error(status, accept, error) }
}

/// A request that HTTP itself has a status for, the same for all clients.
pub(crate) fn refusal(status: StatusCode, accept: Accept, error: &Error) -> Response {
    if accept.problems { problem(Some(status), error) } else { known_error(status, accept, error) }
}

/// An error as clients of the known interface have it.
fn known_error(status: StatusCode, accept: Accept, error: &Error) -> Response {
    let body = serde_json::to_vec(error).unwrap_or_default();
    with_outcome(respond(status, json_type(accept.dress), body.into()), error.outcome())
}

/// An error for a client that goes by HTTP.
fn problem(status: Option<StatusCode>, error: &Error) -> Response {
    let problem = error.problem(status.map(|status| status.as_u16()));
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = calls::json(&problem).unwrap_or_default();
    let mut response = respond(status, PROBLEM, body.into());
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response.headers_mut().insert(RETRY_AFTER, SOON);
    }
    with_outcome(response, error.outcome())
}

/// Adds what became of a trade request, if the call was one.
pub(crate) fn with_outcome(mut response: Response, outcome: Option<Outcome>) -> Response {
    if let Some(outcome) = outcome {
        response.headers_mut().insert(OUTCOME, HeaderValue::from_static(outcome.as_str()));
    }
    response
}

/// Adds the names of parameters that were ignored, as far as a header has room and signs for them.
pub(crate) fn with_ignored(mut response: Response, names: &[String]) -> Response {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    let shown = |name: &String| {
        name.chars().take(IGNORED_CHARS_MAX).map(|c| if is_plain(c) { c } else { '?' }).collect::<String>()
    };
    let mut told: Vec<String> = names.iter().take(IGNORED_MAX).map(shown).collect();
    if names.len() > IGNORED_MAX {
        told.push("...".to_owned());
    }
    if let Some(told) = HeaderValue::from_str(&told.join(", ")).ok().filter(|told| !told.is_empty()) {
        response.headers_mut().insert(IGNORED, told);
    }
    response
}

/// A known path with a method it does not have.
pub(crate) fn method_not_allowed(route: &Route, accept: Accept) -> Response {
    let allowed = route.allowed();
    let error = Error::new(Code::MethodNotSupported, format!("This path answers {allowed} only."));
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, accept, &route.refused(error));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Keeps caches from answering in our place, unless the response says itself how long it holds: a GET may send an order,
/// and what was true of an account a moment ago is not any more.
pub(crate) fn uncached(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A response of a given type.
pub(crate) fn respond(status: StatusCode, kind: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A page for browsers, which may do what [`PAGE_POLICY`] says. Its address may hold a token, which nobody else is told.
pub(crate) fn page_of(body: Body) -> Response {
    let mut response = respond(StatusCode::OK, HTML, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn json_type(dress: Dress) -> HeaderValue {
    if dress == Dress::TextJson { TEXT_JSON } else { JSON }
}
