//! Browsers may call from any page: the token in the request is what grants access, never a cookie, so there is
//! nothing another page could borrow.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

const ANY: HeaderValue = HeaderValue::from_static("*");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "X-As-Of, X-Sync, X-Outcome, X-Ignored-Parameters, Idempotent-Replayed, Retry-After",
);
/// A day, in seconds: the rules here do not change while a process lives.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("86400");

/// The answer to a browser that asks before it calls.
pub(crate) fn preflight(headers: &HeaderMap) -> Response {
    let mut response = allow(Response::new(Body::empty()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let wanted = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(ANY);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
    response
}

/// Lets any page read the response.
pub(crate) fn allow(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    response
}
