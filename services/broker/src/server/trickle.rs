//! A stream that carries no more bytes a second than the faults in force allow.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::outbox::Outbox;

/// Pieces that are written a second.
const PIECES_PER_S: u32 = 10;

/// Reading is not slowed down: what a client sends is small.
pub(super) struct Trickle<S> {
    stream: S,
    outbox: Arc<Outbox>,
    /// Until the next piece may be written.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Trickle<S> {
    pub(super) fn new(stream: S, outbox: Arc<Outbox>) -> Self {
        Self { stream, outbox, pause: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Trickle<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Trickle<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let Some(rate) = self.outbox.bytes_per_s() else {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        };
        let piece = usize::try_from((rate / PIECES_PER_S).max(1)).unwrap_or(usize::MAX);
        let piece = &bytes[..bytes.len().min(piece)];
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, piece))?;
        self.pause = Some(Box::pin(sleep(Duration::from_secs_f64(written as f64 / f64::from(rate)))));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
