//! The HTTP and WebSocket front. It turns requests into [`bus::Ask`]s and forwards what comes back.
//!
//! ```no_run
//! # async fn example(backend: std::sync::Arc<dyn bus::Backend>) -> std::io::Result<()> {
//! let api = api::Api::new(backend, api::Settings::default());
//! let listener = tokio::net::TcpListener::bind(("127.0.0.1", 5000)).await?;
//! let shutdown = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//! api.serve(listener, shutdown).await;
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: no session state lives here, so any process serves any token; replies and events are forwarded
//! byte for byte; a call that was begun is driven to its end even when its client is gone, unless it
//! only reads.
//!
//! This crate knows nothing about the wire protocol, brokers or how sessions work. Routes, documents and checks
//! all come from the declarations in `calls`.

mod accept;
mod admission;
mod assets;
mod auth;
mod call;
mod cors;
mod delivery;
mod front;
mod manual;
mod notices;
mod openapi;
mod opted;
mod pages;
mod proxies;
mod rates;
mod replies;
mod reply;
mod request;
mod routes;
mod server;
mod settings;
mod shares;
mod stream;
mod stream_page;

pub use access::{JwtAlgorithm, JwtError, JwtTerms};
pub use auth::{JwtSettings, check_jwt};
pub use cors::Origins;
pub use openapi::document as openapi_document;
pub use proxies::TrustedProxies;
pub use rates::{KEY_RATES, UsualRates};
pub use settings::Settings;
pub use stream::close;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use bus::Backend;
use error::{Code, Error};
use registry::Registry;
use runtime::{Full, Held};
use tokio::net::TcpListener;

use crate::accept::Accept;
use crate::auth::Gate;
use crate::front::Front;
use crate::proxies::Peer;
use crate::rates::RateLimiter;
use crate::routes::{Document, Route};
use crate::server::{InClear, NoPlace};
use crate::shares::Share;

/// The front, ready to be served.
#[derive(Clone)]
pub struct Api {
    front: Arc<Front>,
}

impl Api {
    /// A front to this backend.
    pub fn new(backend: Arc<dyn Backend>, settings: Settings) -> Self {
        Self { front: Arc::new(Front::new(backend, settings, Gate::open(), None)) }
    }

    /// The same for those only who show an API key of this registry, and no more often than their rates allow. It keeps up with
    /// the keys until it is closed.
    ///
    /// # Errors
    /// When the keys of an identity provider, which the settings may name, cannot be used.
    pub fn guarded(
        backend: Arc<dyn Backend>,
        settings: Settings,
        registry: Arc<dyn Registry>,
    ) -> Result<Self, JwtError> {
        let rates = RateLimiter::new(Arc::<dyn Registry>::clone(&registry), settings.rates.clone());
        let gate = Gate::guarded(registry, settings.jwt.clone())?;
        let front = Arc::new(Front::new(backend, settings, gate, Some(rates)));
        let stop = front.tasks.stop_signal();
        if let Some(work) = front.gate.work(async move { stop.cancelled().await }) {
            front.tasks.spawn(work);
        }
        Ok(Self { front })
    }

    /// Everything the front answers, for a server of one's own. [`Api::close`] ends its sockets.
    pub fn router(&self) -> Router {
        Router::new().fallback(enter).with_state(Arc::clone(&self.front))
    }

    /// Serves until `shutdown` is ready; then refuses newcomers, closes sockets with code 1001, and returns when
    /// the calls under way are answered, or after the grace of the settings.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) {
        tokio::select! {
            () = shutdown => {}
            () = server::accept(&self.front, listener, self.router()) => {}
        }
        self.close().await;
    }

    /// Closes all sockets and waits for the calls under way, as long as the settings allow.
    pub async fn close(&self) {
        let grace = self.front.settings.stop_grace;
        if !self.front.tasks.finish(grace).await {
            let left = self.front.tasks.running();
            tracing::warn!(left, "calls or sockets did not end in time");
        }
    }
}

/// The one entry: finds the route without regard to case and hands over.
async fn enter(State(front): State<Arc<Front>>, request: Request) -> Response {
    let allowed = front.settings.cors_origins.answer_to(request.headers());
    if request.extensions().get::<InClear>().is_some() && !is_about_health(&front, &request) {
        return reply::uncached(in_clear(&request));
    }
    if request.method() == Method::OPTIONS {
        return reply::uncached(allowed.preflight(request.headers()));
    }
    reply::uncached(allowed.put_on(route(&front, request).await))
}

fn is_about_health(front: &Front, request: &Request) -> bool {
    let route = front.routes.find(request.uri().path());
    matches!(route, Some(Route::Document(Document::Health | Document::Ready)))
}

/// The only answer to a request without TLS where that is wanted; its connection ends with it.
fn in_clear(request: &Request) -> Response {
    let told = "This port speaks https only. Nothing was done, but what was sent was not encrypted: if there was a password or a \
                token in it, have another one made.";
    let error = Error::new(Code::InvalidData, told);
    let mut response = reply::refusal(StatusCode::BAD_REQUEST, Accept::of(request.headers()), &error);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn route(front: &Arc<Front>, request: Request) -> Response {
    let accept = Accept::of(request.headers());
    let Some(route) = front.routes.find(request.uri().path()) else {
        let error = Error::new(
            Code::NotFound,
            format!("There is no {}. All calls are listed at /index.html.", request.uri().path()),
        );
        return reply::refusal(StatusCode::NOT_FOUND, accept, &error);
    };
    if request.uri().query().is_some_and(|query| query.len() > front.settings.query_bytes_max) {
        let limit = front.settings.query_bytes_max;
        let error = Error::new(Code::InvalidData, format!("The query may have {limit} bytes at most."));
        return reply::refusal(StatusCode::URI_TOO_LONG, accept, &route.refused(error));
    }
    if !route.allows(request.method()) {
        return reply::method_not_allowed(route, accept);
    }
    let share = match admitted(front, route, &request) {
        Ok(share) => share,
        Err(error) => return reply::refusal(StatusCode::SERVICE_UNAVAILABLE, accept, &route.refused(error)),
    };
    let response = match route {
        Route::Call(call) => call::answer(front, call, accept, request).await,
        Route::Stream(stream) => stream::open(front, *stream, accept, request).await,
        Route::Document(document) => assets::serve(front, *document, accept),
    };
    match share {
        Some(share) => response.map(|body| Body::new(Held::new(body, share))),
        None => response,
    }
}

/// Whether there is room for a request. What asks after the health of the service always has it; what came through a trusted
/// proxy gets a share of its client's.
fn admitted(front: &Front, route: &Route, request: &Request) -> Result<Option<Share>, Error> {
    if route.is_health() {
        return Ok(None);
    }
    let Settings { connections_max: all, connections_per_address: each, trusted_proxies, .. } =
        &front.settings;
    let of_address = || {
        Error::busy(format!(
            "{each} connections or calls of this address are busy here, which is the most: wait for some of them, then \
             send this again."
        ))
    };
    match request.extensions().get::<NoPlace>() {
        Some(NoPlace(Full::Door)) => {
            return Err(Error::busy(format!(
                "The {all} connections that this service takes at once are busy: send this again in a moment."
            )));
        }
        Some(NoPlace(Full::Address)) => return Err(of_address()),
        None => {}
    }
    let peer = request.extensions().get::<Peer>();
    let client = peer
        .filter(|peer| trusted_proxies.contains(peer.0))
        .and_then(|_| trusted_proxies.client(request.extensions(), request.headers()));
    client.map(|client| front.proxied.take(Some(client), 1)).transpose().map_err(|_| of_address())
}
