//! A small client: one request after the other, pushes kept until asked for.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use wire::message::{Request, Response};
use wire::records as w;
use wire::{Cipher, Command, INITIAL_KEY, Payload, Push, frame, requests};

/// Only there so that a broken server fails a test instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Client<S = TcpStream> {
    socket: WebSocketStream<S>,
    cipher: Cipher,
    kept: VecDeque<Response>,
    last_prefix: u8,
    last_action: u32,
}

impl Client {
    pub(super) async fn connect(addr: SocketAddr) -> Self {
        Self::over(TcpStream::connect(addr).await.unwrap(), addr).await
    }

    /// Connected and logged in; the login status was taken.
    pub(super) async fn login(addr: SocketAddr, login: u64, password: &str) -> Self {
        let mut client = Self::connect(addr).await;
        client.enter(login, password).await.unwrap();
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(super) async fn over(stream: S, addr: SocketAddr) -> Self {
        let (socket, _) = client_async(format!("ws://{addr}/terminal"), stream).await.unwrap();
        let cipher = Cipher::new(&INITIAL_KEY).unwrap();
        let mut client = Self { socket, cipher, kept: VecDeque::new(), last_prefix: 0, last_action: 999 };
        let hello = w::BootstrapRequest::default();
        let reply = client.ask::<requests::Bootstrap>(&hello).await.unwrap();
        client.cipher = Cipher::new(&reply.session_key).unwrap();
        client
    }

    /// Logs in; the refusal's code if it fails.
    pub(super) async fn enter(&mut self, login: u64, password: &str) -> Result<w::LoginReply, u8> {
        let password = wire::Secret::new(password.into());
        let request = w::LoginRequest { login, password, ..w::LoginRequest::default() };
        self.enter_with(&request).await
    }

    pub(super) async fn enter_with(&mut self, request: &w::LoginRequest) -> Result<w::LoginReply, u8> {
        let reply = self.ask::<requests::Login>(request).await?;
        assert_eq!(self.push::<wire::pushes::LoginStatus>().await.status, 0);
        Ok(reply)
    }

    /// Sends a request and waits for its answer; the code if that is not zero.
    pub(super) async fn ask<R: wire::Request>(&mut self, payload: &R::Ask) -> Result<R::Reply, u8> {
        let answer = self.ask_raw(R::COMMAND.number(), payload.to_bytes()).await;
        if answer.code == 0 { Ok(R::Reply::from_bytes(&answer.body).unwrap()) } else { Err(answer.code) }
    }

    pub(super) async fn ask_raw(&mut self, command: u16, payload: Vec<u8>) -> Response {
        let prefix = self.send(command, payload).await;
        let answer = self.response(command).await;
        assert_eq!(answer.prefix, prefix, "the answer to {command} has another prefix");
        answer
    }

    /// Sends without waiting.
    pub(super) async fn send(&mut self, command: u16, payload: Vec<u8>) -> [u8; 2] {
        self.last_prefix = self.last_prefix.wrapping_add(1);
        let prefix = [self.last_prefix, 0xa5];
        let inner = Request { prefix, command, payload }.to_bytes();
        self.send_message(Message::Binary(frame::seal(&self.cipher, &inner).into())).await;
        prefix
    }

    pub(super) async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next push of a kind.
    pub(super) async fn push<P: Push>(&mut self) -> P::Body {
        let push = self.response(P::COMMAND.number()).await;
        assert_eq!((push.prefix, push.code), ([0; 2], 0));
        P::Body::from_bytes(&push.body).unwrap()
    }

    /// The next frame of a command; others are kept.
    pub(super) async fn response(&mut self, command: u16) -> Response {
        if let Some(place) = self.kept.iter().position(|kept| kept.command == command) {
            return self.kept.remove(place).unwrap();
        }
        loop {
            let next = self.frame().await.expect("the connection ended");
            if next.command == command {
                return next;
            }
            self.kept.push_back(next);
        }
    }

    /// The kept frames' commands, in order of arrival.
    pub(super) fn kept(&self) -> Vec<u16> {
        self.kept.iter().map(|kept| kept.command).collect()
    }

    /// The next message as it came, readable or not.
    pub(super) async fn message(&mut self) -> Vec<u8> {
        match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("nothing came") {
            Some(Ok(Message::Binary(bytes))) => bytes.into(),
            other => panic!("no message: {other:?}"),
        }
    }

    /// The inner frame of a message.
    pub(super) fn opened(&self, message: &[u8]) -> Option<Vec<u8>> {
        frame::open(&self.cipher, message).ok()
    }

    /// Waits until the server ends the connection; gives the close code, if there was one.
    pub(super) async fn ended(&mut self) -> Option<u16> {
        loop {
            match self.frame().await {
                Ok(frame) => self.kept.push_back(frame),
                Err(code) => return code,
            }
        }
    }

    async fn frame(&mut self) -> Result<Response, Option<u16>> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("nothing came") {
                Some(Ok(Message::Binary(bytes))) => {
                    let inner = frame::open(&self.cipher, &bytes).unwrap();
                    return Ok(Response::from_bytes(&inner).unwrap());
                }
                Some(Ok(Message::Close(close))) => return Err(close.map(|close| close.code.into())),
                Some(Ok(_)) => {}
                Some(Err(Error::ConnectionClosed)) | None => return Err(None),
                Some(Err(_)) => return Err(None),
            }
        }
    }

    /// A trade request in the official layout, with its verdict.
    pub(super) async fn trade(&mut self, request: &w::TradeRequest) -> w::TradeResult {
        let request = self.numbered(request);
        self.trade_raw(request.action_id, request.to_bytes()).await
    }

    /// A trade request in pymt5's layout, with its verdict.
    pub(super) async fn trade_pymt5(&mut self, request: &w::TradeRequest) -> w::TradeResult {
        let request = self.numbered(request);
        let official = request.to_bytes();
        let mut payload = official[..144].to_vec();
        payload.extend_from_slice(&u64::from(request.price_deviation).to_le_bytes());
        payload.extend_from_slice(&official[164..]);
        assert_eq!(payload.len(), 236);
        self.trade_raw(request.action_id, payload).await
    }

    pub(super) fn numbered(&mut self, request: &w::TradeRequest) -> w::TradeRequest {
        self.last_action += 1;
        w::TradeRequest { action_id: self.last_action, ..request.clone() }
    }

    async fn trade_raw(&mut self, action: u32, payload: Vec<u8>) -> w::TradeResult {
        let answer = self.ask_raw(Command::Trade.number(), payload).await;
        assert_eq!((answer.code, &answer.body[..]), (0, &[0; 4][..]));
        let push = self.push::<wire::pushes::TradeResult>().await;
        assert_eq!(push.request.action_id, action);
        push.result
    }

    /// The next trade update, as a word each: what happened to what.
    pub(super) async fn update(&mut self) -> String {
        match self.push::<wire::pushes::TradeUpdate>().await {
            w::TradeUpdate::Orders(orders) => {
                let order = &orders[0];
                format!("order {} {}", order.flag_mask, order.transaction_type)
            }
            w::TradeUpdate::Deals(deals) => {
                let head = &deals[0].head;
                let volume = head.position.trade_volume / 1_000_000;
                format!("deal {} {} {volume}", head.transaction_type, head.deal.entry)
            }
        }
    }
}

/// A buy at market; lots × 100.
pub(super) fn buy(symbol: &str, cents: u64) -> w::TradeRequest {
    w::TradeRequest {
        trade_action: 3,
        trade_symbol: symbol.into(),
        trade_volume: cents * 1_000_000,
        type_filling: 1,
        type_flags: 2,
        ..w::TradeRequest::default()
    }
}
