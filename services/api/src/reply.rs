//! From an answer to a response: what clients accept decides how it is dressed.

use axum::body::Body;
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bus::Payload;
use error::{Code, Error};

use crate::routes::Route;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
pub(crate) const TEXT_JSON: HeaderValue = HeaderValue::from_static("text/json; charset=utf-8");
pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The moment a read describes, in milliseconds since 1970 UTC.
pub(crate) const AS_OF: HeaderName = HeaderName::from_static("x-as-of");
/// How far the session was synchronised at that moment.
pub(crate) const SYNC: HeaderName = HeaderName::from_static("x-sync");

/// How the client wants texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dress {
    /// As they are.
    Bare,
    /// As JSON strings, of type application/json.
    Json,
    /// As JSON strings, of type text/json.
    TextJson,
}

/// Chooses by the Accept header. A list that holds `*/*` is not negotiated at all: browsers and HTTP libraries
/// send such lists without meaning them.
fn dress(headers: &HeaderMap) -> Dress {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges: Vec<(&str, f32)> = values.flat_map(|value| value.split(',')).map(range).collect();
    if ranges.iter().any(|(kind, _)| *kind == "*/*") {
        return Dress::Bare;
    }
    ranges.retain(|(_, quality)| *quality > 0.0);
    ranges.sort_by(|one, other| other.1.total_cmp(&one.1));
    let known = |kind: &str| match kind.to_ascii_lowercase().as_str() {
        "text/plain" | "text/*" => Some(Dress::Bare),
        "application/json" | "application/*" => Some(Dress::Json),
        "text/json" => Some(Dress::TextJson),
        _ => None,
    };
    ranges.iter().find_map(|(kind, _)| known(kind)).unwrap_or(Dress::Bare)
}

/// One media range with its quality.
fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
    (kind, quality)
}

/// True when the client is a browser that shows pages.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|text| range(text).0.eq_ignore_ascii_case("text/html"))
}

/// A successful reply.
pub(crate) fn success(headers: &HeaderMap, payload: Payload) -> Response {
    let (kind, body) = match (payload, dress(headers)) {
        (Payload::Text(text), Dress::Bare) => (TEXT, Body::from(text)),
        (Payload::Text(text), dress) => {
            (json_type(dress), Body::from(serde_json::Value::String(text).to_string()))
        }
        (Payload::Json(json), dress) => (json_type(dress), Body::from(json)),
        (Payload::Html(page), _) => (HTML, Body::from(page)),
    };
    respond(StatusCode::OK, kind, body)
}

/// An error, always as JSON.
pub(crate) fn failure(status: StatusCode, headers: &HeaderMap, error: &Error) -> Response {
    let body = serde_json::to_vec(error).unwrap_or_default();
    respond(status, json_type(dress(headers)), body.into())
}

/// A known path with a method it does not have.
pub(crate) fn method_not_allowed(route: &Route, headers: &HeaderMap) -> Response {
    let allowed = route.allowed();
    let error = Error::new(Code::MethodNotSupported, format!("This path answers {allowed} only."));
    let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, headers, &error);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// A response of a given type.
pub(crate) fn respond(status: StatusCode, kind: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn json_type(dress: Dress) -> HeaderValue {
    if dress == Dress::TextJson { TEXT_JSON } else { JSON }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_decides_how_a_text_is_dressed() {
        let cases = [
            (None, Dress::Bare),
            (Some("*/*"), Dress::Bare),
            (Some("application/json, text/plain, */*"), Dress::Bare),
            (Some("text/plain"), Dress::Bare),
            (Some("application/json"), Dress::Json),
            (Some("Application/JSON; charset=utf-8"), Dress::Json),
            (Some("text/json"), Dress::TextJson),
            (Some("text/plain;q=0.5, application/json"), Dress::Json),
            (Some("application/json;q=0.5, text/plain"), Dress::Bare),
            (Some("application/json, text/json"), Dress::Json),
            (Some("application/xml"), Dress::Bare),
            (Some("application/json;q=0"), Dress::Bare),
            (Some(""), Dress::Bare),
        ];
        for (accept, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(dress(&headers), expected, "{accept:?}");
        }
    }
}
