//! WebSockets that a peer cannot make grow: every socket of the service, of its links and of the demo broker.
//!
//! The library below answers each ping by itself, into a buffer that grows while the peer reads nothing. Here the answer to
//! a control frame is written before anything more is read, a peer that does not take it in time ends the socket, and
//! control frames are taken at a bounded rate. What is written by the owner of the socket waits for the peer as well, so
//! the owner bounds that in time.

mod handshake;
mod rate;

use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Sleep, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

pub use handshake::{HandshakeError, accept_key};
pub use tokio_tungstenite::tungstenite;

use rate::Rate;

/// Control frames that a peer may send in a second; honest ones send a ping in many seconds.
const CONTROL_FRAMES_PER_SECOND: u32 = 100;

/// How much a peer may send behind a frame that was refused, before its connection is cut.
const DISCARDED_BYTES_MAX: usize = 64 << 20;

/// What a socket may hold, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest message that is taken in.
    pub incoming_bytes_max: usize,
    /// Most bytes that wait to be written, so the largest message that can be sent.
    pub outgoing_bytes_max: usize,
    /// Buffer for reading while the socket is idle; larger messages pass through, they do not stay.
    pub read_buffer_bytes: usize,
    /// Bytes that are gathered before they are written.
    pub write_buffer_bytes: usize,
    /// How long the answer to a control frame may wait for a peer that takes nothing.
    pub drain_limit: Duration,
}

impl Limits {
    /// The same for the library.
    #[must_use]
    pub fn config(&self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(self.read_buffer_bytes)
            .write_buffer_size(self.write_buffer_bytes)
            .max_write_buffer_size(self.outgoing_bytes_max)
            .max_message_size(Some(self.incoming_bytes_max))
            .max_frame_size(Some(self.incoming_bytes_max))
    }
}

/// A WebSocket after its handshake. See the module.
#[derive(Debug)]
pub struct BoundedSocket<S> {
    inner: WebSocketStream<S>,
    drain_limit: Duration,
    control_frames: Rate,
    /// An answer to a control frame may not be written yet.
    owes_answer: bool,
    /// Until the answer must be written.
    drain: Option<Pin<Box<Sleep>>>,
    /// Until control frames are taken again.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> BoundedSocket<S> {
    /// The server's side of a connection that was upgraded; `read` has come behind the request.
    pub async fn server(stream: S, read: Vec<u8>, limits: &Limits) -> Self {
        let config = Some(limits.config());
        Self::new(WebSocketStream::from_partially_read(stream, read, Role::Server, config).await, limits)
    }

    /// A socket of the library, made with [`Limits::config`].
    #[must_use]
    pub fn new(inner: WebSocketStream<S>, limits: &Limits) -> Self {
        Self {
            inner,
            drain_limit: limits.drain_limit,
            control_frames: Rate::per_second(CONTROL_FRAMES_PER_SECOND),
            owes_answer: false,
            drain: None,
            pause: None,
        }
    }

    /// Says goodbye and waits for the answer, as far as that works within `limit`. What the peer still sends is taken and
    /// thrown away: a connection that is closed before it was read is reset, and the goodbye is lost with it.
    pub async fn finish(mut self, goodbye: Message, limit: Duration) {
        let closing = async {
            if self.send(goodbye).await.is_err() {
                return;
            }
            while let Some(next) = self.next().await {
                match next {
                    Ok(Message::Close(_)) => return,
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            let stream = self.inner.get_mut();
            if stream.shutdown().await.is_ok() {
                let mut rest = stream.take(DISCARDED_BYTES_MAX as u64);
                // It ends when the peer closes or breaks the connection; either will do.
                let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
            }
        };
        // Whoever does not answer has had its time.
        let _ = timeout(limit, closing).await;
    }

    /// Writes the answer to a control frame.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match Pin::new(&mut self.inner).poll_flush(cx) {
            Poll::Ready(written) => {
                self.owes_answer = false;
                self.drain = None;
                Poll::Ready(written)
            }
            Poll::Pending => {
                let limit = self.drain_limit;
                let drain = self.drain.get_or_insert_with(|| Box::pin(sleep(limit)));
                ready!(drain.as_mut().poll(cx));
                let cause =
                    std::io::Error::new(ErrorKind::TimedOut, "the peer does not read what it is sent");
                Poll::Ready(Err(Error::Io(cause)))
            }
        }
    }

    /// Waits while too many control frames have come.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for BoundedSocket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.owes_answer
            && let Err(cause) = ready!(this.poll_answer(cx))
        {
            return Poll::Ready(Some(Err(cause)));
        }
        ready!(this.poll_pause(cx));
        let next = ready!(this.inner.poll_next_unpin(cx));
        if let Some(Ok(Message::Ping(_) | Message::Pong(_))) = &next {
            this.owes_answer = true;
            this.pause = this.control_frames.count().map(|span| Box::pin(sleep(span)));
        }
        Poll::Ready(next)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for BoundedSocket<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready_unpin(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.inner.start_send_unpin(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_flush_unpin(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_close_unpin(cx)
    }
}
