//! A lean client of the broker: it logs in, listens to ticks, and counts them.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use wire::message::{Request, Response};
use wire::records as w;
use wire::{Cipher, Command, INITIAL_KEY, Payload, Push, frame, pushes, requests};

use super::{Result, explained};

/// A connection to the broker.
pub(super) struct Terminal {
    socket: WebSocketStream<TcpStream>,
    cipher: Cipher,
    last_prefix: u8,
}

impl Terminal {
    pub(super) async fn login(broker: SocketAddr, login: usize, password: &str) -> Result<Self> {
        let stream = TcpStream::connect(broker).await.map_err(explained)?;
        stream.set_nodelay(true).map_err(explained)?;
        let (socket, _) = client_async(format!("ws://{broker}/terminal"), stream).await.map_err(explained)?;
        let cipher = Cipher::new(&INITIAL_KEY).map_err(explained)?;
        let mut terminal = Self { socket, cipher, last_prefix: 0 };
        let hello = terminal.ask::<requests::Bootstrap>(&w::BootstrapRequest::default()).await?;
        terminal.cipher = Cipher::new(&hello.session_key).map_err(explained)?;
        let password = wire::Secret::new(password.into());
        let request = w::LoginRequest { login: login as u64, password, ..w::LoginRequest::default() };
        terminal.ask::<requests::Login>(&request).await?;
        Ok(terminal)
    }

    /// Sends a request and waits for its answer; what comes before is dropped.
    pub(super) async fn ask<R: wire::Request>(&mut self, payload: &R::Ask) -> Result<R::Reply> {
        let answer = self.ask_raw(R::COMMAND, payload.to_bytes()).await?;
        R::Reply::from_bytes(&answer.body).map_err(explained)
    }

    pub(super) async fn ask_raw(&mut self, command: Command, payload: Vec<u8>) -> Result<Response> {
        self.last_prefix = self.last_prefix.wrapping_add(1);
        let (prefix, number) = ([self.last_prefix, 1], command.number());
        let inner = Request { prefix, command: number, payload }.to_bytes();
        let message = Message::Binary(frame::seal(&self.cipher, &inner).into());
        self.socket.send(message).await.map_err(explained)?;
        loop {
            let answer = self.next().await?;
            if (answer.command, answer.prefix) == (number, prefix) {
                return match answer.code {
                    0 => Ok(answer),
                    code => Err(explained(format!("command {number} was answered with code {code}"))),
                };
            }
        }
    }

    /// The ticks of the next message that has some.
    pub(super) async fn ticks(&mut self) -> Result<Vec<w::Tick>> {
        loop {
            let push = self.next().await?;
            if push.command == pushes::Ticks::COMMAND.number() {
                let ticks = <pushes::Ticks as Push>::Body::from_bytes(&push.body);
                return ticks.map(|ticks| ticks.0).map_err(explained);
            }
        }
    }

    async fn next(&mut self) -> Result<Response> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    let inner = frame::open(&self.cipher, &bytes).map_err(explained)?;
                    return Response::from_bytes(&inner).map_err(explained);
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(explained(error)),
                None => return Err(explained("the broker has closed a connection")),
            }
        }
    }
}
