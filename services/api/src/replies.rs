//! Bytes of replies on their way: what clients have asked for and do not read is bounded, for all of them together and for
//! each.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::Payload;
use bytes::Bytes;
use error::Error;

use crate::settings::Settings;
use crate::shares::{Beyond, Share, Shares};

/// Smaller replies are not counted: connections bound them well enough.
const COUNTED_BYTES_MIN: usize = 16 * 1024;

/// How long a reply waits for those before it.
const PATIENCE: Duration = Duration::from_secs(5);

const MIB: usize = 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Replies {
    /// On their way.
    sent: Arc<Shares>,
    /// Waiting for some of these to be read. They have memory as well, and so the same bounds.
    waiting: Arc<Shares>,
    all_max: usize,
    each_max: usize,
}

impl Replies {
    pub(crate) fn new(settings: &Settings) -> Self {
        let (all_max, each_max) = (settings.reply_bytes_max, settings.reply_bytes_per_address);
        let shares = || Shares::new(all_max, each_max);
        Self { sent: shares(), waiting: shares(), all_max, each_max }
    }

    /// Room for a reply of a read; nothing for one that is not counted.
    pub(crate) async fn room(
        &self,
        client: Option<IpAddr>,
        payload: &Payload,
    ) -> Result<Option<Share>, Error> {
        let length = payload.size();
        if length < COUNTED_BYTES_MIN {
            return Ok(None);
        }
        if let Ok(share) = self.sent.take(client, length) {
            return Ok(Some(share));
        }
        let waiting = self.waiting.take(client, length).map_err(|beyond| self.refused(beyond))?;
        let sent = self.sent.take_within(client, length, PATIENCE).await;
        drop(waiting);
        sent.map(Some).map_err(|beyond| self.refused(beyond))
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

/// Bytes that hold their share until they were written.
pub(crate) fn counted(bytes: Bytes, share: Option<Share>) -> Bytes {
    match share {
        Some(share) => Bytes::from_owner(Counted { bytes, _share: share }),
        None => bytes,
    }
}

struct Counted {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
