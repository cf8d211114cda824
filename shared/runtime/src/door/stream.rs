//! The bytes of a connection as they are meant: those of the socket, or what TLS makes of them.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// First byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;
/// The longest record by which a client of TLS says that it goes; any that holds a request is longer.
const GOODBYE_MAX: usize = 31;

/// See the module.
pub(super) enum Stream {
    /// Without TLS.
    Plain(TcpStream),
    /// TLS is wanted, and the first byte of the client not here yet.
    New(Option<(TcpStream, TlsAcceptor)>),
    /// Both sides greet each other.
    Opening(Box<Accept<TcpStream>>),
    /// With TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(super) fn new(socket: TcpStream, tls: Option<TlsAcceptor>) -> Self {
        match tls {
            None => Self::Plain(socket),
            Some(tls) => Self::New(Some((socket, tls))),
        }
    }

    /// Until something can be read that the client has sent, or that it is gone.
    pub(super) async fn readable(&self) {
        if let Self::Plain(socket) | Self::New(Some((socket, _))) = self {
            // A socket may seem readable and be empty, so it is looked at. An error is found again by who reads.
            let _ = socket.peek(&mut [0]).await;
        }
    }

    /// Until it is known what the client speaks, and the greeting is over. A client without TLS gets its bytes as they are: it is
    /// to be told, in words that it understands.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self {
                Self::Plain(_) | Self::Tls(_) => return Poll::Ready(Ok(())),
                Self::Opening(opening) => {
                    let stream = ready!(Pin::new(&mut **opening).poll(cx))?;
                    *self = Self::Tls(Box::new(stream));
                }
                Self::New(waiting) => {
                    let Some((socket, _)) = waiting else { return Poll::Ready(Err(ended())) };
                    let mut first = [0];
                    let peeked = ready!(socket.poll_peek(cx, &mut ReadBuf::new(&mut first)))?;
                    let Some((socket, tls)) = waiting.take() else { return Poll::Ready(Err(ended())) };
                    *self = if peeked > 0 && first[0] == HANDSHAKE {
                        Self::Opening(Box::new(tls.accept(socket)))
                    } else {
                        Self::Plain(socket)
                    };
                }
            }
        }
    }

    /// The socket, once that is known.
    fn socket(&self) -> Option<&TcpStream> {
        match self {
            Self::Plain(socket) => Some(socket),
            Self::New(waiting) => waiting.as_ref().map(|(socket, _)| socket),
            Self::Opening(opening) => opening.get_ref(),
            Self::Tls(stream) => Some(stream.get_ref().0),
        }
    }

    /// As [`GuestSocket::is_hung_up`](super::GuestSocket::is_hung_up). A client of TLS says first that it goes, and hangs up
    /// then; where what has come may be that word, it counts as such.
    pub(super) fn is_hung_up(&self) -> bool {
        let Some(socket) = self.socket() else { return true };
        match SockRef::from(socket).peek(&mut [MaybeUninit::uninit(); GOODBYE_MAX + 1]) {
            Ok(0) => true,
            Ok(bytes) => !matches!(self, Self::Plain(_)) && bytes <= GOODBYE_MAX,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Writes what can be written at once, and nothing where nobody would understand it yet.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut context = Context::from_waker(Waker::noop());
        match self {
            Self::Plain(socket) => socket.try_write(bytes),
            Self::New(_) | Self::Opening(_) => Err(io::ErrorKind::WouldBlock.into()),
            Self::Tls(stream) => match Pin::new(&mut **stream).poll_write(&mut context, bytes) {
                Poll::Ready(written) => {
                    let written = written?;
                    let _ = Pin::new(&mut **stream).poll_flush(&mut context);
                    Ok(written)
                }
                Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
            },
        }
    }
}

fn ended() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?;
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(stream) => match ready!(Pin::new(&mut **stream).poll_read(cx, buffer)) {
                // Many clients hang up without a word of TLS; whether a message is whole is known by HTTP.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
                read => Poll::Ready(read),
            },
            Self::New(_) | Self::Opening(_) => Poll::Ready(Err(ended())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?;
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, bytes),
            Self::New(_) | Self::Opening(_) => Poll::Ready(Err(ended())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?;
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(cx, slices),
            Self::New(_) | Self::Opening(_) => Poll::Ready(Err(ended())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
            // Nothing was written yet.
            Self::New(_) | Self::Opening(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
            Self::New(_) | Self::Opening(_) => Poll::Ready(Ok(())),
        }
    }
}
