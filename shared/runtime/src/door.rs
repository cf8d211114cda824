//! Accepting connections: bounded in number, and going on after failures that pass.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// How long accepting rests when the process has no file handle left: others must close first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Drives a connection to its end. At the signal to stop it is asked to end after its present call.
pub async fn until_stopped<C: Future>(
    connection: C,
    ask_to_end: impl FnOnce(Pin<&mut C>),
    stop: &CancellationToken,
) -> C::Output {
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            ask_to_end(connection.as_mut());
            connection.await
        }
    }
}

/// A listener with a bounded number of places.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Door {
    /// A door that lets so many in at once.
    #[must_use]
    pub fn new(listener: TcpListener, places: usize) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(places)) }
    }

    /// As [`next`](Self::next), until the signal to stop: then `None`.
    pub async fn next_until(&self, stop: &CancellationToken) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            next = self.next() => Some(next),
        }
    }

    /// The next connection with its place, which is free again when dropped. Newcomers wait in the listener's queue while
    /// all places are taken. Safe to cancel.
    pub async fn next(&self) -> (TcpStream, OwnedSemaphorePermit) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                // Nobody closes it.
                std::future::pending().await
            };
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    if let Err(error) = socket.set_nodelay(true) {
                        tracing::debug!(%error, "a connection stays with delayed sending");
                    }
                    return (socket, place);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections for a moment");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn newcomers_wait_for_a_place() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = Door::new(listener, 1);
        let (_one, _other) =
            (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
        let (_, place) = door.next().await;
        let mut second = Box::pin(door.next());
        let waits =
            std::future::poll_fn(|cx| std::task::Poll::Ready(second.as_mut().poll(cx).is_pending())).await;
        assert!(waits, "the only place is taken");
        drop(place);
        drop(second.await);
    }
}
