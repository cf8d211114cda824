//! A client so small that every byte it sends is in sight.

use std::collections::HashMap;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backend::World;

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The error code, after a check that the body is an error and nothing else.
    pub(crate) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"));
        let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["message", "code", "stackTrace"], "{self:?}");
        assert!(body["stackTrace"].is_null() && !body["message"].as_str().unwrap().is_empty());
        let code = body["code"].as_str().unwrap();
        assert!(error::Code::from_name(code).is_some(), "{code}");
        code.to_owned()
    }
}

impl Reply {
    /// The body, after a check that it is a problem of RFC 9457 and fits its status.
    pub(crate) fn problem(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"));
        assert_eq!(body["status"], self.status, "{self:?}");
        assert!(body["type"].as_str().unwrap().ends_with(body["code"].as_str().unwrap()));
        assert!(!body["title"].as_str().unwrap().is_empty() && !body["detail"].as_str().unwrap().is_empty());
        body
    }
}

impl World {
    /// A GET without any header but the needed ones.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", path, headers, "").await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        // Also a handshake that is refused must end here.
        let closing = |name: &str| name == "Connection";
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, if closing(name) { "Upgrade, close" } else { *value }))
            .collect();
        let mut socket = self.begin(method, path, &headers, body).await;
        let mut raw = Vec::new();
        socket.read_to_end(&mut raw).await.unwrap();
        parsed(&String::from_utf8(raw).unwrap())
    }

    /// Sends a request and leaves the answer to the caller.
    pub(crate) async fn begin(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> TcpStream {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if headers.iter().all(|(name, _)| *name != "Connection") {
            head += "Connection: close\r\n";
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut socket = TcpStream::connect(&self.address).await.unwrap();
        socket.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        socket
    }
}

pub(crate) fn parsed(raw: &str) -> Reply {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Reply { status, headers, body: body.to_owned() }
}
