//! Interest of clients in events, each at a pace of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Things that a session may have events of, of each kind.
pub(crate) const SUBSCRIBED_MAX: usize = 4096;

#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Least time between two events.
    interval: Duration,
    /// When the next event may be sent.
    next: Option<Instant>,
    /// Whether something waits for that moment.
    due: bool,
}

/// What clients want events of.
#[derive(Debug)]
pub(crate) struct Paced<K> {
    paces: BTreeMap<K, Pace>,
    /// Counts changes of what is wanted.
    version: u64,
}

impl<K> Default for Paced<K> {
    fn default() -> Self {
        Self { paces: BTreeMap::new(), version: 0 }
    }
}

impl<K: Ord + Copy> Paced<K> {
    /// Begins events of one thing, or changes their pace; `due`: there is something to tell already. Returns `false` if
    /// there are too many.
    pub(crate) fn begin(&mut self, key: K, interval: Duration, due: bool) -> bool {
        if self.paces.len() >= SUBSCRIBED_MAX && !self.paces.contains_key(&key) {
            return false;
        }
        self.version += 1;
        self.paces.insert(key, Pace { interval, next: None, due });
        true
    }

    /// Ends events of one thing.
    pub(crate) fn end(&mut self, key: K) {
        self.version += 1;
        self.paces.remove(&key);
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.paces.contains_key(&key)
    }

    /// Counts changes of what is wanted, so that a look shows whether there was one.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// What is wanted, and the least time between two events of each.
    pub(crate) fn intervals(&self) -> impl Iterator<Item = (K, Duration)> {
        self.paces.iter().map(|(key, pace)| (*key, pace.interval))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = K> {
        self.paces.keys().copied()
    }

    /// Something has changed.
    pub(crate) fn touch(&mut self, key: K) {
        if let Some(pace) = self.paces.get_mut(&key) {
            pace.due = true;
        }
    }

    /// What must be told now: it has changed, and its pace allows it.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<K> {
        let mut keys = Vec::new();
        for (key, pace) in &mut self.paces {
            if pace.due && pace.next.is_none_or(|next| next <= now) {
                pace.due = false;
                pace.next = (!pace.interval.is_zero()).then(|| now + pace.interval);
                keys.push(*key);
            }
        }
        keys
    }

    /// When the next thing that waits may be told.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.paces.values().filter(|pace| pace.due).filter_map(|pace| pace.next).min()
    }

    /// Gives things their new names; those without one are forgotten.
    pub(crate) fn rename(&mut self, new: impl Fn(K) -> Option<K>) {
        let old = std::mem::take(&mut self.paces);
        self.paces = old.into_iter().filter_map(|(key, pace)| Some((new(key)?, pace))).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_keep_their_pace_and_the_latest_change_waits() {
        let mut paced = Paced::default();
        let start = Instant::now();
        paced.begin(1, Duration::from_secs(1), false);
        assert!(paced.take_due(start).is_empty(), "nothing to tell yet");
        paced.touch(1);
        paced.touch(2);
        assert_eq!(paced.take_due(start), [1]);
        paced.touch(1);
        assert!(paced.take_due(start).is_empty());
        let next = paced.next_due().unwrap();
        assert_eq!(next, start + Duration::from_secs(1));
        assert_eq!(paced.take_due(next), [1]);
        assert_eq!(paced.next_due(), None);
        paced.rename(|key| (key == 1).then_some(7));
        assert_eq!(paced.keys().collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn there_is_a_limit_and_it_counts_each_thing_once() {
        let mut paced = Paced::default();
        for key in 0..SUBSCRIBED_MAX {
            assert!(paced.begin(key, Duration::ZERO, false));
        }
        assert!(paced.begin(0, Duration::from_secs(1), false));
        assert!(!paced.begin(SUBSCRIBED_MAX, Duration::ZERO, false));
    }
}
