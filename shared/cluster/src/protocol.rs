//! What processes say to each other: HTTP/1.1, bodies of JSON, one path for each method of [`Owner`](crate::Owner).
//!
//! A reply is forwarded to the client as the worker made it, so it is the body as it is; all that is said about it stands
//! in headers.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Caller;
use bus::{Answer, Ask, Params, Payload, Topic, Topics};
use bytes::Bytes;
use calls::CallId;
use error::{Carried, Error};
use http_body_util::Full;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Interested, Reply};

/// Where each thing is asked for.
pub(crate) mod path {
    /// A call.
    pub(crate) const ASK: &str = "/inner/ask";
    /// A call of somebody in particular: a worker that knows of no callers must not take it for everybody's.
    pub(crate) const ASK_FOR: &str = "/inner/ask-for";
    /// A trade that is to be tried only. A worker that does not know what that is would send it, and has nothing here.
    pub(crate) const DRY_RUN: &str = "/inner/dry-run";
    /// What became of an answer.
    pub(crate) const DELIVERED: &str = "/inner/delivered";
    /// What a process listens to.
    pub(crate) const INTEREST: &str = "/inner/interest";
    /// To take over a session of a dead owner.
    pub(crate) const ADOPT: &str = "/inner/adopt";
    /// To log in beside the owner.
    pub(crate) const PREPARE: &str = "/inner/prepare";
    /// To act for a session that was given.
    pub(crate) const ACTIVATE: &str = "/inner/activate";
    /// Whether the caller is known.
    pub(crate) const GREETING: &str = "/inner/greeting";
    /// Whether the process runs.
    pub(crate) const HEALTH: &str = "/healthz";
    /// Whether it serves.
    pub(crate) const READY: &str = "/readyz";
}

/// What is said beside a body.
pub(crate) mod header {
    use super::HeaderName;

    /// The call's name.
    pub(crate) const CALL: HeaderName = HeaderName::from_static("x-call");
    /// How long the caller still waits, in milliseconds: machines need not agree on the time.
    pub(crate) const LEFT_MS: HeaderName = HeaderName::from_static("x-left-ms");
    /// The kind of a payload.
    pub(crate) const PAYLOAD: HeaderName = HeaderName::from_static("x-payload");
    /// The moment a reply describes.
    pub(crate) const AS_OF: HeaderName = HeaderName::from_static("x-as-of");
    /// How far the session was synchronised then.
    pub(crate) const SYNC: HeaderName = HeaderName::from_static("x-sync");
    /// The HTTP status of errors that the session was connected with.
    pub(crate) const ERROR_STATUS: HeaderName = HeaderName::from_static("x-error-status");
    /// Whether it is the reply to an earlier call.
    pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("x-replayed");
    /// By what name the worker wants to hear what becomes of a reply.
    pub(crate) const RECEIPT: HeaderName = HeaderName::from_static("x-receipt");
    /// What else the caller should know of the service.
    pub(crate) const NOTICE: HeaderName = HeaderName::from_static("x-notice");
    /// Where to ask instead.
    pub(crate) const ADDRESS: HeaderName = HeaderName::from_static("x-address");
    /// The trace that a call belongs to, as the W3C has it.
    pub(crate) const TRACE: HeaderName = HeaderName::from_static(runtime::TRACE_HEADER);
}

/// What came of a request.
pub(crate) mod status {
    use super::StatusCode;

    /// Done; the body is the payload.
    pub(crate) const ANSWERED: StatusCode = StatusCode::OK;
    /// It failed; the body is the error.
    pub(crate) const FAILED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    /// The worker does not own the session; nothing was done.
    pub(crate) const NOT_MINE: StatusCode = StatusCode::MISDIRECTED_REQUEST;
    /// Another worker is to be asked; nothing was done.
    pub(crate) const ELSEWHERE: StatusCode = StatusCode::PERMANENT_REDIRECT;
    /// The caller is not known.
    pub(crate) const NO_PASS: StatusCode = StatusCode::UNAUTHORIZED;
    /// The request makes no sense.
    pub(crate) const MALFORMED: StatusCode = StatusCode::BAD_REQUEST;
    /// Not ready.
    pub(crate) const NOT_READY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
}

/// The longest ask: a file of 1 MiB in Base64, and as much again.
pub(crate) const ASK_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The longest list of interests: 100,000 sessions.
pub(crate) const INTEREST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The longest reply: ten years of a busy account have less.
pub(crate) const REPLY_BYTES_MAX: usize = 512 * 1024 * 1024;

/// The longest time that a caller may say it waits.
const LEFT_MAX: Duration = Duration::from_secs(3600);

const JSON: HeaderValue = HeaderValue::from_static("json");
const TEXT: HeaderValue = HeaderValue::from_static("text");
const HTML: HeaderValue = HeaderValue::from_static("html");

/// The body of an ask. Ids and keys are the clients' texts and need not fit into a header. Without a caller it is everybody's.
#[derive(Serialize)]
struct AskSaid<'a> {
    #[serde(rename = "token")]
    id: Option<&'a str>,
    key: Option<&'a str>,
    params: &'a Params,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a Caller>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<IpAddr>,
}

#[derive(Deserialize)]
struct AskHeard {
    #[serde(rename = "token")]
    id: Option<String>,
    key: Option<String>,
    params: Params,
    caller: Option<Caller>,
    source: Option<IpAddr>,
}

/// The body of an ask.
pub(crate) fn ask_body(ask: &Ask) -> Result<Bytes, Error> {
    let key = ask.idempotency_key.as_deref();
    let caller = (!ask.caller.is_local()).then_some(&*ask.caller);
    encoded(&AskSaid { id: ask.id.as_deref(), key, params: &ask.params, caller, source: ask.source })
}

/// How long the caller of an ask still waits, as a header.
pub(crate) fn left(ask: &Ask) -> HeaderValue {
    let left = ask.deadline.saturating_duration_since(Instant::now());
    HeaderValue::from(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
}

/// The call that a request is for. The inner error is for a caller of another version, whose call is not known here.
pub(crate) fn call_of(headers: &HeaderMap) -> Result<Result<CallId, Error>, String> {
    let call = headers.get(header::CALL).and_then(|name| name.to_str().ok());
    Ok(call.ok_or("the name of the call is missing")?.parse())
}

/// The ask of a request.
pub(crate) fn ask_of(call: CallId, headers: &HeaderMap, body: &[u8]) -> Result<Ask, String> {
    let left = number(headers, &header::LEFT_MS).ok_or("the time left is missing")?;
    let heard: AskHeard = decoded(body)?;
    Ok(Ask {
        call,
        params: heard.params,
        id: heard.id,
        caller: heard.caller.map_or_else(Caller::local, Arc::new),
        deadline: Instant::now() + Duration::from_millis(left).min(LEFT_MAX),
        idempotency_key: heard.key,
        source: heard.source,
    })
}

/// The response that a reply is.
pub(crate) fn response_of(reply: Reply) -> Response<Full<Bytes>> {
    let answer = match reply {
        Reply::Answer(answer) => answer,
        Reply::NotMine => return plain(status::NOT_MINE, "This worker does not own the session."),
        Reply::Elsewhere(address) => {
            let mut response = plain(status::ELSEWHERE, "Ask the other worker.");
            match HeaderValue::try_from(address) {
                Ok(address) => response.headers_mut().insert(header::ADDRESS, address),
                Err(_) => return plain(status::NOT_MINE, "The address of the other worker is no address."),
            };
            return response;
        }
    };
    let mut response = match answer.result {
        Ok(payload) => {
            let (kind, body) = match payload {
                Payload::Json(json) => (JSON, json),
                Payload::Text(text) => (TEXT, text.into()),
                Payload::Html(page) => (HTML, page.into()),
            };
            let mut response = Response::new(Full::new(body));
            response.headers_mut().insert(header::PAYLOAD, kind);
            response
        }
        Err(error) => failed(&error),
    };
    let headers = response.headers_mut();
    if let Some(as_of_ms) = answer.as_of_ms {
        headers.insert(header::AS_OF, HeaderValue::from(as_of_ms));
    }
    if let Some(sync) = answer.sync.and_then(|sync| HeaderValue::from_str(&sync).ok()) {
        headers.insert(header::SYNC, sync);
    }
    if let Some(code) = answer.error_status {
        headers.insert(header::ERROR_STATUS, HeaderValue::from(code));
    }
    if answer.is_replayed {
        headers.insert(header::REPLAYED, HeaderValue::from(1));
    }
    if let Some(receipt) = answer.receipt.and_then(|receipt| HeaderValue::try_from(receipt).ok()) {
        headers.insert(header::RECEIPT, receipt);
    }
    if let Some(notice) = answer.notice.and_then(|notice| HeaderValue::try_from(notice).ok()) {
        headers.insert(header::NOTICE, notice);
    }
    response
}

/// The reply that a response is; an error is for the log.
pub(crate) fn reply_of(parts: &Parts, body: Bytes) -> Result<Reply, String> {
    let result = match parts.status {
        status::ANSWERED => Ok(payload_of(&parts.headers, body)?),
        status::FAILED => Err(error_of(&body)?),
        status::NOT_MINE => return Ok(Reply::NotMine),
        status::ELSEWHERE => {
            let address = parts.headers.get(header::ADDRESS).and_then(|address| address.to_str().ok());
            return Ok(Reply::Elsewhere(address.ok_or("an address is missing")?.to_owned()));
        }
        other => return Err(format!("status {other}: {}", shown(&body))),
    };
    Ok(Reply::Answer(answer_of(&parts.headers, result)))
}

/// An answer with all that headers say about it.
pub(crate) fn answer_of<T>(headers: &HeaderMap, result: Result<T, Error>) -> Answer<T> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Answer {
        result,
        as_of_ms: number(headers, &header::AS_OF),
        sync: text(header::SYNC).map(known_word),
        error_status: number(headers, &header::ERROR_STATUS),
        is_replayed: headers.contains_key(header::REPLAYED),
        receipt: text(header::RECEIPT).map(str::to_owned),
        notice: text(header::NOTICE).map(str::to_owned),
    }
}

/// Whether a response is a JSON document that was answered.
pub(crate) fn is_json(parts: &Parts) -> bool {
    parts.status == status::ANSWERED && parts.headers.get(header::PAYLOAD).is_some_and(|kind| kind == JSON)
}

/// The words that workers use need no memory of their own.
fn known_word(word: &str) -> Cow<'static, str> {
    const WORDS: [&str; 4] = ["synced", "connecting", "lost", "ended"];
    let known = WORDS.into_iter().find(|known| *known == word);
    known.map_or_else(|| Cow::Owned(word.to_owned()), Cow::Borrowed)
}

fn payload_of(headers: &HeaderMap, body: Bytes) -> Result<Payload, String> {
    let text = |body: Bytes| String::from_utf8(body.into()).map_err(|_| "a text is not UTF-8".to_owned());
    match headers.get(header::PAYLOAD) {
        Some(kind) if kind == JSON => Ok(Payload::Json(body)),
        Some(kind) if kind == TEXT => text(body).map(Payload::Text),
        Some(kind) if kind == HTML => text(body).map(Payload::Html),
        _ => Err("the kind of a payload is missing".to_owned()),
    }
}

/// The response that an error is.
pub(crate) fn failed(error: &Error) -> Response<Full<Bytes>> {
    match encoded(&Carried::from(error)) {
        Ok(body) => with_status(status::FAILED, body),
        Err(_) => plain(status::MALFORMED, "An error could not be written."),
    }
}

/// The error in a body.
pub(crate) fn error_of(body: &[u8]) -> Result<Error, String> {
    decoded::<Carried>(body).map(Error::from)
}

/// A response with a sentence.
pub(crate) fn plain(status: StatusCode, sentence: impl Into<Bytes>) -> Response<Full<Bytes>> {
    with_status(status, sentence.into())
}

fn with_status(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}

/// What a process listens to at a worker.
#[derive(Serialize, Deserialize)]
pub(crate) struct Interests {
    pub(crate) listener: String,
    pub(crate) ttl_ms: u64,
    pub(crate) all: Vec<InterestSaid>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct InterestSaid {
    token: String,
    topics: Vec<u8>,
    every_ms: Option<u64>,
}

impl From<&Interested> for InterestSaid {
    fn from(one: &Interested) -> Self {
        let every_ms = one.every.map(|every| u64::try_from(every.as_millis()).unwrap_or(u64::MAX));
        Self { token: one.token.clone(), topics: one.topics.iter().map(Topic::number).collect(), every_ms }
    }
}

impl From<InterestSaid> for Interested {
    /// Topics that only a newer process knows are left out.
    fn from(said: InterestSaid) -> Self {
        let topics: Topics = said.topics.into_iter().filter_map(Topic::from_number).collect();
        Self { token: said.token, topics, every: said.every_ms.map(Duration::from_millis) }
    }
}

/// The tokens of a list of interests that the worker does not own.
#[derive(Serialize, Deserialize)]
pub(crate) struct NotMine {
    pub(crate) not_mine: Vec<String>,
}

/// A session, and the fence it was given under.
#[derive(Serialize, Deserialize)]
pub(crate) struct OneSession {
    pub(crate) token: String,
    #[serde(default)]
    pub(crate) fence: u64,
}

/// What became of an answer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Delivered {
    pub(crate) token: String,
    pub(crate) receipt: String,
    pub(crate) is_written: bool,
}

/// Writes a body.
pub(crate) fn encoded(body: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body).map(Bytes::from).map_err(Error::internal)
}

/// Reads a body.
pub(crate) fn decoded<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    // Where it went wrong, and not what stood there: it may be a password.
    serde_json::from_slice(body).map_err(|wrong| {
        format!("the body is not as expected, at line {} column {}", wrong.line(), wrong.column())
    })
}

fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &HeaderName) -> Option<T> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// The beginning of a body, for the log.
pub(crate) fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned()
}

#[cfg(test)]
mod tests {
    use error::Code;

    use super::*;

    #[test]
    fn a_call_of_another_version_is_told_as_unknown() {
        let of = |name: &'static str| {
            call_of(&HeaderMap::from_iter([(header::CALL, HeaderValue::from_static(name))]))
        };
        assert_eq!(of("OrderSendSafe").unwrap().unwrap().name(), "OrderSendSafe");
        assert_eq!(of("CallOfTomorrow").unwrap().unwrap_err().code(), Code::NotFound);
        assert!(call_of(&HeaderMap::new()).is_err());
    }
}
