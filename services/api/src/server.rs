//! Accepts connections: bounded in number, and none may be silent for long.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use runtime::CancellationToken;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::front::Front;

/// What a connection may hold of unread head: the longest query and generous headers.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How long accepting rests when the process has no file handle left: others must close first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Accepts until the front's tasks are told to stop. Connections are tasks of the front.
pub(crate) async fn accept(front: &Arc<Front>, listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(front.settings.connections_max));
    let stop = front.tasks.stop_signal();
    while let Some((socket, place)) = next(&listener, &places, &stop).await {
        let (front, router, stop) = (Arc::clone(front), router.clone(), stop.clone());
        front.tasks.clone().spawn(serve(front, router, socket, place, stop));
    }
}

/// The next connection, once there is a place for it; `None` at the stop.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            // Newcomers wait in the listener's queue while all places are taken.
            accepted = async { (Arc::clone(places).acquire_owned().await, listener.accept().await) } => accepted,
        };
        match accepted {
            (Ok(place), Ok((socket, _))) => return Some((socket, place)),
            (Err(_), _) => return None,
            (_, Err(error)) if is_of_one_connection(&error) => {}
            (_, Err(error)) => {
                tracing::warn!(%error, "cannot accept connections for a moment");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves one connection to its end, or to the end of its present call after the stop.
async fn serve(
    front: Arc<Front>,
    router: Router,
    socket: TcpStream,
    place: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays with delayed sending");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(front.settings.idle_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(place);
}
