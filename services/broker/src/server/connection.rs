//! One client's socket: frames in, frames out.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use runtime::CancellationToken;
use socket::BoundedSocket;
use socket::tungstenite::protocol::CloseFrame;
use socket::tungstenite::protocol::frame::coding::CloseCode;
use socket::tungstenite::{Error, Message};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;
use wire::message::{Request, Response};
use wire::records::{BootstrapReply, BootstrapRequest};
use wire::{Cipher, Command, INITIAL_KEY, Payload, code, frame};

use super::client::ClientId;
use super::hub::ToHub;
use super::outbox::{Next, Outbox, Outgoing};
use crate::accounts::random_bytes;
use crate::faults::{Damage, absurd};

/// Clients that say nothing for so long are gone. Official ones ping every few seconds.
const SILENCE_MAX: Duration = Duration::from_mins(5);
/// A message that a client has not taken by then ends its connection.
const SEND_SPAN: Duration = Duration::from_secs(30);
/// Largest payload of all commands but the one that carries documents; of a longer one nothing is read, so that
/// nobody can keep the hub busy with it.
const PAYLOAD_MAX: usize = 64 << 10;
/// The version that gateways of today report.
const GATEWAY_VERSION: u16 = 5687;

/// Why a connection ended.
#[derive(Debug)]
enum End {
    /// The client left, or the socket broke.
    Left,
    /// The server goes down.
    Stopped,
    /// What came was not the protocol.
    Unreadable,
    /// A message was larger than any that clients send.
    TooLarge,
    /// The server dropped it.
    Dropped,
}

pub(super) struct Connection<S> {
    id: ClientId,
    socket: BoundedSocket<S>,
    outbox: Arc<Outbox>,
    to_hub: mpsc::Sender<ToHub>,
    cipher: Option<Cipher>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(
        id: ClientId,
        socket: BoundedSocket<S>,
        outbox: Arc<Outbox>,
        to_hub: mpsc::Sender<ToHub>,
    ) -> Self {
        Self { id, socket, outbox, to_hub, cipher: Cipher::new(&INITIAL_KEY).ok() }
    }

    /// Serves until either side ends it.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let end = tokio::select! {
            () = stop.cancelled() => End::Stopped,
            end = self.serve() => end,
        };
        let _ = self.to_hub.send(ToHub::Gone(self.id)).await;
        let close = match end {
            End::Unreadable => Some(CloseCode::Protocol),
            End::TooLarge => Some(CloseCode::Size),
            End::Stopped => Some(CloseCode::Away),
            End::Left => Some(CloseCode::Normal),
            End::Dropped => None,
        };
        if let Some(code) = close {
            let goodbye = Message::Close(Some(CloseFrame { code, reason: "".into() }));
            // A peer that reads no more shall not hold the task up.
            self.socket.finish(goodbye, Duration::from_secs(1)).await;
        }
        tracing::debug!(client = self.id.0, ?end, "connection ended");
    }

    async fn serve(&mut self) -> End {
        if let Err(end) = self.bootstrap().await {
            return end;
        }
        let joined = ToHub::Joined(self.id, Arc::clone(&self.outbox));
        if self.to_hub.send(joined).await.is_err() {
            return End::Stopped;
        }
        let mut silent_until = Instant::now() + SILENCE_MAX;
        let outbox = Arc::clone(&self.outbox);
        loop {
            let step = tokio::select! {
                () = outbox.closed() => Err(End::Dropped),
                () = tokio::time::sleep_until(silent_until) => Err(End::Dropped),
                next = outbox.next() => self.deliver(next).await,
                message = self.socket.next() => {
                    silent_until = Instant::now() + SILENCE_MAX;
                    self.take(message).await
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// The exchange of the key, under the key that everybody knows.
    async fn bootstrap(&mut self) -> Result<(), End> {
        loop {
            let received = tokio::time::timeout(SILENCE_MAX, self.socket.next()).await;
            let Some(request) = self.request(received.map_err(|_| End::Dropped)?)? else { continue };
            if Command::from_number(request.command) != Some(Command::Bootstrap) {
                return Err(End::Unreadable);
            }
            let answer =
                |code, body| Response { prefix: request.prefix, command: request.command, code, body };
            let Ok(hello) = BootstrapRequest::from_bytes(&request.payload) else {
                self.send(&answer(code::INTERNAL_ERROR, Vec::new()).to_bytes()).await?;
                continue;
            };
            let is_new = hello.token == [0; 64];
            let token = if is_new { random_bytes() } else { Ok(hello.token) };
            let (Ok(token), Ok(key)) = (token, random_bytes::<32>()) else { return Err(End::Dropped) };
            let reply = BootstrapReply { server_version: GATEWAY_VERSION, token, session_key: key.to_vec() };
            self.send(&answer(code::SUCCESS, reply.to_bytes()).to_bytes()).await?;
            self.cipher = Cipher::new(&key).ok();
            return Ok(());
        }
    }

    async fn take(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        let Some(mut request) = self.request(message)? else { return Ok(()) };
        let Some(command) = Command::from_number(request.command).filter(|c| c.is_request()) else {
            return Ok(());
        };
        match command {
            // Asked for on a connection that has its key already.
            Command::Bootstrap => Ok(()),
            Command::Ping => {
                let code = if self.outbox.is_logged_in() { code::SUCCESS } else { code::INVALID_ACCOUNT };
                let (prefix, command) = (request.prefix, request.command);
                self.send(&Response { prefix, command, code, body: Vec::new() }.to_bytes()).await
            }
            _ => {
                if request.payload.len() > PAYLOAD_MAX && command != Command::OpenReal {
                    request.payload.clear();
                }
                let asked = ToHub::Asked(self.id, command, request);
                self.to_hub.send(asked).await.map_err(|_| End::Stopped)
            }
        }
    }

    /// The request in a message; none in one that holds no frame.
    fn request(&self, message: Option<Result<Message, Error>>) -> Result<Option<Request>, End> {
        let bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(_))) | None => return Err(End::Left),
            Some(Ok(_)) => return Ok(None),
            Some(Err(Error::Capacity(_))) => return Err(End::TooLarge),
            Some(Err(Error::Protocol(_))) => return Err(End::Unreadable),
            Some(Err(_)) => return Err(End::Left),
        };
        let cipher = self.cipher.as_ref().ok_or(End::Dropped)?;
        let inner = frame::open(cipher, &bytes).map_err(|_| End::Unreadable)?;
        Request::from_bytes(&inner).map(Some).map_err(|_| End::Unreadable)
    }

    async fn deliver(&mut self, next: Next) -> Result<(), End> {
        let Next::Send(Outgoing { prefix, command, code, body, damage }) = next else {
            return Err(End::Dropped);
        };
        let mut inner = Vec::with_capacity(5 + body.len());
        inner.extend_from_slice(&prefix);
        inner.extend_from_slice(&command.to_le_bytes());
        inner.push(code);
        match damage {
            Some(Damage::Absurd) => inner.extend_from_slice(&absurd(command, &body)),
            _ => inner.extend_from_slice(&body),
        }
        let message = match damage {
            None | Some(Damage::Absurd) => return self.send(&inner).await,
            Some(Damage::Truncated) => {
                inner.pop();
                return self.send(&inner).await;
            }
            Some(Damage::Garbled) => garbled(&inner),
        };
        self.send_message(message).await
    }

    /// Writes a frame; a client that does not read is given up after a while, or when its outbox overflows.
    async fn send(&mut self, inner: &[u8]) -> Result<(), End> {
        let cipher = self.cipher.as_ref().ok_or(End::Dropped)?;
        self.send_message(frame::seal(cipher, inner)).await
    }

    async fn send_message(&mut self, message: Vec<u8>) -> Result<(), End> {
        let message = Message::Binary(message.into());
        let outbox = Arc::clone(&self.outbox);
        tokio::select! {
            sent = self.socket.send(message) => sent.map_err(|_| End::Left),
            () = outbox.closed() => Err(End::Dropped),
            () = tokio::time::sleep(SEND_SPAN) => Err(End::Dropped),
        }
    }
}

/// A frame with a right head whose body no key opens: encrypted bodies are whole blocks, this one is not.
fn garbled(inner: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 16;
    let mut body: Vec<u8> = inner.iter().map(|byte| !byte).collect();
    body.resize(inner.len() / BLOCK * BLOCK + 1, 0);
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes()[..], &1_u32.to_le_bytes(), &body].concat()
}
