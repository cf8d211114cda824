//! The admin port: what operators of the sandbox may do, as JSON over HTTP.
//!
//! Each call is one of [`Control`]'s; nothing else is reached from here. The port is off unless asked for. It is not
//! for web pages: browsers name the page that asks, and such requests are refused.

mod calls;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use runtime::{CancellationToken, Door, DoorLimits, Guest, Held, Tasks, WriteRate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;

use crate::accounts::Digest;
use crate::server::{Control, ControlError};

/// Connections at a time.
const CONNECTIONS_MAX: usize = 64;
/// Further connections that are told so when all are busy.
const RESERVE: usize = 8;
/// How long the head of a request may take.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// The least rate at which answers must be taken.
const WRITE_RATE: WriteRate = WriteRate { span: Duration::from_secs(30), bytes_min: 120 << 10 };
/// Largest body of a request.
const BODY_BYTES_MAX: usize = 64 << 10;
const JSON: &str = "application/json";
const BUSY: &str = "all connections that this port takes at once are busy: try again in a moment";

/// Serves operators until the tasks are told to stop. With a key, only those who show it.
pub(crate) async fn serve(listener: TcpListener, control: Control, key: Option<Digest>, tasks: Tasks) {
    let router = router(control, key);
    let limits = DoorLimits {
        places: CONNECTIONS_MAX,
        per_address: CONNECTIONS_MAX,
        reserve: RESERVE,
        head_timeout: HEAD_TIME,
        idle_timeout: SILENCE_MAX,
        write_rate: WRITE_RATE,
    };
    let mut door = Door::new(listener, &limits);
    let stop = tasks.stop_signal();
    while let Some(guest) = door.next_until(&stop).await {
        tasks.spawn(connection(router.clone(), guest, stop.clone()));
    }
}

/// Serves one connection to its end, or to the end of its present call after the stop.
async fn connection(router: Router, guest: Guest, stop: CancellationToken) {
    let Guest { socket, visit, full, .. } = guest;
    let (router, own) = (TowerToHyperService::new(router), visit.clone());
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (busy, answer) = (own.busy(), router.call(request));
        async move {
            let response = match full {
                None => answer.await?,
                Some(_) => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, BUSY).into_response(),
            };
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
        tracing::debug!(%error, "an operator's connection ended early");
    }
}

fn router(control: Control, key: Option<Digest>) -> Router {
    Router::new()
        .route("/accounts", get(calls::accounts).post(calls::add_account))
        .route("/accounts/{login}", get(calls::account).merge(patch(calls::edit_account)))
        .route("/accounts/{login}/operations", post(calls::operate))
        .route("/accounts/{login}/deals", post(calls::deal))
        .route("/accounts/{login}/disconnect", post(calls::disconnect))
        .route("/accounts/{login}/mail", post(calls::mail))
        .route("/symbols", get(calls::symbols))
        .route("/symbols/{name}", get(calls::symbol).merge(patch(calls::edit_symbol)))
        .route("/symbols/{name}/price", put(calls::set_price))
        .route("/symbols/{name}/jump", post(calls::jump))
        .route("/symbols/{name}/dividend", post(calls::dividend))
        .route("/symbols/{name}/open", post(calls::open_market))
        .route("/symbols/{name}/close", post(calls::close_market))
        .route("/logins", put(calls::logins))
        .route("/faults", get(calls::faults).post(calls::add_fault).delete(calls::clear_faults))
        .route("/faults/{id}", delete(calls::remove_fault))
        .route("/holidays", get(calls::holidays).post(calls::add_holiday))
        .route("/holidays/{id}", delete(calls::remove_holiday))
        .route("/connections", get(calls::connections))
        .route("/disconnect", post(calls::disconnect_all))
        .route("/clock", get(calls::clock))
        .route("/clock/daylight", put(calls::daylight))
        .route("/clock/advance", post(calls::advance))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .with_state(control)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::new(key), guard))
}

/// Who may call, and what was called.
async fn guard(State(key): State<Arc<Option<Digest>>>, request: Request, next: Next) -> Response {
    if request.headers().contains_key(ORIGIN) {
        let text = "this port is not for web pages: call it without an Origin header";
        return Refusal::new(StatusCode::FORBIDDEN, text).into_response();
    }
    if let Some(key) = key.as_ref()
        && !shows(request.headers(), key)
    {
        let text = "this port needs its key: send the header Authorization: Bearer KEY";
        let mut response = Refusal::new(StatusCode::UNAUTHORIZED, text).into_response();
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    if method != Method::GET {
        tracing::info!(%method, path, status = response.status().as_u16(), "an operator's call");
    }
    response
}

fn shows(headers: &HeaderMap, key: &Digest) -> bool {
    let value = headers.get(AUTHORIZATION).map_or(&[][..], HeaderValue::as_bytes);
    let shown = value.split_at_checked(b"Bearer ".len());
    shown.is_some_and(|(scheme, shown)| {
        scheme.eq_ignore_ascii_case(b"Bearer ") && Digest::of(shown).equals(key)
    })
}

async fn nothing_here() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is no such call: the README lists the calls of the admin port")
}

async fn wrong_method(method: Method) -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not possible here: see the README"))
}

/// What an operator is told when a call fails.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    error: String,
}

impl Refusal {
    fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }
}

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        let (status, hint) = match &error {
            ControlError::Stopped(_) => (StatusCode::SERVICE_UNAVAILABLE, ""),
            ControlError::Unwritable | ControlError::Unwritten => (StatusCode::INSUFFICIENT_STORAGE, ""),
            ControlError::Symbol => (StatusCode::NOT_FOUND, ": GET /symbols lists them"),
            ControlError::Account => (StatusCode::NOT_FOUND, ": GET /accounts lists them"),
            ControlError::NoHoliday => (StatusCode::NOT_FOUND, ": GET /holidays lists them"),
            ControlError::NoFault => (StatusCode::NOT_FOUND, ": GET /faults lists them"),
            ControlError::Exists => (StatusCode::CONFLICT, ": choose another login, or PATCH this one"),
            ControlError::Clock => (StatusCode::CONFLICT, ": it is the machine's"),
            ControlError::NoPrice | ControlError::Refused(_) => (StatusCode::CONFLICT, ""),
            ControlError::Price => {
                (StatusCode::BAD_REQUEST, ": give numbers above 0, the ask not below the bid")
            }
            ControlError::Build(_)
            | ControlError::Fault(_)
            | ControlError::Holiday(_)
            | ControlError::Invalid(_) => (StatusCode::BAD_REQUEST, ""),
        };
        Self::new(status, format!("{error}{hint}"))
    }
}

impl From<crate::Stopped> for Refusal {
    fn from(stopped: crate::Stopped) -> Self {
        ControlError::from(stopped).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        reply(self.status, &serde_json::json!({ "error": self.error }))
    }
}

fn reply(status: StatusCode, said: &impl Serialize) -> Response {
    let (status, text) = match serde_json::to_string(said) {
        Ok(text) => (status, text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, r#"{"error": "the answer is no JSON"}"#.to_owned()),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// A body as what it should be.
struct Said<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Said<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case(JSON)) {
            let text = "the body must be JSON: send the header Content-Type: application/json";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|rejection| Refusal::new(rejection.status(), rejection.body_text()))?;
        let wrong = |error| Refusal::new(StatusCode::BAD_REQUEST, format!("the body does not fit: {error}"));
        serde_json::from_slice(&body).map(Self).map_err(wrong)
    }
}
