//! Bytes of replies on their way: what clients have asked for and do not read is bounded, for all of them together and for
//! each.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::HttpBody;
use bus::{Body, Interrupted, Streamed};
use bytes::Bytes;
use error::Error;
use hyper::body::{Frame, SizeHint};

use crate::settings::Settings;
use crate::shares::{Beyond, Share, Shares};

/// Smaller replies are not counted: connections bound them well enough.
const COUNTED_BYTES_MIN: usize = 16 * 1024;

/// What a reply takes that is rewritten for its client, in terms of its own bytes: itself and what is made of it, which is at most
/// twice as long.
const REWRITTEN: usize = 3;

/// How long a reply waits for those before it.
const PATIENCE: Duration = Duration::from_secs(5);

const MIB: usize = 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Replies {
    /// On their way.
    sent: Arc<Shares>,
    /// Waiting for some of these to be read. They have memory as well, and so the same bound for all of them.
    waiting: Arc<Shares>,
    all_max: usize,
    each_max: usize,
}

impl Replies {
    pub(crate) fn new(settings: &Settings) -> Self {
        let (all_max, each_max) = (settings.reply_bytes_max, settings.reply_bytes_per_address);
        // Who waits for what the same address has not read would be refused at once by the same bound.
        let waiting = Shares::new(all_max, usize::MAX);
        Self { sent: Shares::new(all_max, each_max), waiting, all_max, each_max }
    }

    /// Room for a reply of so many bytes to a read. Those of a streamed one count as well: whoever has made it holds them.
    pub(crate) async fn room(&self, client: Option<IpAddr>, bytes: usize) -> Result<Share, Error> {
        if let Ok(share) = self.sent.take(client, bytes) {
            return Ok(share);
        }
        let waiting = self.waiting.take(client, bytes).map_err(|beyond| self.refused(beyond))?;
        let sent = self.sent.take_within(client, bytes, PATIENCE).await;
        drop(waiting);
        sent.map_err(|beyond| self.refused(beyond))
    }

    fn refused(&self, beyond: Beyond) -> Error {
        let told = |max: usize, whose: &str, todo: &str| {
            let mib = max.div_ceil(MIB);
            Error::busy(format!(
                "Replies of {mib} MiB to {whose} are on their way, which is the most: {todo}."
            ))
        };
        match beyond {
            Beyond::Each => told(self.each_max, "this address", "read them, or ask for less at once"),
            Beyond::All => told(self.all_max, "clients of this service", "try again soon"),
        }
    }
}

/// The bytes of a reply, if it is counted, with what is made of it if it is to be rewritten.
pub(crate) fn counted_bytes(body: &Body, is_rewritten: bool) -> Option<usize> {
    let bytes = usize::try_from(body.size()).ok().filter(|bytes| *bytes >= COUNTED_BYTES_MIN)?;
    Some(if is_rewritten { bytes.saturating_mul(REWRITTEN) } else { bytes })
}

/// Bytes that hold their share until they were written.
pub(crate) fn counted(bytes: Bytes, share: Option<Arc<Share>>) -> Bytes {
    match share {
        Some(share) => Bytes::from_owner(Counted { bytes, _share: share }),
        None => bytes,
    }
}

struct Counted {
    bytes: Bytes,
    _share: Arc<Share>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A streamed reply as the body of a response of known length. When it breaks off, so does the connection: what came before
/// never looks whole. Its pieces hold the share until they were written.
pub(crate) struct StreamedBody {
    streamed: Streamed,
    left: u64,
    share: Option<Arc<Share>>,
}

impl StreamedBody {
    pub(crate) fn new(streamed: Streamed, share: Option<Share>) -> Self {
        Self { left: streamed.length, streamed, share: share.map(Arc::new) }
    }
}

impl HttpBody for StreamedBody {
    type Data = Bytes;
    type Error = Interrupted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        let this = &mut *self;
        let next = ready!(this.streamed.pieces.as_mut().poll_next(context));
        Poll::Ready(match next {
            Some(Ok(piece)) => match this.left.checked_sub(piece.len() as u64) {
                Some(left) => {
                    this.left = left;
                    Some(Ok(Frame::data(counted(piece, this.share.clone()))))
                }
                None => Some(Err(Interrupted("it is longer than was said".to_owned()))),
            },
            None if this.left > 0 => Some(Err(Interrupted(format!("{} bytes are missing", this.left)))),
            None => None,
            Some(Err(interrupted)) => {
                tracing::info!(%interrupted, left = this.left, "a client's connection is ended");
                Some(Err(interrupted))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
