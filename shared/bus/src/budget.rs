//! What waits for readers in a whole process, bounded in bytes: the reader with most behind makes room.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError, Weak};

use bytes::Bytes;

use crate::fanout::Shared;

/// Texts that wait for the readers of all sessions in a process, or are being written to them, in bytes.
pub const WAITING_BYTES_MAX: usize = 256 << 20;

/// That of this process.
pub(crate) static PROCESS: Budget = Budget::new(WAITING_BYTES_MAX);

/// See the module.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: AtomicUsize,
    bytes_max: usize,
    /// Those that had readers when they were looked at last, by where they are in memory.
    fanouts: LazyLock<Mutex<HashMap<usize, Weak<Shared>>>>,
}

/// A text as long as somebody has it.
struct Charged {
    text: Bytes,
    budget: &'static Budget,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        self.budget.bytes.fetch_sub(self.text.len(), Ordering::Relaxed);
    }
}

impl Budget {
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self { bytes: AtomicUsize::new(0), bytes_max, fanouts: LazyLock::new(Mutex::default) }
    }

    /// A session has readers from now on.
    pub(crate) fn watch(&self, fanout: Weak<Shared>) {
        let mut fanouts = self.fanouts.lock().unwrap_or_else(PoisonError::into_inner);
        if fanouts.len() == fanouts.capacity() {
            fanouts.retain(|_, known| known.upgrade().is_some_and(|known| known.has_readers()));
        }
        fanouts.insert(fanout.as_ptr().addr(), fanout);
    }

    /// The text, which counts until nobody has it any more. Those with most behind are sent away until it fits.
    pub(crate) fn charge(&'static self, text: Bytes) -> Bytes {
        let bytes = self.bytes.fetch_add(text.len(), Ordering::Relaxed) + text.len();
        let text = Bytes::from_owner(Charged { text, budget: self });
        if bytes > self.bytes_max {
            self.make_room();
        }
        text
    }

    fn make_room(&self) {
        let fanouts: Vec<_> = {
            let fanouts = self.fanouts.lock().unwrap_or_else(PoisonError::into_inner);
            fanouts.values().filter_map(Weak::upgrade).collect()
        };
        while self.bytes.load(Ordering::Relaxed) > self.bytes_max {
            let furthest =
                fanouts.iter().filter_map(|fanout| fanout.furthest_behind()).max_by_key(|one| one.0);
            let Some((_, subscriber)) = furthest else { return };
            subscriber.lag();
        }
    }
}
