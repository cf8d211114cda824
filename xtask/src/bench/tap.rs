//! Stands between a worker and the broker, hands on what passes, and notes when.
//!
//! So the time that an order spends beyond the service is known without speaking the protocol. What the tap itself
//! takes counts as the broker's.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::numbers::now_us;
use super::{Result, explained};

/// Which way bytes went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToBroker,
    FromBroker,
}

type Notes = Arc<Mutex<Vec<(u64, Way)>>>;

/// See the module.
pub(super) struct Tap {
    pub(super) address: SocketAddr,
    notes: Notes,
    _tasks: JoinSet<()>,
}

impl Tap {
    pub(super) async fn start(broker: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(explained)?;
        let address = listener.local_addr().map_err(explained)?;
        let notes = Notes::default();
        let mut tasks = JoinSet::new();
        let kept = Arc::clone(&notes);
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                open.spawn(async move {
                    if let Ok(far) = TcpStream::connect(broker).await {
                        pass(near, far, &kept).await;
                    }
                });
            }
        });
        Ok(Self { address, notes, _tasks: tasks })
    }

    /// What passed in this direction in a time, both ends included.
    pub(super) fn between(&self, way: Way, from: u64, to: u64) -> Vec<u64> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = notes.partition_point(|(at, _)| *at < from);
        let fits = notes[begin..].iter().take_while(|(at, _)| *at <= to).filter(|(_, own)| *own == way);
        fits.map(|(at, _)| *at).collect()
    }
}

async fn pass(near: TcpStream, far: TcpStream, notes: &Notes) {
    let (_, _) = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::join!(
        copy(near_in, far_out, Way::ToBroker, notes),
        copy(far_in, near_out, Way::FromBroker, notes)
    );
}

/// A request is noted when it has come, an answer when it is handed on.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, notes: &Notes) {
    let mut buffer = vec![0; 64 << 10];
    let note = |at| notes.lock().unwrap_or_else(PoisonError::into_inner).push((at, way));
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let at = now_us();
        if way == Way::ToBroker {
            note(at);
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
        if way == Way::FromBroker {
            note(now_us());
        }
    }
}
