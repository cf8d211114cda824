//! One open WebSocket.

use std::sync::Arc;
use std::time::Duration;

use ::socket::BoundedSocket;
use ::socket::tungstenite::protocol::CloseFrame;
use ::socket::tungstenite::{Error, Message, Utf8Bytes};
use access::Caller;
use bus::End;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::resume::placed;
use super::source::Source;
use super::{Exit, INCOMING_BYTES_MAX, OVER, SERVER_SHUTDOWN, SESSION_OVER, close};
use crate::front::Front;
use crate::opted::{Dresser, Wish};

/// How long a client has to answer a close frame.
const CLOSING_TIME: Duration = Duration::from_secs(2);

/// A connection that was upgraded.
pub(super) type Inner = BoundedSocket<TokioIo<Upgraded>>;

/// See the module.
pub(super) struct Socket<'a> {
    front: &'a Front,
    socket: Inner,
    /// For clients that want frames dressed.
    dresser: Option<Dresser>,
}

impl<'a> Socket<'a> {
    pub(super) fn new(
        front: &'a Arc<Front>,
        caller: &Arc<Caller>,
        socket: Inner,
        wish: Option<Wish>,
    ) -> Self {
        let dresser = wish.map(|wish| Dresser::new(front, Arc::clone(caller), wish));
        Self { front, socket, dresser }
    }

    /// Forwards events until one side ends. Everything that waits here may be cancelled without loss; sending comes
    /// after a wait was won.
    pub(super) async fn forward(&mut self, mut source: Source, is_resumable: bool) -> Exit {
        let ping_every = self.front.settings.ping_every;
        let mut keep_alive = interval_at(Instant::now() + ping_every, ping_every);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = self.front.tasks.stop_signal();
        let mut heard = Instant::now();
        loop {
            let message = tokio::select! {
                biased;
                () = stop.cancelled() => return self.say_goodbye().await,
                incoming = self.socket.next() => match incoming {
                    // Pings are answered below us, and the reply to a close as well.
                    Some(Ok(_)) => { heard = Instant::now(); continue }
                    Some(Err(cause)) => return refused(&cause),
                    None => return Exit::Gone,
                },
                next = source.next() => match next {
                    Some((_, Ok(frame))) => {
                        let frame = if is_resumable { placed(&frame) } else { frame.text.clone() };
                        match self.send_frame(frame).await {
                            Ok(()) => continue,
                            Err(exit) => return exit,
                        }
                    }
                    Some((token, Err(End::Closed))) if !source.is_one() => {
                        text(bus::envelope(SESSION_OVER, &token, runtime::unix_ms(), &OVER).unwrap_or_default())
                    }
                    Some((_, Err(end))) => return end.into(),
                    None => return Exit::Close(close::SESSION_OVER, "All sessions are over.".to_owned()),
                },
                _ = keep_alive.tick() => {
                    if heard.elapsed() > 2 * ping_every {
                        return Exit::Gone;
                    }
                    Some(Message::Ping(Bytes::new()))
                }
            };
            if let Some(message) = message
                && !self.send(message).await
            {
                return Exit::Gone;
            }
        }
    }

    /// The service stops: says so in words first, as not every client looks at close codes.
    async fn say_goodbye(&mut self) -> Exit {
        const TOLD: &str = "The service stops: reconnect.";
        if self.tell(SERVER_SHUTDOWN, "", TOLD).await {
            Exit::Close(close::GOING_AWAY, TOLD.to_owned())
        } else {
            Exit::Gone
        }
    }

    /// Sends an envelope of our own, with a sentence as its data; false when the client is gone.
    pub(super) async fn tell(&mut self, kind: &str, token: &str, sentence: &str) -> bool {
        let told = bus::envelope(kind, token, runtime::unix_ms(), &sentence);
        self.send_bytes(told.unwrap_or_default()).await
    }

    /// Sends a frame as the client wants it.
    pub(super) async fn send_frame(&mut self, frame: Bytes) -> Result<(), Exit> {
        let frame = match &mut self.dresser {
            Some(dresser) => dresser
                .frame(frame)
                .await
                .map_err(|error| Exit::Close(close::BUSY, error.detail().to_owned()))?,
            None => frame,
        };
        if self.send_bytes(frame).await { Ok(()) } else { Err(Exit::Gone) }
    }

    /// Sends a text; false when the client is gone.
    pub(super) async fn send_bytes(&mut self, bytes: Bytes) -> bool {
        match text(bytes) {
            Some(message) => self.send(message).await,
            None => true,
        }
    }

    /// Sends a message; false when the client is gone or takes nothing any more.
    async fn send(&mut self, message: Message) -> bool {
        matches!(timeout(self.front.settings.send_timeout, self.socket.send(message)).await, Ok(Ok(())))
    }

    /// Says goodbye and waits a little for the answer, so that the code is not lost in a reset connection.
    pub(super) async fn finish(self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: clipped(reason).into() };
        self.socket.finish(Message::Close(Some(frame)), CLOSING_TIME).await;
    }
}

/// What to say to a client that sent what cannot be taken; nothing if the connection broke.
fn refused(cause: &Error) -> Exit {
    match cause {
        Error::Capacity(_) => {
            let told = format!("A frame may have {INCOMING_BYTES_MAX} bytes at most.");
            Exit::Close(close::TOO_LARGE, told)
        }
        Error::Utf8(_) => Exit::Close(close::NOT_UTF8, "A text is UTF-8.".to_owned()),
        Error::Protocol(wrong) => Exit::Close(close::PROTOCOL, wrong.to_string()),
        _ => Exit::Gone,
    }
}

/// A text message; what is not UTF-8 is a fault of the publisher and is left out.
fn text(bytes: Bytes) -> Option<Message> {
    let text = Utf8Bytes::try_from(bytes);
    text.inspect_err(|_| tracing::error!("an event is not UTF-8")).ok().map(Message::Text)
}

/// A control frame holds 125 bytes, two of them the code.
fn clipped(reason: &str) -> &str {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let reason = "é".repeat(100);
        assert_eq!(clipped(&reason).len(), 122);
        assert_eq!(clipped("short"), "short");
    }
}
