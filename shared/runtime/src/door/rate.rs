//! The least rate at which what is written must be taken: who reads nothing holds what was made for it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// The least rate at which a connection must take what is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteRate {
    /// Of these spans, each must see some progress.
    pub span: Duration,
    /// Bytes in a span.
    pub bytes_min: usize,
}

/// Measures what one connection takes.
#[derive(Debug)]
pub(super) struct WriteMeter {
    rate: WriteRate,
    /// While the other side does not take everything at once.
    window: Option<Window>,
}

/// A span of somebody who is behind.
#[derive(Debug)]
struct Window {
    over: Pin<Box<Sleep>>,
    taken: usize,
}

impl WriteMeter {
    pub(super) const fn new(rate: WriteRate) -> Self {
        Self { rate, window: None }
    }

    /// Passes on what came of a write, or an error where too little is taken.
    pub(super) fn measured(
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
                        let cause = "the other side takes what is written too slowly";
                        return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, cause)));
                    }
                    window.taken = 0;
                    window.over.as_mut().reset(Instant::now() + rate.span);
                }
            }
        }
        written
    }

    /// Nothing is left to be written.
    pub(super) fn flushed(&mut self) {
        self.window = None;
    }
}

#[cfg(test)]
mod tests {
    use std::task::ready;

    use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    struct Metered {
        inner: DuplexStream,
        meter: WriteMeter,
    }

    impl AsyncWrite for Metered {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
            self.meter.measured(written, cx)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
            self.meter.flushed();
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.inner).poll_shutdown(cx)
        }
    }

    fn rate() -> WriteRate {
        WriteRate { span: Duration::from_secs(30), bytes_min: 30 * 1024 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_must_make_progress() {
        for (bytes_per_second, is_served) in [(0, false), (512, false), (4096, true)] {
            let (own, mut peer) = duplex(1024);
            let mut own = Metered { inner: own, meter: WriteMeter::new(rate()) };
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
        let mut own = Metered { inner: own, meter: WriteMeter::new(rate()) };
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
}
