//! One connection at a door: what it does at present, and its bytes, by which that is known.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::places::{Full, Places, Wait};
use super::rate::{WriteMeter, WriteRate};
use super::stream::Stream;

/// Waits for a head.
const HEAD: u8 = 0;
/// Waits for the rest of a head, and the places know it.
const PART: u8 = 1;
/// A request is being answered.
const BUSY: u8 = 2;
/// Its reply has been given away, and is not written yet.
const REPLIED: u8 = 3;
/// Waits for the next request.
const IDLE: u8 = 4;
/// Some of the next request has come; the places need not know it if the rest is there as well.
const BEGUN: u8 = 5;

/// What a connection does at present. Clones are of the same connection.
#[derive(Clone, Debug)]
pub struct Visit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: u64,
    places: Arc<Places>,
    told: Arc<Notify>,
    /// As the places have it, so that they are not asked with each byte.
    phase: AtomicU8,
    /// TLS is wanted, and the client came without.
    is_in_clear: AtomicBool,
}

impl Visit {
    pub(super) fn begin(places: &Arc<Places>, address: Option<IpAddr>) -> Result<Self, Full> {
        let (id, told) = places.enter(address)?;
        let (phase, is_in_clear) = (AtomicU8::new(HEAD), AtomicBool::new(false));
        Ok(Self(Arc::new(Inner { id, places: Arc::clone(places), told, phase, is_in_clear })))
    }

    /// The head of a request has come. What is answered holds the reply until it is given away.
    #[must_use]
    pub fn busy(&self) -> Busy {
        self.0.phase.store(BUSY, Ordering::SeqCst);
        self.0.places.set(self.0.id, None);
        Busy(self.clone())
    }

    /// Whether the client came without TLS to a door that wants it. It is to be told so, and nothing else.
    #[must_use]
    pub fn is_in_clear(&self) -> bool {
        self.0.is_in_clear.load(Ordering::Relaxed)
    }

    /// Waits until the client has sent something, and takes no memory for that yet. False where the connection must go before,
    /// also at the signal to stop: nobody is told anything who has said nothing.
    pub async fn is_spoken_to(&self, socket: &GuestSocket, stop: &CancellationToken) -> bool {
        tokio::select! {
            () = socket.stream.readable() => true,
            () = self.is_to_close() => false,
            () = stop.cancelled() => false,
        }
    }

    /// Drives a connection to its end. When it must go while it waits, it is dropped: then `None`. At the signal to stop it
    /// is asked to end after its present call, and dropped if it has none. The place is free afterwards.
    pub async fn attend<C: Future>(
        &self,
        connection: C,
        ask_to_end: impl FnOnce(Pin<&mut C>),
        stop: &CancellationToken,
    ) -> Option<C::Output> {
        let _place = Place(self);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = self.is_to_close() => None,
            () = stop.cancelled() => {
                ask_to_end(connection.as_mut());
                // What waits for a head would wait on: nobody looks after those that take too long any more.
                self.0.places.send_away(self.0.id);
                tokio::select! {
                    ended = connection => Some(ended),
                    () = self.is_to_close() => None,
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_busy(&self) -> bool {
        self.0.phase.load(Ordering::SeqCst) == BUSY
    }

    async fn is_to_close(&self) {
        while !self.0.places.is_to_close(self.0.id) {
            self.0.told.notified().await;
        }
    }

    /// Bytes have come.
    fn received(&self) {
        if !self.0.step(IDLE, BEGUN) {
            // The first head may take its time from the beginning of the connection on.
            self.0.step(HEAD, PART);
        }
    }

    /// No more bytes are there at present.
    fn drained(&self) {
        if self.0.step(BEGUN, PART) {
            self.0.places.set(self.0.id, Some(Wait::Head));
        }
    }

    /// Nothing is left to be written.
    fn flushed(&self) {
        if self.0.step(REPLIED, IDLE) {
            self.0.places.set(self.0.id, Some(Wait::Idle));
        }
    }
}

impl Inner {
    /// Goes on from one phase to another, if it is in the first.
    fn step(&self, from: u8, to: u8) -> bool {
        self.phase.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.places.leave(self.id);
    }
}

/// Frees the place.
struct Place<'a>(&'a Visit);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.0.places.leave(self.0.0.id);
    }
}

/// That a request is being answered. It ends when this is dropped, with the reply, and that was written.
#[derive(Debug)]
pub struct Busy(Visit);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.step(BUSY, REPLIED);
    }
}

/// The bytes of a connection, decrypted where the door has TLS. Its greeting counts as waiting for the first head.
pub struct GuestSocket {
    stream: Stream,
    wants_tls: bool,
    visit: Visit,
    meter: WriteMeter,
}

impl GuestSocket {
    pub(super) fn new(socket: TcpStream, tls: Option<TlsAcceptor>, visit: Visit, rate: WriteRate) -> Self {
        let wants_tls = tls.is_some();
        Self { stream: Stream::new(socket, tls), wants_tls, visit, meter: WriteMeter::new(rate) }
    }

    /// Whether the connection must go in the middle of a head.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        let visit = &*self.visit.0;
        matches!(visit.phase.load(Ordering::SeqCst), PART | BEGUN) && visit.places.is_to_close(visit.id)
    }

    /// Whether the client has sent its last byte, or is gone, by what the system knows this moment: news of it may not have
    /// come here yet.
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        self.stream.is_hung_up()
    }

    /// Writes what can be written at once.
    ///
    /// # Errors
    /// As the socket has them; nothing can be written at present, for one.
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.try_write(bytes)
    }
}

impl fmt::Debug for GuestSocket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("GuestSocket").field("visit", &self.visit).finish_non_exhaustive()
    }
}

impl AsyncRead for GuestSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_pending() {
            self.visit.drained();
        }
        ready!(read)?;
        if self.wants_tls && matches!(self.stream, Stream::Plain(_)) {
            self.visit.0.is_in_clear.store(true, Ordering::Relaxed);
        }
        if buffer.filled().len() > before {
            self.visit.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for GuestSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.meter.measured(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.meter.measured(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The server flushes when it has given everything away.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_pending() {
            // TLS keeps a part of what it was given, and must get rid of it at the same rate.
            return self.meter.measured(Poll::Pending, cx).map_ok(drop);
        }
        ready!(flushed)?;
        self.meter.flushed();
        self.visit.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A body that holds something until it was given away.
#[derive(Debug)]
pub struct Held<B, T> {
    body: B,
    _held: T,
}

impl<B, T> Held<B, T> {
    /// This body with this.
    pub const fn new(body: B, held: T) -> Self {
        Self { body, _held: held }
    }
}

impl<B: Body + Unpin, T: Unpin> Body for Held<B, T> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
