//! A small HTTP client: one connection per request, every byte of the reply.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::HOST;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use runtime::Tasks;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::wait::in_time;

/// Calls one server.
#[derive(Clone, Debug)]
pub struct Client {
    address: String,
    /// The connections under way.
    tasks: Tasks,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Reply {
    /// The value of a header; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The body of a success.
    ///
    /// # Panics
    /// If the status is not 200.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{self:?}");
        self
    }

    /// The code of a refusal, with the status such calls have by contract.
    ///
    /// # Panics
    /// If it is not one.
    #[track_caller]
    pub fn refused(&self) -> String {
        assert_eq!(self.status, 201, "{self:?}");
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Client {
    /// A client of the server at `host:port`.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into(), tasks: Tasks::new() }
    }

    /// The server's address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], "").await
    }

    /// Sends a GET to a server that may be gone. `None`: there was no whole reply in time.
    pub async fn try_get(&self, path: &str, time: Duration) -> Option<Reply> {
        let request = Request::builder().uri(path).header(HOST, &self.address).body(Full::default()).unwrap();
        tokio::time::timeout(time, self.exchange(request)).await.ok()?.ok()
    }

    /// Sends a GET with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(Method::GET, path, headers, "").await
    }

    /// Sends a POST.
    pub async fn post(&self, path: &str, content_type: &str, body: &str) -> Reply {
        self.send(Method::POST, path, &[("content-type", content_type)], body.to_owned()).await
    }

    /// Sends a POST whose body is no text.
    pub async fn post_bytes(&self, path: &str, content_type: &str, body: Vec<u8>) -> Reply {
        self.send(Method::POST, path, &[("content-type", content_type)], body).await
    }

    /// Sends JSON by any method; no body at all if it is empty.
    ///
    /// # Panics
    /// If there is no such method.
    pub async fn json(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut headers = headers.to_vec();
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        self.send(method.parse().unwrap(), path, &headers, body.to_owned()).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let what = format!("{method} {path}");
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        in_time(&what, self.exchange(request))
            .await
            .unwrap_or_else(|error| panic!("{what} at {}: {error}", self.address))
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        self.tasks.spawn(connection);
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let text =
            |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }
}

/// Text made safe inside a query.
pub fn percent_encoded(text: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if safe(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
