//! A worker's internal port.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bus::{Answer, Delivery};
use bytes::Bytes;
use error::Error;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use registry::Fence;
use runtime::{CancellationToken, Door, DoorLimits, Full as NoPlace, Guest, Held, RESERVE, Tasks, WriteRate};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tracing::Instrument;

use crate::key::Guard;
use crate::protocol::{
    self, ASK_BYTES_MAX, Delivered, INTEREST_BYTES_MAX, InterestSaid, Interests, NotMine, OneSession, header,
    path, plain, status,
};
use crate::{ClusterKey, Interested, Owner, Reply};

/// Connections that a worker's internal port has at most. Each carries one call at a time.
pub const CONNECTIONS_MAX: usize = 8192;

/// Of these, connections of one address: several processes may share one.
const CONNECTIONS_PER_ADDRESS: usize = CONNECTIONS_MAX / 2;

/// How often the log is told of callers without a good pass.
const STRANGERS_TOLD_EVERY: Duration = Duration::from_secs(60);

/// How long the head of a request may take.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a connection may be silent. Callers close theirs before, so that no call meets a closing connection.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(90);

/// How long a caller may take nothing of a reply. It reads a streamed one as slowly as its client, who is seen after by the front;
/// buffers on the way empty in large steps.
const WRITE_SPAN: Duration = Duration::from_secs(600);

/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(10);

const LIMITS: DoorLimits = DoorLimits {
    places: CONNECTIONS_MAX,
    per_address: CONNECTIONS_PER_ADDRESS,
    reserve: RESERVE,
    head_timeout: HEAD_TIME,
    idle_timeout: SILENCE_MAX,
    write_rate: WriteRate { span: WRITE_SPAN, bytes_min: 1 },
};

struct Inner {
    owner: Arc<dyn Owner>,
    guard: Guard,
    tasks: Tasks,
    /// When the log was last told of a caller without a good pass.
    stranger_told: Mutex<Option<Instant>>,
}

impl Inner {
    /// Tells the log of a caller without a good pass: who has the wrong key calls again and again.
    fn tell_of_stranger(&self, reason: &str) {
        let mut told = self.stranger_told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() > STRANGERS_TOLD_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(reason, "a caller on the internal port was refused");
        }
    }
}

/// Serves a worker to the other processes until `shutdown` comes; then takes nothing new, and is done when all that was
/// begun is done. With an identity it speaks TLS only.
pub async fn serve(
    listener: TcpListener,
    owner: Arc<dyn Owner>,
    key: ClusterKey,
    tls: Option<tls::Identity>,
    shutdown: impl Future<Output = ()>,
) {
    let tasks = Tasks::new();
    let inner = Arc::new(Inner {
        owner,
        guard: Guard::new(&key),
        tasks: tasks.clone(),
        stranger_told: Mutex::default(),
    });
    let mut door = Door::new(listener, &LIMITS).with_tls(tls);
    let mut shutdown = pin!(shutdown);
    loop {
        let guest = tokio::select! {
            biased;
            () = shutdown.as_mut() => break,
            next = door.next() => next,
        };
        tasks.spawn(connection(Arc::clone(&inner), guest, tasks.stop_signal()));
    }
    drop(door);
    // Each call has its own deadline, so the end comes by itself.
    while !tasks.finish(SILENCE_MAX).await {
        tracing::warn!(calls = tasks.running(), "calls of other processes still run");
    }
}

/// Serves one connection to its end, or to the end of its present call after the stop.
async fn connection(inner: Arc<Inner>, guest: Guest, stop: CancellationToken) {
    let Guest { socket, visit, full, .. } = guest;
    let own = visit.clone();
    let service = service_fn(move |request| {
        let (inner, busy, is_in_clear) = (Arc::clone(&inner), own.busy(), own.is_in_clear());
        async move {
            let response = answer(&inner, request, full, is_in_clear).await;
            Ok::<_, Infallible>(response.map(|body| Held::new(body, busy)))
        }
    });
    let connection = http1::Builder::new()
        // The door bounds how long a head may take.
        .header_read_timeout(None)
        .keep_alive(full.is_none())
        .serve_connection(TokioIo::new(socket), service);
    let ended = visit.attend(connection, |connection| connection.graceful_shutdown(), &stop).await;
    if let Some(Err(error)) = ended {
        tracing::debug!(%error, "a connection of another process ended early");
    }
}

/// Answers a request. Without a place, or without TLS where it is wanted, only those after the health of the process.
async fn answer(
    inner: &Arc<Inner>,
    request: Request<Incoming>,
    full: Option<NoPlace>,
    is_in_clear: bool,
) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, path::HEALTH) => return plain(StatusCode::OK, "OK"),
        (&Method::GET, path::READY) => {
            return match inner.owner.ready() {
                Ok(()) => plain(StatusCode::OK, "OK"),
                Err(reason) => plain(status::NOT_READY, reason),
            };
        }
        _ => {}
    }
    if is_in_clear {
        let told = "This port speaks TLS: reach this worker by https.";
        inner.tell_of_stranger(told);
        return plain(status::MALFORMED, told);
    }
    if let Some(full) = full {
        let (most, whose) = match full {
            NoPlace::Door => (CONNECTIONS_MAX, "of all callers"),
            NoPlace::Address => (CONNECTIONS_PER_ADDRESS, "of this address"),
        };
        let told = format!("{most} connections {whose} are busy at this worker, which is the most.");
        return plain(status::NOT_READY, told);
    }
    if let Err(sentence) = inner.guard.check(request.headers().get(AUTHORIZATION)) {
        inner.tell_of_stranger(&sentence);
        return plain(status::NO_PASS, sentence);
    }
    if request.method() != Method::POST {
        return plain(StatusCode::NOT_FOUND, "There is nothing here.");
    }
    let answered = match request.uri().path() {
        path::GREETING => Ok(plain(status::ANSWERED, "OK")),
        path::ASK | path::ASK_FOR | path::DRY_RUN => asked(inner, request).await,
        path::DELIVERED => delivered(inner, request).await,
        path::INTEREST => interest(inner, request).await,
        path::ADOPT => session(inner, request, Deed::Adopt).await,
        path::PREPARE => session(inner, request, Deed::Prepare).await,
        path::ACTIVATE => session(inner, request, Deed::Activate).await,
        _ => Ok(plain(StatusCode::NOT_FOUND, "There is nothing here.")),
    };
    answered.unwrap_or_else(|sentence| plain(status::MALFORMED, sentence))
}

/// Has a call answered.
async fn asked(inner: &Arc<Inner>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, String> {
    let is_to_be_dry = request.uri().path() == path::DRY_RUN;
    let (parts, body) = request.into_parts();
    let body = read(body, ASK_BYTES_MAX).await?;
    let call = match protocol::call_of(&parts.headers)? {
        Ok(call) => call,
        Err(error) => return Ok(protocol::response_of(Reply::Answer(error.into()))),
    };
    let ask = protocol::ask_of(call, &parts.headers, &body)?;
    drop(body);
    if is_to_be_dry && !ask.is_dry_run() {
        return Err("a trade that is to be tried does not say so".to_owned());
    }
    let only_reads = ask.only_reads();
    let trace = parts.headers.get(header::TRACE).and_then(|trace| trace.to_str().ok());
    let span = runtime::call_span(trace, call.name(), only_reads);
    let owner = Arc::clone(&inner.owner);
    let work = async move { owner.ask(ask).await };
    let reply = inner
        .tasks
        .drive(work.instrument(span.clone()), only_reads)
        .await
        .unwrap_or_else(|fault| Reply::Answer(call.of_unknown_fate(Error::internal(fault)).into()));
    if let Reply::Answer(Answer { result: Err(error), .. }) = &reply
        && let Some(cause) = error.cause()
    {
        // It stays in this process, so this is the place to tell it.
        span.in_scope(|| tracing::info!(%call, code = %error.code(), cause, "a call failed"));
    }
    Ok(protocol::response_of(reply))
}

/// Has the owner told what became of an answer.
async fn delivered(inner: &Arc<Inner>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, String> {
    let told: Delivered = body_of(request, ASK_BYTES_MAX).await?;
    let delivery = if told.is_written { Delivery::Written } else { Delivery::Lost };
    let owner = Arc::clone(&inner.owner);
    let work = async move { owner.delivered(&told.token, &told.receipt, delivery).await };
    Ok(match inner.tasks.drive(work, false).await {
        Ok(true) => plain(status::ANSWERED, "OK"),
        Ok(false) => plain(status::NOT_MINE, "This worker does not own the session."),
        Err(fault) => protocol::failed(&Error::internal(fault)),
    })
}

/// Has the interest of a process replaced.
async fn interest(inner: &Arc<Inner>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, String> {
    let told: Interests = body_of(request, INTEREST_BYTES_MAX).await?;
    let all: Vec<Interested> = told.all.into_iter().map(|one: InterestSaid| one.into()).collect();
    let (owner, ttl) = (Arc::clone(&inner.owner), Duration::from_millis(told.ttl_ms));
    let work = async move { owner.interest(&told.listener, all, ttl).await };
    Ok(match inner.tasks.drive(work, false).await {
        Ok(not_mine) => match protocol::encoded(&NotMine { not_mine }) {
            Ok(body) => plain(status::ANSWERED, body),
            Err(error) => protocol::failed(&error),
        },
        Err(fault) => protocol::failed(&Error::internal(fault)),
    })
}

/// What is done with a session.
#[derive(Clone, Copy)]
enum Deed {
    Adopt,
    Prepare,
    Activate,
}

async fn session(
    inner: &Arc<Inner>,
    request: Request<Incoming>,
    deed: Deed,
) -> Result<Response<Full<Bytes>>, String> {
    let OneSession { token, fence } = body_of(request, ASK_BYTES_MAX).await?;
    let owner = Arc::clone(&inner.owner);
    let work = async move {
        match deed {
            Deed::Adopt => owner.adopt(&token).await,
            Deed::Prepare => owner.prepare(&token).await,
            Deed::Activate => owner.activate(&token, Fence(fence)).await,
        }
    };
    let done = inner.tasks.drive(work, false).await.unwrap_or_else(|fault| Err(Error::internal(fault)));
    Ok(match done {
        Ok(()) => plain(status::ANSWERED, "OK"),
        Err(error) => protocol::failed(&error),
    })
}

async fn body_of<T: DeserializeOwned>(request: Request<Incoming>, bytes_max: usize) -> Result<T, String> {
    protocol::decoded(&read(request.into_body(), bytes_max).await?)
}

async fn read(body: Incoming, bytes_max: usize) -> Result<Bytes, String> {
    let reading = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(BODY_TIME, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) => Err(format!("the body cannot be read: {error}")),
        Err(_) => Err("the body did not come in time".to_owned()),
    }
}
