//! A process of the cluster as a caller of workers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bus::{Ask, Delivery};
use bytes::Bytes;
use error::{Code, Error};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::http::response::Parts;
use hyper::http::uri::Scheme;
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use registry::Fence;
use tls::Trust;
use tokio::sync::Semaphore;

use crate::form::{Form, whole};
use crate::key::Passes;
use crate::protocol::{
    self, ASK_BYTES_MAX, Delivered, INTEREST_BYTES_MAX, InterestSaid, Interests, NotMine, OneSession, header,
    path, status,
};
use crate::serve::SILENCE_MAX;
use crate::{ClusterKey, Interested, Reply};

/// Calls of one process that may be under way at one worker.
pub const IN_FLIGHT_MAX: usize = 1024;

/// How long a connection may take to come up: workers are near.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// How long an unused connection is kept; shorter than the worker keeps it.
const IDLE_MAX: Duration = Duration::from_secs(SILENCE_MAX.as_secs() / 3);

/// What is read ahead of a reply whose caller does not take it yet.
const READ_BYTES_MAX: usize = 128 * 1024;

/// An address of a worker begins with this where its port speaks TLS.
pub const TLS_SCHEME: &str = "https://";

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The worker cannot be reached: nothing was sent.
    NotSent(String),
    /// The request may have reached the worker, and there will be no reply.
    Broken(String),
    /// There was no reply in time.
    Late,
    /// It was refused before it was begun.
    Refused(Error),
}

/// What a worker says to a process that asks whether it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// It is.
    Known,
    /// Its pass is not good there: why.
    Unknown(String),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotSent(cause) | Failure::Broken(cause) => {
                let told = "A part of this service cannot be reached at the moment. Try again.";
                Error::busy(told).because(cause)
            }
            Failure::Late => Error::timeout("The answer of another part of this service"),
            Failure::Refused(error) => error,
        }
    }
}

/// A worker as a process that calls it sees it.
#[derive(Debug)]
pub(crate) struct Peer {
    address: String,
    ask: Uri,
    ask_for: Uri,
    dry_run: Uri,
    places: Arc<Semaphore>,
}

impl Peer {
    /// Where it is reached.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// Calls workers over connections that are kept for the next call.
pub struct WorkerClient {
    plain: Client<HttpConnector, Full<Bytes>>,
    /// For workers with TLS, if it is known which certificates are good.
    encrypted: Option<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    passes: Passes,
    /// Those that somebody holds.
    peers: Mutex<HashMap<String, Weak<Peer>>>,
    in_flight_max: usize,
}

impl WorkerClient {
    /// A caller that shares the cluster's key. Without trust, workers with TLS cannot be called.
    pub fn new(key: &ClusterKey, trust: Option<&Trust>) -> Self {
        Self::with_bound(key, trust, IN_FLIGHT_MAX)
    }

    pub(crate) fn with_bound(key: &ClusterKey, trust: Option<&Trust>, in_flight_max: usize) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIME));
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(in_flight_max)
            .http1_max_buf_size(READ_BYTES_MAX);
        let encrypted = trust.map(|trust| {
            let mut connector = connector.clone();
            connector.enforce_http(false);
            let https = HttpsConnectorBuilder::new().with_tls_config(trust.config()).https_only();
            builder.build(https.enable_http1().wrap_connector(connector))
        });
        let plain = builder.build(connector);
        Self { plain, encrypted, passes: Passes::new(key), peers: Mutex::default(), in_flight_max }
    }

    /// The worker at an address.
    pub(crate) fn peer(&self, address: &str) -> Result<Arc<Peer>, Failure> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = peers.get(address).and_then(Weak::upgrade) {
            return Ok(peer);
        }
        let (ask, ask_for) = (self.uri(address, path::ASK)?, self.uri(address, path::ASK_FOR)?);
        let dry_run = self.uri(address, path::DRY_RUN)?;
        let places = Arc::new(Semaphore::new(self.in_flight_max));
        let peer = Arc::new(Peer { address: address.to_owned(), ask, ask_for, dry_run, places });
        peers.retain(|_, peer| peer.strong_count() > 0);
        peers.insert(address.to_owned(), Arc::downgrade(&peer));
        Ok(peer)
    }

    /// Forwards a call, and waits for the reply until `until`; for a streamed one, until it begins.
    pub(crate) async fn ask<F: Form>(
        &self,
        to: &Peer,
        ask: &Ask,
        until: Instant,
    ) -> Result<Reply<F>, Failure> {
        let Ok(place) = Arc::clone(&to.places).try_acquire_owned() else {
            let told = "Too many calls are under way at the worker of this session. Try again in a moment.";
            return Err(Failure::Refused(Error::busy(told)));
        };
        let body = protocol::ask_body(ask).map_err(Failure::Refused)?;
        if body.len() > ASK_BYTES_MAX {
            let told = "The parameters of this call are too large.";
            return Err(Failure::Refused(Error::new(Code::InvalidData, told)));
        }
        let call = HeaderValue::from_static(ask.call.name());
        let path = match ask.caller.is_local() {
            _ if ask.is_dry_run() => &to.dry_run,
            true => &to.ask,
            false => &to.ask_for,
        };
        let mut request = self.request(path.clone(), body)?;
        request.headers_mut().insert(header::CALL, call);
        request.headers_mut().insert(header::LEFT_MS, protocol::left(ask));
        let taken_over = async {
            let (parts, body) = self.send(request).await?;
            F::take_over(parts, body, place).await
        };
        tokio::time::timeout_at(until.into(), taken_over).await.unwrap_or(Err(Failure::Late))
    }

    /// Tells a worker what became of an answer; false if it does not own the session.
    pub(crate) async fn delivered(
        &self,
        to: &Peer,
        token: &str,
        receipt: &str,
        delivery: Delivery,
        time: Duration,
    ) -> Result<bool, Failure> {
        let (token, receipt) = (token.to_owned(), receipt.to_owned());
        let told = Delivered { token, receipt, is_written: delivery == Delivery::Written };
        let body = protocol::encoded(&told).map_err(Failure::Refused)?;
        let request = self.request(self.uri(&to.address, path::DELIVERED)?, body)?;
        let (parts, body) = self.exchange(request, Instant::now() + time).await?;
        match parts.status {
            status::ANSWERED => Ok(true),
            status::NOT_MINE => Ok(false),
            other => Err(Failure::Broken(format!("status {other}: {}", protocol::shown(&body)))),
        }
    }

    /// Tells a worker all that this process listens to there; answers the tokens that it does not own.
    pub(crate) async fn interest(
        &self,
        to: &Peer,
        listener: &str,
        all: &[Interested],
        ttl: Duration,
        time: Duration,
    ) -> Result<Vec<String>, Failure> {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let all = all.iter().map(InterestSaid::from).collect();
        let told = Interests { listener: listener.to_owned(), ttl_ms, all };
        let body = protocol::encoded(&told).map_err(Failure::Refused)?;
        if body.len() > INTEREST_BYTES_MAX {
            return Err(Failure::Refused(Error::internal("too many sessions are listened to at one worker")));
        }
        let body = self.done(&to.address, path::INTEREST, body, time).await?;
        let answer: NotMine = protocol::decoded(&body).map_err(Failure::Broken)?;
        Ok(answer.not_mine)
    }

    /// Asks a worker whether it knows this process as one of the cluster.
    pub(crate) async fn greet(&self, address: &str, until: Instant) -> Result<Greeting, Failure> {
        let request = self.request(self.uri(address, path::GREETING)?, Bytes::new())?;
        let (parts, body) = self.exchange(request, until).await?;
        Ok(match parts.status {
            status::NO_PASS => Greeting::Unknown(protocol::shown(&body)),
            // One of an older version has no answer, and says so to processes that it knows.
            _ => Greeting::Known,
        })
    }

    /// Has a worker take over a session whose owner is dead.
    pub async fn adopt(&self, address: &str, token: &str, time: Duration) -> Result<(), Failure> {
        self.session(address, path::ADOPT, token, Fence::default(), time).await
    }

    /// Has a worker log in beside the present owner of a session.
    pub async fn prepare(&self, address: &str, token: &str, time: Duration) -> Result<(), Failure> {
        self.session(address, path::PREPARE, token, Fence::default(), time).await
    }

    /// Tells a worker that a session was given to it.
    pub async fn activate(
        &self,
        address: &str,
        token: &str,
        fence: Fence,
        time: Duration,
    ) -> Result<(), Failure> {
        self.session(address, path::ACTIVATE, token, fence, time).await
    }

    async fn session(
        &self,
        address: &str,
        path: &'static str,
        token: &str,
        fence: Fence,
        time: Duration,
    ) -> Result<(), Failure> {
        let said = OneSession { token: token.to_owned(), fence: fence.0 };
        let body = protocol::encoded(&said).map_err(Failure::Refused)?;
        self.done(address, path, body, time).await.map(drop)
    }

    /// Posts something that either is done or fails.
    async fn done(
        &self,
        address: &str,
        path: &'static str,
        body: Bytes,
        time: Duration,
    ) -> Result<Bytes, Failure> {
        let request = self.request(self.uri(address, path)?, body)?;
        let (parts, body) = self.exchange(request, Instant::now() + time).await?;
        match parts.status {
            status::ANSWERED => Ok(body),
            status::FAILED => Err(protocol::error_of(&body).map_or_else(Failure::Broken, Failure::Refused)),
            other => Err(refusal(other, &body)
                .unwrap_or_else(|| Failure::Broken(format!("status {other}: {}", protocol::shown(&body))))),
        }
    }

    /// A path of a worker, encrypted if its address says so.
    fn uri(&self, address: &str, path: &'static str) -> Result<Uri, Failure> {
        let (scheme, authority) = match address.strip_prefix(TLS_SCHEME) {
            Some(_) if self.encrypted.is_none() => {
                let told =
                    format!("the worker at {address} speaks TLS: give --internal-tls-ca, whom to trust");
                return Err(Failure::NotSent(told));
            }
            Some(authority) => ("https", authority),
            None => ("http", address),
        };
        let parsed = Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build();
        parsed.map_err(|_| Failure::NotSent(format!("'{address}' is no address of a worker")))
    }

    fn request(&self, uri: Uri, body: Bytes) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::post(uri)
            .body(Full::new(body))
            .map_err(|fault| Failure::Refused(Error::internal(fault)))?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.passes.pass().map_err(Failure::Refused)?);
        if let Some(trace) = runtime::outgoing_trace().and_then(|trace| HeaderValue::try_from(trace).ok()) {
            headers.insert(header::TRACE, trace);
        }
        Ok(request)
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        until: Instant,
    ) -> Result<(Parts, Bytes), Failure> {
        let exchange = async {
            let (parts, body) = self.send(request).await?;
            Ok((parts, whole(body).await?))
        };
        tokio::time::timeout_at(until.into(), exchange).await.unwrap_or(Err(Failure::Late))
    }

    /// Sends a request, and waits for the head of the response.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(Parts, Incoming), Failure> {
        // The client sends anew by itself only what never left: what found a kept connection closed.
        let sent = match &self.encrypted {
            Some(encrypted) if request.uri().scheme() == Some(&Scheme::HTTPS) => encrypted.request(request),
            _ => self.plain.request(request),
        };
        let response = sent.await.map_err(|error| {
            let told = spelled(&error);
            if error.is_connect() { Failure::NotSent(told) } else { Failure::Broken(told) }
        })?;
        Ok(response.into_parts())
    }
}

/// Answers by which a worker refuses a request before it begins anything.
pub(crate) fn refusal(code: StatusCode, body: &[u8]) -> Option<Failure> {
    let cause = protocol::shown(body);
    match code {
        status::NO_PASS => {
            let told = "The processes of this service do not know each other: its operator finds the reason at /readyz.";
            Some(Failure::Refused(Error::new(Code::ServiceNotAvailable, told).because(cause)))
        }
        status::NOT_READY => {
            let told = "The worker that was asked takes no further connection at the moment. Try again soon.";
            Some(Failure::Refused(Error::busy(told).because(cause)))
        }
        // Newer callers have paths for what older workers would misunderstand.
        StatusCode::NOT_FOUND => {
            let told = "The worker that was asked is of a version that cannot do this yet. Nothing was done.";
            Some(Failure::Refused(Error::new(Code::ServiceNotAvailable, told).because(cause)))
        }
        status::MALFORMED => {
            Some(Failure::Refused(Error::internal(format!("a worker answered {code}: {cause}"))))
        }
        _ => None,
    }
}

/// An error with its causes.
fn spelled(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        told.push_str(": ");
        told.push_str(&source.to_string());
        next = source.source();
    }
    told
}

#[cfg(test)]
mod tests;
