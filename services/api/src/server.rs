//! Accepts connections: bounded in number, and none may be silent for long.

mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use error::{Code, Error};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use runtime::{CancellationToken, Door, DoorLimits, Full, Guest, Held, RESERVE, WriteRate};
use tokio::net::TcpListener;

use self::stream::ClientStream;
use crate::delivery::Wire;
use crate::front::Front;
use crate::proxies::{Encrypted, Peer};

/// What a connection may hold of unread head: the longest query and generous headers.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// On the requests of a connection that has no place: it gets one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoPlace(pub(crate) Full);

/// On the requests of a connection without TLS to a port that wants it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InClear;

/// Accepts until the front's tasks are told to stop. Connections are tasks of the front.
pub(crate) async fn accept(front: &Arc<Front>, listener: TcpListener, router: Router) {
    let settings = &front.settings;
    let span = settings.send_timeout;
    let seconds = usize::try_from(span.as_secs()).unwrap_or(usize::MAX);
    let limits = DoorLimits {
        places: settings.connections_max,
        per_address: settings.connections_per_address,
        reserve: RESERVE,
        head_timeout: settings.head_timeout,
        idle_timeout: settings.idle_timeout,
        write_rate: WriteRate { span, bytes_min: settings.send_rate_min.saturating_mul(seconds) },
    };
    let proxies = settings.trusted_proxies.clone();
    let mut door = Door::new(listener, &limits)
        .with_tls(settings.tls.clone())
        .shared_by(move |address| proxies.contains(address));
    let stop = front.tasks.stop_signal();
    while let Some(guest) = door.next_until(&stop).await {
        let (front, router, stop) = (Arc::clone(front), router.clone(), stop.clone());
        front.tasks.clone().spawn(serve(front, router, guest, stop));
    }
}

/// Serves one connection to its end, or to the end of its present call after the stop. What HTTP needs is made when the
/// client says something: thousands that are silent take little.
async fn serve(front: Arc<Front>, router: Router, guest: Guest, stop: CancellationToken) {
    if guest.visit.is_spoken_to(&guest.socket, &stop).await {
        Box::pin(answer(front, router, guest, stop)).await;
    }
}

async fn answer(front: Arc<Front>, router: Router, guest: Guest, stop: CancellationToken) {
    let Guest { socket, visit, peer, full } = guest;
    let wire = Wire::new(socket, front.settings.head_timeout);
    let is_encrypted = front.settings.tls.is_some();
    let (taken, router, own) = (wire.taken(), TowerToHyperService::new(router), visit.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        let busy = own.busy();
        let extensions = request.extensions_mut();
        extensions.insert(taken.clone());
        extensions.insert(Peer(peer));
        if own.is_in_clear() {
            extensions.insert(InClear);
        } else if is_encrypted {
            extensions.insert(Encrypted);
        }
        if let Some(full) = full {
            extensions.insert(NoPlace(full));
        }
        let answer = router.call(request);
        async move { answer.await.map(|response| response.map(|body| Held::new(body, busy))) }
    });
    let connection = http1::Builder::new()
        // The door bounds how long a head may take.
        .header_read_timeout(None)
        .keep_alive(full.is_none())
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(ClientStream::new(wire)), service)
        .with_upgrades();
    let ended = visit.attend(connection, |connection| connection.graceful_shutdown(), &stop).await;
    if let Some(Err(error)) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// What is written to a client whose request had begun to come when its connection had to go.
pub(crate) fn too_late(head_timeout: Duration) -> Vec<u8> {
    let told = format!(
        "Address and headers of this request have not come as a whole. They may take {} s, and less while connections of \
         others wait for a place or the service stops. Nothing was begun: send the request again.",
        head_timeout.as_secs_f64()
    );
    stream::refusal(StatusCode::REQUEST_TIMEOUT, &Error::new(Code::Timeout, told))
}
