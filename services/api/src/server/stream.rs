//! The bytes of one connection: what the HTTP library refuses by itself comes with words.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use error::{Code, Error};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::HEAD_BYTES_MAX;

/// How long a client whose request was refused may still send, and how much: a connection that is closed before it was
/// read is reset, and the words are lost with it.
const LINGER: (Duration, usize) = (Duration::from_secs(2), 4 * 1024 * 1024);

/// A connection to a client. See the module.
pub(super) struct ClientStream<S> {
    inner: S,
    refusal: Option<Refusal>,
}

/// What is written in place of an empty refusal.
struct Refusal {
    bytes: Vec<u8>,
    written: usize,
    /// How much the client has sent since, and until when it may.
    discarded: usize,
    over: Option<Pin<Box<Sleep>>>,
}

impl<S> ClientStream<S> {
    pub(super) const fn new(inner: S) -> Self {
        Self { inner, refusal: None }
    }
}

impl<S: AsyncWrite + Unpin> ClientStream<S> {
    /// Writes the words in place of the library's refusal, which counts as written when they are.
    fn poll_refusal(&mut self, instead_of: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(refusal) = &mut self.refusal else { return Poll::Ready(Ok(instead_of)) };
        while refusal.written < refusal.bytes.len() {
            let rest = &refusal.bytes[refusal.written..];
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            refusal.written += written;
        }
        Poll::Ready(Ok(instead_of))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(words) = in_words(bytes) {
            this.refusal.get_or_insert(Refusal { bytes: words, written: 0, discarded: 0, over: None });
            return this.poll_refusal(bytes.len(), cx);
        }
        Pin::new(&mut this.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [first, ..] = slices
            && in_words(first).is_some()
        {
            return self.poll_write(cx, first);
        }
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        let Some(refusal) = &mut this.refusal else { return Poll::Ready(Ok(())) };
        let over = refusal.over.get_or_insert_with(|| Box::pin(sleep(LINGER.0)));
        let mut scratch = [0; 4096];
        while over.as_mut().poll(cx).is_pending() && refusal.discarded < LINGER.1 {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut this.inner).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            refusal.discarded += buffer.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}

/// The same refusal in words, if this is an empty one that the HTTP library makes by itself. Ours have bodies.
fn in_words(head: &[u8]) -> Option<Vec<u8>> {
    let head = head.strip_prefix(b"HTTP/1.1 ")?;
    let status = std::str::from_utf8(head.get(..3)?).ok()?;
    let told = match status {
        "400" => "The request cannot be read: it is not HTTP/1.1 as the standard has it.".to_owned(),
        "414" => {
            format!("The address of a request may have {HEAD_BYTES_MAX} bytes at most. Ask for less at once.")
        }
        "431" => format!("Address and headers of a request may have {HEAD_BYTES_MAX} bytes at most."),
        _ => return None,
    };
    const EMPTY: &[u8] = b"\r\ncontent-length: 0\r\n";
    head.windows(EMPTY.len()).find(|window| window.eq_ignore_ascii_case(EMPTY))?;
    let status = StatusCode::from_bytes(status.as_bytes()).ok()?;
    Some(refusal(status, &Error::new(Code::InvalidData, told)))
}

/// A refusal of a whole connection, as it is written.
pub(super) fn refusal(status: StatusCode, error: &Error) -> Vec<u8> {
    let body = serde_json::to_string(error).unwrap_or_default();
    let reason = status.canonical_reason().unwrap_or_default();
    let (status, length) = (status.as_u16(), body.len());
    let whole = format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/json; charset=utf-8\r\ncache-control: no-store\r\n\
         access-control-allow-origin: *\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    whole.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_empty_refusals_of_the_library_get_words() {
        let head = |status: &str, length: usize| {
            format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n").into_bytes()
        };
        for status in ["400 Bad Request", "414 URI Too Long", "431 Request Header Fields Too Large"] {
            let words = String::from_utf8(in_words(&head(status, 0)).unwrap()).unwrap();
            assert!(words.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{words}");
            let body = words.split_once("\r\n\r\n").unwrap().1;
            assert!(words.contains(&format!("content-length: {}\r\n", body.len())), "{words}");
            assert!(in_words(&head(status, 7)).is_none(), "ours has a body");
        }
        for other in [head("200 OK", 0), head("404 Not Found", 0), b"\x81\x04text".to_vec(), Vec::new()] {
            assert!(in_words(&other).is_none());
        }
    }
}
