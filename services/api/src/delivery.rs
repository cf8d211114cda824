//! Whether answers reach their callers: what owners of sessions want to hear of some.
//!
//! An answer is written once all of it has left for the socket, of a client who had not hung up before. A [`Delivery`] goes with it: from the backend to the
//! response, with the body to the connection, and, when that has taken all of the body, on to the next moment at which
//! nothing is left to be written. Wherever it is dropped before, the answer is lost.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use runtime::GuestSocket;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::front::Front;
use crate::server;

/// The word on one answer. Dropped, it says that the answer was lost.
pub(crate) struct Delivery {
    front: Arc<Front>,
    token: String,
    receipt: String,
    became: bus::Delivery,
}

impl Delivery {
    /// Of an answer with this receipt.
    pub(crate) fn new(front: &Arc<Front>, token: String, receipt: String) -> Self {
        Self { front: Arc::clone(front), token, receipt, became: bus::Delivery::Lost }
    }

    fn written(mut self) {
        self.became = bus::Delivery::Written;
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // Without a runtime the process ends, and nobody can be told.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let (backend, became) = (Arc::clone(&self.front.backend), self.became);
        let (token, receipt) = (std::mem::take(&mut self.token), std::mem::take(&mut self.receipt));
        self.front.tasks.spawn(async move { backend.delivered(&token, &receipt, became).await });
    }
}

/// Answers that their connection has taken, and not written yet. Clones are of the same connection.
#[derive(Clone, Default)]
pub(crate) struct Taken(Arc<Answers>);

#[derive(Default)]
struct Answers {
    waiting: Mutex<Vec<Delivery>>,
    /// One is to come, or waits.
    is_awaited: AtomicBool,
    /// The client had hung up before all was written.
    is_in_vain: AtomicBool,
}

impl Taken {
    fn lock(&self) -> MutexGuard<'_, Vec<Delivery>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes are about to be written. The system takes them also for a client who has hung up.
    fn writes(&self, is_hung_up: impl FnOnce() -> bool) {
        if self.0.is_awaited.load(Ordering::Relaxed) && is_hung_up() {
            self.0.is_in_vain.store(true, Ordering::Relaxed);
        }
    }

    /// Nothing is left to be written.
    fn flushed(&self) {
        let written = std::mem::take(&mut *self.lock());
        if written.is_empty() {
            return;
        }
        self.0.is_awaited.store(false, Ordering::Relaxed);
        if !self.0.is_in_vain.load(Ordering::Relaxed) {
            written.into_iter().for_each(Delivery::written);
        }
    }
}

/// Sends the word with the response. A server that does not tell when it has written takes its word when it has taken
/// the body.
pub(crate) fn follow(response: Response, delivery: Delivery, taken: Option<Taken>) -> Response {
    if let Some(taken) = &taken {
        taken.0.is_awaited.store(true, Ordering::Relaxed);
    }
    response.map(|body| Body::new(Followed { body, delivery: Some(delivery), taken }))
}

/// A body whose end is noticed.
struct Followed {
    body: Body,
    delivery: Option<Delivery>,
    taken: Option<Taken>,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let Some(delivery) = self.delivery.take().filter(|_| self.body.is_end_stream()) else { return };
        match &self.taken {
            Some(taken) => taken.lock().push(delivery),
            None => delivery.written(),
        }
    }
}

/// A connection that tells its answers when they are written.
pub(crate) struct Wire {
    socket: GuestSocket,
    taken: Taken,
    /// How long the head of a request may take.
    head_timeout: Duration,
}

impl Wire {
    /// Around a socket.
    pub(crate) fn new(socket: GuestSocket, head_timeout: Duration) -> Self {
        Self { socket, taken: Taken::default(), head_timeout }
    }

    /// Where its answers wait.
    pub(crate) fn taken(&self) -> Taken {
        self.taken.clone()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.socket.is_cut_short() {
            // There is room for so little, unless the client is gone.
            let _ = self.socket.try_write(&server::too_late(self.head_timeout));
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.taken.writes(|| self.socket.is_hung_up());
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.taken.writes(|| self.socket.is_hung_up());
        Pin::new(&mut self.socket).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    /// The server flushes when it has given everything away.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.taken.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
