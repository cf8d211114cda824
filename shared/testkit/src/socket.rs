//! A WebSocket that listens to events.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::wait::in_time;

/// An open stream of envelopes.
#[derive(Debug)]
pub struct Events {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this close code.
    Closed(u16),
    /// Without a goodbye.
    Broken,
}

impl Events {
    /// Opens a stream.
    ///
    /// # Panics
    /// If it is not upgraded.
    pub async fn open(url: &str) -> Self {
        let opened = in_time("a WebSocket opens", connect_async(url)).await;
        let (socket, _) = opened.unwrap_or_else(|error| panic!("{url}: {error}"));
        Self { socket }
    }

    /// Opens a stream with the token of its session in a header.
    ///
    /// # Panics
    /// If it is not upgraded.
    pub async fn open_as(url: &str, token: &str) -> Self {
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        let opened = in_time("a WebSocket opens", connect_async(request)).await;
        let (socket, _) = opened.unwrap_or_else(|error| panic!("{url}: {error}"));
        Self { socket }
    }

    /// Opens a stream of a server that may be gone.
    pub async fn try_open(url: &str) -> Option<Self> {
        let (socket, _) = in_time("a WebSocket opens or not", connect_async(url)).await.ok()?;
        Some(Self { socket })
    }

    /// The next envelope within a time, or why there is none; `None` if nothing came.
    pub async fn try_next(&mut self, time: Duration) -> Option<Result<Value, Ended>> {
        tokio::time::timeout(time, self.receive()).await.ok()
    }

    /// The next envelope.
    ///
    /// # Panics
    /// If the stream ends instead.
    pub async fn next(&mut self) -> Value {
        self.receive().await.unwrap_or_else(|ended| panic!("the stream ended: {ended:?}"))
    }

    /// The first envelope that fits; others are passed over.
    ///
    /// # Panics
    /// If none comes.
    pub async fn until(&mut self, what: &str, mut fits: impl FnMut(&Value) -> bool) -> Value {
        let search = async {
            loop {
                let envelope = self.next().await;
                if fits(&envelope) {
                    return envelope;
                }
            }
        };
        in_time(what, search).await
    }

    /// Reads on to the end of the stream.
    pub async fn end(&mut self) -> Ended {
        let drain = async {
            loop {
                if let Err(ended) = self.receive().await {
                    return ended;
                }
            }
        };
        in_time("the stream ends", drain).await
    }

    async fn receive(&mut self) -> Result<Value, Ended> {
        loop {
            match in_time("an event arrives", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("a frame is one JSON text"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or(Ended::Broken, |frame| Ended::Closed(frame.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Ended::Broken),
            }
        }
    }
}
