//! Accepting connections: bounded in number, together and for each address, and going on after failures that pass.
//!
//! A connection is *busy* from the head of a request until the reply is written. Else it waits: for its first head, or,
//! *idle*, for the next one. Both are bounded in time. When places run out, connections that wait are closed for
//! newcomers, the longest first: those that should have sent a head by now, then idle ones. Busy ones are left alone: who comes
//! when all are busy is let into a small reserve, where the server has an answer for it, and questions after its health have
//! theirs.

mod places;
mod rate;
mod stream;
mod visit;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

pub use self::places::Full;
use self::places::{Bounds, Places};
pub use self::rate::WriteRate;
pub use self::visit::{Busy, GuestSocket, Held, Visit};

/// How long accepting rests when the process has no file handle left: others must close first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How often connections are looked for that wait too long, at least.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The part of the reserve that an address may take.
const RESERVE_PARTS: usize = 4;

/// Further connections that servers answer when all places are busy, so that their health can be asked.
pub const RESERVE: usize = 64;

/// How many connections a door lets in, and how long they may wait.
#[derive(Clone, Copy, Debug)]
pub struct DoorLimits {
    /// Connections at a time.
    pub places: usize,
    /// Of these, connections of one address; of a network of IPv6, which is what one caller has there.
    pub per_address: usize,
    /// Further connections that are answered once when all places are busy.
    pub reserve: usize,
    /// How long the head of a request may take, from the beginning of the connection or its own first byte on.
    pub head_timeout: Duration,
    /// How long a connection may stay between two requests.
    pub idle_timeout: Duration,
    /// The least rate at which replies must be taken.
    pub write_rate: WriteRate,
}

/// Addresses whose connections are of many callers.
type Shared = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// A listener with a bounded number of places. See the module.
pub struct Door {
    listener: TcpListener,
    places: Arc<Places>,
    reserve: Arc<Places>,
    is_shared: Shared,
    looks: Interval,
    write_rate: WriteRate,
    tls: Option<tls::Identity>,
    /// The files of its certificate are being looked at.
    is_looking: Arc<AtomicBool>,
}

/// A connection that was let in.
#[derive(Debug)]
pub struct Guest {
    /// Its bytes.
    pub socket: GuestSocket,
    /// What it does at present.
    pub visit: Visit,
    /// Where it comes from.
    pub peer: IpAddr,
    /// Set when there is no place for it: it gets one answer.
    pub full: Option<Full>,
}

impl Door {
    /// A door with these limits.
    #[must_use]
    pub fn new(listener: TcpListener, limits: &DoorLimits) -> Self {
        let bounds = |places, per_address| Bounds {
            places,
            per_address,
            head_timeout: limits.head_timeout,
            idle_timeout: limits.idle_timeout,
        };
        let in_reserve = limits.reserve.div_ceil(RESERVE_PARTS);
        let mut looks = interval(LOOK_EVERY.min(limits.head_timeout / 4).max(Duration::from_millis(1)));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            listener,
            places: Arc::new(Places::new(bounds(limits.places, limits.per_address))),
            reserve: Arc::new(Places::new(bounds(limits.reserve, in_reserve))),
            is_shared: Arc::new(|_| false),
            looks,
            write_rate: limits.write_rate,
            tls: None,
            is_looking: Arc::default(),
        }
    }

    /// The same with TLS, if there is an identity: its files are looked at every second.
    #[must_use]
    pub fn with_tls(self, tls: Option<tls::Identity>) -> Self {
        Self { tls, ..self }
    }

    /// The same; these addresses are of many callers, such as that of a reverse proxy, and not bounded by themselves.
    #[must_use]
    pub fn shared_by(self, is_shared: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self { is_shared: Arc::new(is_shared), ..self }
    }

    /// As [`next`](Self::next), until the signal to stop: then `None`.
    pub async fn next_until(&mut self, stop: &CancellationToken) -> Option<Guest> {
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            next = self.next() => Some(next),
        }
    }

    /// The next connection. Its place is free again when its visit has ended. Safe to cancel.
    pub async fn next(&mut self) -> Guest {
        loop {
            let accepted = tokio::select! {
                biased;
                _ = self.looks.tick() => {
                    self.places.close_overdue();
                    self.reserve.close_overdue();
                    self.look_at_certificate();
                    continue;
                }
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    if let Some(guest) = self.let_in(socket, peer.ip().to_canonical()) {
                        return guest;
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(
                        %error,
                        "no connection can be accepted for a moment, and one that waits is closed: if the process has \
                         too few file handles, raise their limit"
                    );
                    self.places.close_one();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Reads its files, one look at a time: a file system may be slow.
    fn look_at_certificate(&self) {
        let Some(identity) = self.tls.clone() else { return };
        if !self.is_looking.swap(true, Ordering::AcqRel) {
            let is_looking = Arc::clone(&self.is_looking);
            tokio::task::spawn_blocking(move || {
                identity.look_and_tell();
                is_looking.store(false, Ordering::Release);
            });
        }
    }

    /// Gives a connection a place; if there is none even in the reserve, it is closed.
    fn let_in(&self, socket: TcpStream, peer: IpAddr) -> Option<Guest> {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays with delayed sending");
        }
        let address = if (self.is_shared)(peer) { None } else { Some(caller(peer)) };
        let (visit, full) = match Visit::begin(&self.places, address) {
            Ok(visit) => (visit, None),
            Err(full) => (Visit::begin(&self.reserve, address).ok()?, Some(full)),
        };
        let tls = self.tls.as_ref().map(tls::Identity::acceptor);
        let socket = GuestSocket::new(socket, tls, visit.clone(), self.write_rate);
        Some(Guest { socket, visit, peer, full })
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Door").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// What counts as one caller: an address, or the network of IPv6 in which one caller has as many as it likes.
#[must_use]
pub fn caller(address: IpAddr) -> IpAddr {
    const NETWORK_BITS: u32 = 64;
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> NETWORK_BITS << NETWORK_BITS).into(),
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
#[path = "door/tests.rs"]
mod tests;
