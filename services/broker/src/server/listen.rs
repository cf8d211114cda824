//! Taking connections in: plain or encrypted on the same port.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runtime::Tasks;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;

use super::client::ClientId;
use super::connection::Connection;
use super::handshake::upgrade;
use super::hub::ToHub;
use super::outbox::Outbox;
use super::trickle::Trickle;
use crate::faults::Faults;

/// Connections at a time; further ones are closed at once.
const CONNECTIONS_MAX: usize = 20_000;
/// Time for TLS and the HTTP upgrade.
const HANDSHAKE_SPAN: Duration = Duration::from_secs(10);
/// Pause after a failed accept, which mostly means that no file handles are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// First byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// The listening socket with what each connection needs.
#[derive(Clone)]
pub(super) struct Shared {
    tls: Option<TlsAcceptor>,
    to_hub: mpsc::Sender<ToHub>,
    faults: Faults,
    tasks: Tasks,
}

pub(super) struct Listener {
    pub(super) socket: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) to_hub: mpsc::Sender<ToHub>,
    pub(super) faults: Faults,
    pub(super) tasks: Tasks,
}

impl Listener {
    pub(super) async fn run(self: Arc<Self>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let last_id = AtomicU64::new(0);
        let stop = self.tasks.stop_signal();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = self.socket.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::warn!(max = CONNECTIONS_MAX, "too many connections: one was refused");
                continue;
            };
            let id = ClientId(last_id.fetch_add(1, Ordering::Relaxed) + 1);
            let shared = Shared {
                tls: self.tls.clone(),
                to_hub: self.to_hub.clone(),
                faults: self.faults.clone(),
                tasks: self.tasks.clone(),
            };
            self.tasks.spawn(shared.serve(stream, id, place));
        }
    }
}

impl Shared {
    async fn serve(self, stream: TcpStream, id: ClientId, _place: OwnedSemaphorePermit) {
        if let Err(error) = self.greet(stream, id).await {
            tracing::debug!(client = id.0, %error, "a connection failed before its session");
        }
    }

    async fn greet(&self, stream: TcpStream, id: ClientId) -> io::Result<()> {
        // Quotes and verdicts are small and should not wait for more.
        stream.set_nodelay(true)?;
        let mut first = [0];
        let peeked = self.in_time(stream.peek(&mut first)).await?;
        if peeked == 1 && first[0] == TLS_HANDSHAKE {
            let Some(tls) = &self.tls else { return Ok(()) };
            let stream = self.in_time(tls.accept(stream)).await?;
            return self.session(stream, id).await;
        }
        self.session(stream, id).await
    }

    async fn session<S>(&self, stream: S, id: ClientId) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let outbox = Arc::new(Outbox::new(self.faults.clone()));
        let stream = Trickle::new(stream, Arc::clone(&outbox));
        let Some(socket) = self.in_time(upgrade(stream)).await? else { return Ok(()) };
        let connection = Connection::new(id, socket, Arc::clone(&outbox), self.to_hub.clone());
        connection.run(self.tasks.stop_signal()).await;
        Ok(())
    }

    /// A step of the handshake: given up when it takes too long, or when the server goes down.
    async fn in_time<T>(&self, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let stop = self.tasks.stop_signal();
        tokio::select! {
            () = stop.cancelled() => Err(io::ErrorKind::Interrupted.into()),
            done = tokio::time::timeout(HANDSHAKE_SPAN, step) => done?,
        }
    }
}
