//! A link in use: requests out, answers and pushes in.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use wire::{Cipher, Command, Payload, Request, code, frame, message, requests};

use crate::LinkError;
use crate::connection::{Socket, closed};

/// An answer must come within this time (protocol, section 6).
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Pause between heartbeats (protocol 7.4).
const PING_EVERY: Duration = Duration::from_secs(5);
/// Without an answer to a heartbeat for so long the connection is dead (protocol 7.4).
const SILENCE_LIMIT: Duration = Duration::from_secs(15);
/// Requests that may wait for their turn.
const QUEUED_MAX: usize = 1024;
/// Messages that may wait while an answer is awaited in the middle of a login.
const BACKLOG_MAX: usize = 16 * 1024;

/// Names a request of this link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u64);

/// What came from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The answer to a request.
    Reply {
        /// The request.
        id: RequestId,
        /// Its command.
        command: Command,
        /// Zero is success.
        code: u8,
        /// Empty unless the code is zero.
        body: Vec<u8>,
    },
    /// Something nobody asked for.
    Push {
        /// What it is.
        command: Command,
        /// What it holds.
        body: Vec<u8>,
    },
}

/// A request on the wire or waiting for it.
#[derive(Debug)]
struct Pending {
    id: RequestId,
    command: Command,
    payload: Vec<u8>,
}

#[derive(Debug)]
struct Flight {
    id: RequestId,
    command: Command,
    deadline: Instant,
}

/// A connection with a session key. Answers belong to requests by command and order, so there is one request of a
/// command on the wire at a time; others wait.
pub struct Link {
    socket: Socket,
    cipher: Cipher,
    token: [u8; 64],
    next_id: u64,
    flights: Vec<Flight>,
    waiting: VecDeque<Pending>,
    outgoing: VecDeque<Outgoing>,
    backlog: VecDeque<Incoming>,
    heartbeat: Option<Heartbeat>,
    heard: Instant,
    permit: Option<Permit>,
}

/// A message that waits for the socket.
#[derive(Debug)]
struct Outgoing {
    message: Message,
    /// It may be sent only while there is the permit to act.
    is_act: bool,
}

/// Asked right before a trade request leaves: false when this process may not act for the account any more.
pub type Permit = Arc<dyn Fn() -> bool + Send + Sync>;

#[derive(Clone, Copy, Debug)]
struct Heartbeat {
    ping_at: Instant,
    answered: Instant,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("flights", &self.flights).finish_non_exhaustive()
    }
}

impl Link {
    pub(crate) fn new(socket: Socket, cipher: Cipher, token: [u8; 64]) -> Self {
        Self {
            socket,
            cipher,
            token,
            next_id: 0,
            flights: Vec::new(),
            waiting: VecDeque::new(),
            outgoing: VecDeque::new(),
            backlog: VecDeque::new(),
            heartbeat: None,
            heard: Instant::now(),
            permit: None,
        }
    }

    /// Trade requests leave only while `permit` says so; when it does not, the link ends instead.
    pub fn set_permit(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    /// When the server was heard last: what is known of it is as old as that.
    #[must_use]
    pub const fn heard(&self) -> Instant {
        self.heard
    }

    /// What to give the next [`Dialer::dial`](crate::Dialer::dial) to the same server.
    #[must_use]
    pub const fn token(&self) -> [u8; 64] {
        self.token
    }

    /// Begins heartbeats: from now on silence ends the link.
    pub(crate) fn start_heartbeat(&mut self) {
        let now = Instant::now();
        self.heartbeat = Some(Heartbeat { ping_at: now, answered: now });
    }

    /// Sends a request, or queues it behind another one of its command. The answer comes from [`next`](Self::next).
    ///
    /// # Errors
    /// [`LinkError::Busy`] if too many wait already, [`LinkError::Overlong`] if not all of it would arrive.
    pub fn submit<R: Request>(&mut self, ask: &R::Ask) -> Result<RequestId, LinkError> {
        self.submit_raw(R::COMMAND, ask.whole_bytes()?)
    }

    /// As [`submit`](Self::submit), with the payload as bytes.
    ///
    /// # Errors
    /// [`LinkError::Busy`] if too many wait already.
    pub fn submit_raw(&mut self, command: Command, payload: Vec<u8>) -> Result<RequestId, LinkError> {
        if self.waiting.len() >= QUEUED_MAX {
            return Err(LinkError::Busy);
        }
        let id = RequestId(self.next_id);
        self.next_id += 1;
        let pending = Pending { id, command, payload };
        if self.flights.iter().any(|flight| flight.command == command) {
            self.waiting.push_back(pending);
        } else {
            self.launch(pending);
        }
        Ok(id)
    }

    fn launch(&mut self, pending: Pending) {
        let Pending { id, command, payload } = pending;
        let request = message::Request { prefix: rand::random(), command: command.number(), payload };
        let message = Message::binary(frame::seal(&self.cipher, &request.to_bytes()));
        self.outgoing.push_back(Outgoing { message, is_act: command == Command::Trade });
        self.flights.push(Flight { id, command, deadline: Instant::now() + ANSWER_LIMIT });
    }

    /// Requests that still wait for their turn: they have not been sent.
    #[must_use]
    pub fn unsent(&self) -> Vec<RequestId> {
        self.waiting.iter().map(|pending| pending.id).collect()
    }

    /// Takes a request back that still waits for its turn. False if it has been sent, so that it cannot be.
    pub fn withdraw(&mut self, id: RequestId) -> bool {
        let place = self.waiting.iter().position(|pending| pending.id == id);
        place.is_some_and(|place| self.waiting.remove(place).is_some())
    }

    /// Sends a request and waits for its answer; what else comes meanwhile is kept for [`next`](Self::next). Not to
    /// be cancelled: the answer would be lost.
    ///
    /// # Errors
    /// [`LinkError::Refused`] with the server's code, or why there is no answer.
    pub async fn request<R: Request>(
        &mut self,
        doing: &'static str,
        ask: &R::Ask,
    ) -> Result<R::Reply, LinkError> {
        let awaited = self.submit::<R>(ask)?;
        let mut kept = VecDeque::new();
        let answer = loop {
            match self.next().await? {
                Incoming::Reply { id, code, body, .. } if id == awaited => break (code, body),
                other if kept.len() < BACKLOG_MAX => kept.push_back(other),
                _ => return Err(LinkError::Protocol { cause: "too many pushes before an answer".into() }),
            }
        };
        kept.append(&mut self.backlog);
        self.backlog = kept;
        match answer {
            (code::SUCCESS, body) => Ok(R::Reply::from_bytes(&body)?),
            (code, _) => Err(LinkError::Refused { doing, code }),
        }
    }

    /// What comes next from the server. Sends what waits to be sent, and heartbeats. Safe to cancel.
    ///
    /// # Errors
    /// Any error ends the link: it must not be used again.
    pub async fn next(&mut self) -> Result<Incoming, LinkError> {
        if let Some(kept) = self.backlog.pop_front() {
            return Ok(kept);
        }
        loop {
            let wake = self.wake_at();
            tokio::select! {
                biased;
                received = std::future::poll_fn(|cx| self.poll_message(cx)) => {
                    if let Some(incoming) = self.take(received?)? {
                        return Ok(incoming);
                    }
                }
                () = wait_until(wake) => self.on_time()?,
            }
        }
    }

    /// Says goodbye: logs out and closes, as far as that works within `limit`.
    pub async fn close(mut self, limit: Duration) {
        let goodbye = async {
            let _ = self.request::<requests::Logout>("the logout", &wire::Empty).await;
            let _ = self.socket.send(Message::Close(None)).await;
        };
        let _ = tokio::time::timeout(limit, goodbye).await;
    }

    /// Drives the socket both ways: sends first, then reads.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, LinkError>> {
        if let Err(cause) = self.poll_send(cx) {
            return Poll::Ready(Err(closed(&cause)));
        }
        Poll::Ready(match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
            Some(Ok(message)) => Ok(message),
            Some(Err(cause)) => Err(closed(&cause)),
            None => Err(LinkError::Closed { cause: "without a close frame".into() }),
        })
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), WsError> {
        while !self.outgoing.is_empty() && self.socket.poll_ready_unpin(cx)?.is_ready() {
            let Some(Outgoing { message, is_act }) = self.outgoing.pop_front() else { break };
            if is_act && self.permit.as_ref().is_some_and(|permit| !permit()) {
                // Not an answer to the caller: it may have waited here for long, and somebody else acts by now.
                return Err(WsError::ConnectionClosed);
            }
            self.socket.start_send_unpin(message)?;
        }
        // Pending means that the waker is registered; it is polled again before reading.
        let _ = Pin::new(&mut self.socket).poll_flush(cx)?;
        Ok(())
    }

    fn take(&mut self, message: Message) -> Result<Option<Incoming>, LinkError> {
        self.heard = Instant::now();
        let sealed = match message {
            Message::Binary(sealed) => sealed,
            Message::Close(reason) => {
                let cause = reason.map_or_else(|| "closed by the server".into(), |reason| reason.to_string());
                return Err(LinkError::Closed { cause });
            }
            _ => return Ok(None),
        };
        let unreadable = |cause: frame::FrameError| LinkError::Protocol { cause: cause.to_string() };
        let response =
            message::Response::from_bytes(&frame::open(&self.cipher, &sealed).map_err(unreadable)?)?;
        let Some(command) = Command::from_number(response.command) else {
            tracing::debug!(command = response.command, "an unknown command was ignored");
            return Ok(None);
        };
        if command.is_request() {
            Ok(self.answer(command, response))
        } else {
            Ok(Some(push(command, response)))
        }
    }

    fn answer(&mut self, command: Command, response: message::Response) -> Option<Incoming> {
        let place = self.flights.iter().position(|flight| flight.command == command)?;
        let flight = self.flights.swap_remove(place);
        if let Some(next) = self.waiting.iter().position(|pending| pending.command == command)
            && let Some(pending) = self.waiting.remove(next)
        {
            self.launch(pending);
        }
        if command == Command::Ping {
            if let Some(heartbeat) = &mut self.heartbeat {
                heartbeat.answered = Instant::now();
            }
            return None;
        }
        Some(Incoming::Reply { id: flight.id, command, code: response.code, body: response.body })
    }

    fn wake_at(&self) -> Option<Instant> {
        let answers = self.flights.iter().map(|flight| flight.deadline);
        let beats = self.heartbeat.iter().map(|beat| beat.ping_at.min(beat.answered + SILENCE_LIMIT));
        answers.chain(beats).min()
    }

    fn on_time(&mut self) -> Result<(), LinkError> {
        let now = Instant::now();
        if let Some(late) = self.flights.iter().find(|flight| flight.deadline <= now) {
            tracing::debug!(command = ?late.command, "an answer did not come");
            return Err(LinkError::Timeout { doing: "a request", limit: ANSWER_LIMIT });
        }
        let Some(heartbeat) = &mut self.heartbeat else { return Ok(()) };
        if heartbeat.ping_at <= now {
            heartbeat.ping_at = now + PING_EVERY;
            if !self.flights.iter().any(|flight| flight.command == Command::Ping) {
                self.submit::<requests::Ping>(&wire::Empty)?;
            }
        }
        match &self.heartbeat {
            Some(heartbeat) if heartbeat.answered + SILENCE_LIMIT <= now => {
                Err(LinkError::Timeout { doing: "the heartbeat", limit: SILENCE_LIMIT })
            }
            _ => Ok(()),
        }
    }
}

fn push(command: Command, response: message::Response) -> Incoming {
    Incoming::Push { command, body: response.body }
}

async fn wait_until(wake: Option<Instant>) {
    match wake {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;
    use tokio_util::either::Either;
    use wire::records::TradeRequest;

    use super::*;
    use crate::connection::LIMITS;

    async fn socket(stream: TcpStream) -> Socket {
        let inner = WebSocketStream::from_raw_socket(Either::Left(stream), Role::Client, None).await;
        Socket::new(inner, &LIMITS)
    }

    #[tokio::test]
    async fn a_request_behind_another_of_its_command_is_unsent() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut link = Link::new(socket(stream).await, Cipher::new(&[7; 32]).unwrap(), [0; 64]);
        let order = TradeRequest::default();
        let first = link.submit::<requests::Trade>(&order).unwrap();
        let behind = link.submit::<requests::Trade>(&order).unwrap();
        link.submit::<requests::Account>(&wire::Empty).unwrap();
        assert_eq!(link.unsent(), [behind]);
        assert!(!link.withdraw(first) && link.withdraw(behind) && !link.withdraw(behind));
        assert_eq!(link.unsent(), []);
    }

    #[tokio::test]
    async fn nothing_is_traded_without_the_permit() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let mut link = Link::new(socket(stream).await, Cipher::new(&[7; 32]).unwrap(), [0; 64]);
        link.set_permit(Arc::new(|| false));
        link.submit::<requests::Trade>(&TradeRequest::default()).unwrap();
        assert!(matches!(link.next().await, Err(LinkError::Closed { .. })));
        drop(link);
        let mut sent = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut server, &mut sent).await.unwrap();
        assert_eq!(sent, [0; 0], "not a byte has left");
    }
}
