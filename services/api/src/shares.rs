//! What clients may have of something at a time, all together and each of them: sockets, calls that come through a proxy,
//! bytes of replies.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// Something that is bounded.
#[derive(Debug)]
pub(crate) struct Shares {
    all_max: usize,
    each_max: usize,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    each: HashMap<IpAddr, usize>,
}

/// Which bound is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// That of all clients together.
    All,
    /// That of one client.
    Each,
}

impl Shares {
    /// So much for all together and for each.
    pub(crate) fn new(all_max: usize, each_max: usize) -> Arc<Self> {
        Arc::new(Self { all_max, each_max, taken: Mutex::default(), freed: Notify::new() })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes so much for a client; one of unknown address counts among all. What is larger than a bound may be taken as the
    /// only one.
    pub(crate) fn take(self: &Arc<Self>, client: Option<IpAddr>, amount: usize) -> Result<Share, Beyond> {
        let mut taken = self.taken();
        let own = client.and_then(|client| taken.each.get(&client).copied()).unwrap_or_default();
        let is_beyond = |has: usize, max: usize| has.saturating_add(amount) > max && (has > 0 || max == 0);
        if client.is_some() && is_beyond(own, self.each_max) {
            return Err(Beyond::Each);
        }
        if is_beyond(taken.all, self.all_max) {
            return Err(Beyond::All);
        }
        taken.all += amount;
        if let Some(client) = client {
            *taken.each.entry(client).or_default() += amount;
        }
        Ok(Share { of: Arc::clone(self), client, amount })
    }

    /// The same, and waits so long for others to give back what they have.
    pub(crate) async fn take_within(
        self: &Arc<Self>,
        client: Option<IpAddr>,
        amount: usize,
        time: Duration,
    ) -> Result<Share, Beyond> {
        let mut last = Beyond::All;
        let taking = async {
            loop {
                let freed = self.freed.notified();
                match self.take(client, amount) {
                    Ok(share) => return share,
                    Err(beyond) => last = beyond,
                }
                freed.await;
            }
        };
        tokio::time::timeout(time, taking).await.map_err(|_| last)
    }
}

/// A part that somebody has, until this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    of: Arc<Shares>,
    client: Option<IpAddr>,
    amount: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.of.taken();
        taken.all -= self.amount;
        if let Some(client) = self.client
            && let Some(own) = taken.each.get_mut(&client)
        {
            *own -= self.amount;
            if *own == 0 {
                taken.each.remove(&client);
            }
        }
        drop(taken);
        self.of.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Option<IpAddr> {
        Some([10, 0, 0, last].into())
    }

    #[test]
    fn each_has_its_part_and_all_have_theirs() {
        let shares = Shares::new(10, 4);
        let held = [shares.take(client(1), 3).unwrap(), shares.take(client(2), 4).unwrap()];
        assert_eq!(shares.take(client(1), 2).unwrap_err(), Beyond::Each);
        assert_eq!(shares.take(client(3), 4).unwrap_err(), Beyond::All);
        let unknown = shares.take(None, 3).unwrap();
        assert_eq!(shares.take(None, 1).unwrap_err(), Beyond::All);
        drop((held, unknown));
        let taken = shares.taken();
        assert!(taken.all == 0 && taken.each.is_empty(), "{taken:?}");
    }

    #[test]
    fn what_is_too_large_is_had_alone() {
        let shares = Shares::new(10, 4);
        let large = shares.take(client(1), 40).unwrap();
        assert_eq!(shares.take(client(1), 1).unwrap_err(), Beyond::Each);
        assert_eq!(shares.take(client(2), 1).unwrap_err(), Beyond::All);
        drop(large);
        shares.take(client(1), 1).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_what_becomes_free() {
        let shares = Shares::new(10, 4);
        let held = shares.take(client(1), 4).unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(shares.take_within(client(1), 1, second).await.unwrap_err(), Beyond::Each);
        let (taken, ()) = tokio::join!(shares.take_within(client(1), 1, second), async {
            tokio::task::yield_now().await;
            drop(held);
        });
        taken.unwrap();
    }
}
