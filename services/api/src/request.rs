//! From a request to the parameters of a call.

mod multipart;

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode, Uri};
use calls::Params;
use error::{Code, Error};
use http_body_util::LengthLimitError;
use serde_json::Value;

use crate::auth::{self, Gate};

/// The longest idempotency key: longer than any UUID or hash.
const IDEMPOTENCY_KEY_CHARS_MAX: usize = 128;

/// Statuses whose replies have no body (RFC 9110), so no room for an error.
const WITHOUT_BODY: [u16; 3] = [204, 205, 304];

/// A request that never became a call: the HTTP status and the reason.
pub(crate) type Refusal = (StatusCode, Error);

/// The pairs of the query.
pub(crate) fn query_params(uri: &Uri) -> Params {
    form_pairs(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default()
}

/// The pairs of a POST body: in parts when its content type says so, else JSON or a form, whatever it claims.
/// `files` are the names of parameters that are files.
pub(crate) async fn body_params(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    files: &[&str],
) -> Result<Params, Refusal> {
    let too_large = || {
        let text = format!("The body may have {bytes_max} bytes at most.");
        (StatusCode::PAYLOAD_TOO_LARGE, Error::new(Code::InvalidData, text))
    };
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > bytes_max) {
        return Err(too_large());
    }
    let bytes = axum::body::to_bytes(body, bytes_max).await.map_err(|reason| {
        if reason.into_inner().is::<LengthLimitError>() {
            too_large()
        } else {
            unreadable("The body ended before all of it had come.")
        }
    })?;
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return multipart::params(kind, bytes, files).await;
    }
    let text = bytes.trim_ascii();
    if text.first() == Some(&b'{') {
        return json_pairs(text).ok_or_else(|| {
            unreadable("The body should be one flat JSON object: names with texts, numbers, booleans or lists of them.")
        });
    }
    form_pairs(text).ok_or_else(|| unreadable("The body should be a JSON object or a form."))
}

fn unreadable(text: impl Into<Cow<'static, str>>) -> Refusal {
    (StatusCode::BAD_REQUEST, Error::new(Code::InvalidData, text))
}

fn form_pairs(text: &[u8]) -> Option<Params> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(text).ok()?;
    Some(pairs.into_iter().collect())
}

fn json_pairs(text: &[u8]) -> Option<Params> {
    let Value::Object(fields) = serde_json::from_slice(text).ok()? else { return None };
    let mut params = Params::new();
    for (name, value) in fields {
        match value {
            Value::Array(items) => {
                for item in items {
                    params.push(name.clone(), scalar(item)?);
                }
            }
            value => params.push(name, scalar(value)?),
        }
    }
    Some(params)
}

/// The text of a JSON scalar; null counts as absent, so as empty.
fn scalar(value: Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Takes the token from header `Authorization: Bearer TOKEN` where no parameter of these names it. What lets somebody in is none.
pub(crate) fn add_bearer(headers: &HeaderMap, params: &mut Params, names: &[&str], gate: &Gate) {
    if names.iter().any(|name| params.get(name).is_some()) {
        return;
    }
    if let Some(token) = auth::bearer(headers).filter(|token| !gate.is_credential(token)) {
        params.push("id", token);
    }
}

/// The key under which repeated calls are one call: a header, or a parameter, since most calls are GET.
pub(crate) fn idempotency_key(headers: &HeaderMap, params: &Params) -> Result<Option<String>, Error> {
    let header = headers.get("idempotency-key").map(|key| key.to_str().unwrap_or("\u{fffd}"));
    let header = header.filter(|key| !key.is_empty());
    let Some(key) = header.or_else(|| params.get("idempotencyKey")) else { return Ok(None) };
    if params.get("idempotencyKey").is_some_and(|named| named != key) {
        let as_header = "the same key as the header Idempotency-Key has, or only one of the two";
        return Err(Error::invalid_param("idempotencyKey", key, as_header));
    }
    if key.len() > IDEMPOTENCY_KEY_CHARS_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::invalid_param("idempotencyKey", key, "up to 128 visible ASCII characters"));
    }
    Ok(Some(key.to_owned()))
}

/// The status that errors of this call should have, if the call asks for one.
pub(crate) fn error_status(params: &Params) -> Result<Option<StatusCode>, Error> {
    let Some(text) = params.get("errorReplyStatusCode") else { return Ok(None) };
    let has_body = |status: &u16| (200..=599).contains(status) && !WITHOUT_BODY.contains(status);
    let status = text.trim().parse().ok().filter(has_body);
    status.and_then(|status| StatusCode::from_u16(status).ok()).map(Some).ok_or_else(|| {
        Error::invalid_param(
            "errorReplyStatusCode",
            text,
            "a number from 200 to 599, of a status that comes with a body",
        )
    })
}

#[cfg(test)]
mod tests {
    use axum::http::header::AUTHORIZATION;
    use futures_util::stream;

    use super::*;

    async fn body(kind: &str, text: &'static str) -> Result<Params, StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        body_params(&headers, Body::from(text), 64, &[]).await.map_err(|(status, _)| status)
    }

    #[tokio::test]
    async fn bodies_are_read_as_json_or_form() {
        let json = body("application/json", r#"{"user":5,"a":["x",true],"n":null}"#).await.unwrap();
        assert_eq!(json.get("USER"), Some("5"));
        assert_eq!(json.list("a").collect::<Vec<_>>(), ["x", "true"]);
        assert_eq!(json.get("n"), None);
        let form = body("application/x-www-form-urlencoded", "user=5&password=a%2Bb+c").await.unwrap();
        assert_eq!(form.get("password"), Some("a+b c"));
        assert_eq!(body("text/plain", "").await.unwrap().pairs().count(), 0);
    }

    #[tokio::test]
    async fn unreadable_bodies_are_refused() {
        let cases = [
            ("application/json", r#"{"user":{"deep":1}}"#, StatusCode::BAD_REQUEST),
            ("application/json", r#"{"user":"#, StatusCode::BAD_REQUEST),
            ("Multipart/Form-Data; boundary=x", "--x", StatusCode::BAD_REQUEST),
            ("multipart/related; boundary=x", "--x--", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (
                "application/json",
                r#"{"user":"01234567890123456789012345678901234567890123456789012345678901234567890"}"#,
                StatusCode::PAYLOAD_TOO_LARGE,
            ),
        ];
        for (kind, text, status) in cases {
            assert_eq!(body(kind, text).await.unwrap_err(), status, "{text}");
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_not_too_large() {
        let broken = || Body::from_stream(stream::iter([Ok("user=5"), Err(std::io::Error::other("gone"))]));
        let (status, error) = body_params(&HeaderMap::new(), broken(), 64, &[]).await.unwrap_err();
        assert_eq!((status, error.code()), (StatusCode::BAD_REQUEST, Code::InvalidData));
        let (status, _) = body_params(&HeaderMap::new(), broken(), 3, &[]).await.unwrap_err();
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn a_token_in_a_header_counts_where_no_parameter_names_one() {
        let token = |header: &'static str, query: &[(&str, &str)]| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, header.parse().unwrap())]);
            let mut params = query.iter().copied().collect();
            add_bearer(&headers, &mut params, &["id", "ids"], &Gate::open());
            params.get("id").map(str::to_owned)
        };
        assert_eq!(token("Bearer abc", &[]).as_deref(), Some("abc"));
        assert_eq!(token("bearer  a-b", &[("id", "")]).as_deref(), Some("a-b"));
        assert_eq!(token("Bearer abc", &[("ID", "x")]).as_deref(), Some("x"), "the query wins");
        assert_eq!(token("Bearer abc", &[("ids", "x,y")]), None);
        assert_eq!(token("Bearer mt5r_live_ab12CD34_Zz09", &[]), None, "a key, though not a whole one");
        assert_eq!(token("Basic abc", &[]), None);
        assert_eq!(token("Bearer", &[]), None);
    }

    #[test]
    fn only_statuses_of_final_replies_are_accepted() {
        let status = |text: &str| error_status(&Params::from_iter([("ErrorReplyStatusCode", text)]));
        assert_eq!(status("400").unwrap(), Some(StatusCode::BAD_REQUEST));
        assert_eq!(status("").unwrap(), None);
        assert!(["100", "600", "204", "304", "x", "-1"].into_iter().all(|text| status(text).is_err()));
    }
}
