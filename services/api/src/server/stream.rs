//! The bytes of one connection: replies must be taken at a least rate, and what the HTTP library refuses by itself comes
//! with words.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use error::{Code, Error};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::HEAD_BYTES_MAX;

/// How long a client whose request was refused may still send, and how much: a connection that is closed before it was
/// read is reset, and the words are lost with it.
const LINGER: (Duration, usize) = (Duration::from_secs(2), 4 * 1024 * 1024);

/// The least rate at which replies must be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteRate {
    /// Of these spans, each must see some progress.
    pub(super) span: Duration,
    /// Bytes in a span.
    pub(super) bytes_min: usize,
}

/// A connection to a client. See the module.
pub(super) struct ClientStream<S> {
    inner: S,
    rate: WriteRate,
    /// While the client does not take everything at once.
    window: Option<Window>,
    refusal: Option<Refusal>,
}

/// A span of a client's that is behind.
struct Window {
    over: Pin<Box<Sleep>>,
    taken: usize,
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
    pub(super) const fn new(inner: S, rate: WriteRate) -> Self {
        Self { inner, rate, window: None, refusal: None }
    }

    /// Ends a connection whose client takes too little.
    fn measured(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                if let Some(window) = &mut self.window {
                    window.taken += bytes;
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let rate = self.rate;
                let begin = || Window { over: Box::pin(sleep(rate.span)), taken: 0 };
                let window = self.window.get_or_insert_with(begin);
                while window.over.as_mut().poll(cx).is_ready() {
                    if window.taken < rate.bytes_min {
                        let cause = "the client takes its reply too slowly";
                        return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, cause)));
                    }
                    window.taken = 0;
                    window.over.as_mut().reset(Instant::now() + rate.span);
                }
            }
        }
        written
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
        let written = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.measured(written, cx)
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
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.measured(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        self.window = None;
        Poll::Ready(Ok(()))
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn rate() -> WriteRate {
        WriteRate { span: Duration::from_secs(30), bytes_min: 30 * 1024 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_must_make_progress() {
        for (bytes_per_second, is_served) in [(0, false), (512, false), (4096, true)] {
            let (own, mut peer) = duplex(1024);
            let mut own = ClientStream::new(own, rate());
            let begun = Instant::now();
            let read = async {
                let mut buffer = vec![0; bytes_per_second];
                let mut seconds = tokio::time::interval(Duration::from_secs(1));
                loop {
                    seconds.tick().await;
                    if bytes_per_second > 0 && peer.read_exact(&mut buffer).await.is_err() {
                        return;
                    }
                }
            };
            let written = tokio::select! {
                written = async { own.write_all(&[7; 1 << 20]).await } => written,
                () = read => panic!("the reader ended"),
            };
            assert_eq!(written.is_ok(), is_served, "{bytes_per_second} bytes a second");
            assert!(is_served || begun.elapsed() < Duration::from_secs(61), "{:?}", begun.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_between_replies_is_no_lack_of_progress() {
        let (own, mut peer) = duplex(1024);
        let mut own = ClientStream::new(own, rate());
        let mut taken = [0; 4096];
        for _ in 0..3 {
            let write = async {
                own.write_all(&[7; 4096]).await?;
                own.flush().await
            };
            let (written, read) = tokio::join!(write, peer.read_exact(&mut taken));
            assert!(written.is_ok() && read.is_ok());
            tokio::time::advance(Duration::from_secs(3600)).await;
        }
    }

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
