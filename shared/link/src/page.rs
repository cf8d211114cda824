//! The page of older gateways (protocol, section 16): a document beside the Web Terminal that says where its
//! WebSocket is, and brings token and session key.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::connection::{Opening, Stream};
use crate::reach::Reach;
use crate::{Endpoint, LinkError, Proxy, Scheme};

/// The document must come within this time.
const PAGE_LIMIT: Duration = Duration::from_secs(10);
/// Longest answer, head and all. The document has some hundred bytes.
const ANSWER_MAX: usize = 64 * 1024;
/// Most lines in the head of an answer.
const FIELDS_MAX: usize = 64;
/// Ends the head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What a page says.
pub(crate) struct Page {
    /// Where the WebSocket is.
    pub(crate) server: Endpoint,
    /// Whether it is encrypted.
    pub(crate) scheme: Scheme,
    /// What to open it with.
    pub(crate) opening: Opening,
}

/// The document as it is written.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    signal_server: String,
    key: String,
    token: String,
    enabled: Option<Value>,
}

/// Asks for the document. `None`: there is none, or it cannot be used. Redirections are not followed: they could lead
/// anywhere.
///
/// # Errors
/// [`LinkError::Disabled`] if the document says so, else why nobody can be asked.
pub(crate) async fn ask(
    reach: &Reach,
    endpoint: &Endpoint,
    scheme: Scheme,
    proxy: Option<&Proxy>,
) -> Result<Option<Page>, LinkError> {
    let mut stream = reach.open(endpoint, scheme, proxy).await?.stream;
    let answer = timeout(PAGE_LIMIT, fetch(&mut stream, endpoint)).await;
    let read = answer.unwrap_or_else(|_| Err("nothing in time".into()));
    let read = read.and_then(|body| serde_json::from_slice(&body).map_err(|cause| cause.to_string()));
    let document: Document = match read {
        Ok(document) => document,
        Err(cause) => {
            tracing::debug!(%endpoint, cause, "the page gives no document");
            return Ok(None);
        }
    };
    if matches!(&document.enabled, Some(given) if *given == Value::Bool(false) || given.as_u64() == Some(0)) {
        return Err(LinkError::Disabled { address: endpoint.authority() });
    }
    let page = document.page(scheme);
    if page.is_none() {
        tracing::warn!(%endpoint, "the document of the page cannot be used");
    }
    Ok(page)
}

impl Document {
    fn page(&self, scheme: Scheme) -> Option<Page> {
        let named = self.signal_server.trim();
        // Without a name of its own the socket is as safe as the page.
        let server = match scheme {
            _ if named.contains("://") => Endpoint::parse(named, None),
            Scheme::Ws => Endpoint::parse(&format!("ws://{named}"), None),
            Scheme::Wss => Endpoint::parse(&format!("wss://{named}"), None),
        };
        let server = server.ok()?;
        let own = server.scheme?;
        // Who got the page over TLS is not sent to where everybody can read.
        if scheme == Scheme::Wss && own == Scheme::Ws {
            return None;
        }
        let mut key = [0; 32];
        hex::decode_to_slice(&self.key, &mut key).ok()?;
        hex::decode_to_slice(&self.token, &mut [0; 32]).ok()?;
        // Its digits are sent, not what they stand for.
        let token = self.token.as_bytes().try_into().ok()?;
        Some(Page { server, scheme: own, opening: Opening { token, key: Some(key) } })
    }
}

async fn fetch(stream: &mut Stream, endpoint: &Endpoint) -> Result<Vec<u8>, String> {
    let path = endpoint.path.split('?').next().unwrap_or_default().trim_end_matches('/');
    let request = format!(
        "GET {path}/json HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
        endpoint.authority()
    );
    let broken = |cause: std::io::Error| cause.to_string();
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    let mut answer = Vec::new();
    let head = loop {
        let known = answer.len().saturating_sub(HEAD_END.len() - 1);
        if !more(stream, &mut answer).await? {
            return Err("the answer ends early".into());
        }
        let end = answer[known..].windows(HEAD_END.len()).position(|bytes| bytes == HEAD_END);
        if let Some(end) = end {
            break read_head(&answer[..known + end + HEAD_END.len()])?;
        }
    };
    let wanted = head.body_length.map(|length| head.length.saturating_add(length));
    while wanted.is_none_or(|wanted| answer.len() < wanted) && more(stream, &mut answer).await? {}
    let mut body = answer.split_off(head.length);
    match head.body_length {
        _ if head.is_chunked => unchunk(&body),
        Some(length) if body.len() < length => Err("the answer ends early".into()),
        Some(length) => {
            body.truncate(length);
            Ok(body)
        }
        None => Ok(body),
    }
}

/// Reads on; `false` at the end.
async fn more(stream: &mut Stream, answer: &mut Vec<u8>) -> Result<bool, String> {
    let left = ANSWER_MAX.saturating_sub(answer.len());
    if left == 0 {
        return Err("the answer is too long".into());
    }
    match stream.take(left as u64).read_buf(answer).await {
        Ok(count) => Ok(count > 0),
        // TLS that ends without saying so: what came may be all the same.
        Err(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(cause) => Err(cause.to_string()),
    }
}

/// What the head of an answer says of its body.
#[derive(Default)]
struct Head {
    /// Bytes of the head.
    length: usize,
    /// Bytes; none: up to the end.
    body_length: Option<usize>,
    is_chunked: bool,
}

fn read_head(raw: &[u8]) -> Result<Head, String> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut answer = httparse::Response::new(&mut fields);
    answer.parse(raw).map_err(|cause| cause.to_string())?;
    if answer.code != Some(200) {
        return Err(format!("the answer is {}", answer.code.unwrap_or_default()));
    }
    let mut head = Head { length: raw.len(), ..Head::default() };
    for field in answer.headers.iter() {
        let value = String::from_utf8_lossy(field.value);
        if field.name.eq_ignore_ascii_case("transfer-encoding") {
            head.is_chunked = value.trim().eq_ignore_ascii_case("chunked");
        } else if field.name.eq_ignore_ascii_case("content-length") {
            head.body_length = Some(value.trim().parse().map_err(|_| "the answer has no length")?);
        }
    }
    if head.is_chunked {
        head.body_length = None;
    }
    Ok(head)
}

/// The pieces of a body, put together.
fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>, String> {
    let damaged = || "the answer ends early".to_owned();
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((begin, length))) = httparse::parse_chunk_size(rest) else {
            return Err(damaged());
        };
        if length == 0 {
            return Ok(body);
        }
        let end = usize::try_from(length).ok().and_then(|length| begin.checked_add(length));
        let end = end.ok_or_else(damaged)?;
        body.extend_from_slice(rest.get(begin..end).ok_or_else(damaged)?);
        rest = rest.get(end..).and_then(|rest| rest.strip_prefix(b"\r\n")).ok_or_else(damaged)?;
    }
}
