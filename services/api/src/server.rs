//! Accepts connections: bounded in number, and none may be silent for long.

mod stream;

use std::sync::Arc;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use runtime::{CancellationToken, Door, until_stopped};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;

use self::stream::{ClientStream, WriteRate};
use crate::delivery::Wire;
use crate::front::Front;
use crate::proxies::Peer;

/// What a connection may hold of unread head: the longest query and generous headers.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Accepts until the front's tasks are told to stop. Connections are tasks of the front.
pub(crate) async fn accept(front: &Arc<Front>, listener: TcpListener, router: Router) {
    let door = Door::new(listener, front.settings.connections_max);
    let stop = front.tasks.stop_signal();
    while let Some((socket, place)) = door.next_until(&stop).await {
        let (front, router, stop) = (Arc::clone(front), router.clone(), stop.clone());
        front.tasks.clone().spawn(serve(front, router, socket, place, stop));
    }
}

/// Serves one connection to its end, or to the end of its present call after the stop.
async fn serve(
    front: Arc<Front>,
    router: Router,
    socket: TcpStream,
    place: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let peer = socket.peer_addr().map(|address| Peer(address.ip()));
    let wire = Wire::new(socket);
    let (taken, router) = (wire.taken(), TowerToHyperService::new(router));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(taken.clone());
        if let Ok(peer) = &peer {
            request.extensions_mut().insert(*peer);
        }
        router.call(request)
    });
    let span = front.settings.send_timeout;
    let seconds = usize::try_from(span.as_secs()).unwrap_or(usize::MAX);
    let rate = WriteRate { span, bytes_min: front.settings.send_rate_min.saturating_mul(seconds) };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(front.settings.idle_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(ClientStream::new(wire, rate)), service)
        .with_upgrades();
    let ended = until_stopped(connection, |connection| connection.graceful_shutdown(), &stop).await;
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(place);
}
