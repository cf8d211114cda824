//! WebSockets: one JSON text frame per event, nothing before the first one.

mod resume;
mod socket;
mod source;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use ::socket::{BoundedSocket, Limits, accept_key};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use bus::{End, Interest, Params, Subscription, Topic, Topics};
use calls::Scope;
use calls::params::Field;
use error::{Code, Error};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

pub(crate) use self::resume::RESUMED;
use self::socket::{Inner, Socket};
use self::source::Source;
use self::tokens::Wanted;
use crate::accept::Accept;
use crate::auth::{Credential, Grant, Over, Refused};
use crate::front::Front;
use crate::opted::Wish;
use crate::reply::{self, ERROR_STATUS};
use crate::request;
use crate::routes::Stream;
use crate::shares::Beyond;
use crate::stream_page;

/// Why a socket is closed. The range tells what to do: 1001 and 40xx come back with the same token (at once, or
/// after a moment for 4002), 44xx do not.
pub mod close {
    /// The service stops; another instance may take over.
    pub const GOING_AWAY: u16 = 1001;
    /// What the client sent breaks the protocol of WebSockets.
    pub const PROTOCOL: u16 = 1002;
    /// The client sent a text that is not UTF-8.
    pub const NOT_UTF8: u16 = 1007;
    /// The client sent a frame that is too large.
    pub const TOO_LARGE: u16 = 1009;
    /// The reader was too slow for events that must not be lost: come back and read the present state.
    pub const LAGGED: u16 = 4000;
    /// The session moves to another place: come back.
    pub const MOVED: u16 = 4001;
    /// A limit is reached: come back later.
    pub const BUSY: u16 = 4002;
    /// The token is unknown: connect first.
    pub const UNKNOWN_TOKEN: u16 = 4400;
    /// The session is over: connect again.
    pub const SESSION_OVER: u16 = 4401;
    /// The API key is good no more: it was revoked or has expired.
    pub const KEY_OVER: u16 = 4403;
}

/// The `type` of the one envelope a socket with an unknown token gets.
pub(crate) const ID_NOT_EXIST: &str = "IdNotExist";

/// Clients have nothing to send but control frames; some send a word, which is ignored.
pub(crate) const INCOMING_BYTES_MAX: usize = 64 * 1024;

/// The largest frame, and so what waits for a reader: an order update lists everything open, some hundred bytes each.
const OUTGOING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Buffers of an idle socket. Larger frames pass through; they do not stay.
const BUFFER_BYTES: usize = 4 * 1024;

/// The `type` of the envelope that a socket with several tokens gets when one of the sessions is over.
pub(crate) const SESSION_OVER: &str = "SessionOver";

/// The `type` of the envelope that every socket gets before it is closed because the service stops.
pub(crate) const SERVER_SHUTDOWN: &str = "serverShutdown";

/// Opens a stream, or explains it to whoever came without an upgrade.
pub(crate) async fn open(front: &Arc<Front>, stream: Stream, accept: Accept, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let mut params = request::query_params(&parts.uri);
    let shown = Credential::of_headers(&parts.headers, front.gate.takes_tokens());
    // All of them go no further.
    let shown = [shown, Credential::take_ticket(&mut params), Credential::take(&mut params, false)];
    let shown = shown.into_iter().flatten().next();
    request::add_bearer(&parts.headers, &mut params, &["id", "ids"], &front.gate);
    let base = front.settings.trusted_proxies.base_url(&parts);
    if !parts.headers.contains_key(UPGRADE) || parts.method == Method::HEAD {
        return stream_page::answer(stream, accept, &params, &base);
    }
    if let Err(error) = front.settings.cors_origins.admit(&parts.headers, &base) {
        return reply::refusal(StatusCode::FORBIDDEN, accept, &error);
    }
    let read = || {
        Ok((pace(stream, &params)?, topics(stream, &params)?, tokens::read(&params)?, Wish::read(&params)?))
    };
    let (every, topics, wanted, wish) = match read() {
        Ok(read) => read,
        Err(error) => return reply::failure(ERROR_STATUS, accept, &error),
    };
    let grant = match admit(front, &parts, shown).await {
        Ok(grant) => grant,
        Err(refused) => return refusal(refused, accept, &params),
    };
    if let Err(error) = may_listen(&grant) {
        return reply::failure(ERROR_STATUS, accept, &error);
    }
    let listener = Listener { front: Arc::clone(front), grant, topics, wanted, wish, every };
    let client = front.settings.trusted_proxies.client(&parts.extensions, &parts.headers);
    let place = match front.sockets.take(client, 1) {
        Ok(place) => place,
        Err(beyond) => {
            let (all, each) = (front.settings.sockets_max, front.settings.sockets_per_address);
            let error = Error::busy(match beyond {
                Beyond::All => format!("All {all} WebSockets of this service are taken. Come back later."),
                Beyond::Each => {
                    format!("An address may have {each} WebSockets here: close one of them first.")
                }
            });
            return reply::refusal(StatusCode::SERVICE_UNAVAILABLE, accept, &error);
        }
    };
    let (key, upgrade) = match handshake(&mut parts) {
        Ok(accepted) => accepted,
        Err(error) => return reply::refusal(StatusCode::BAD_REQUEST, accept, &error),
    };
    // Listens before the socket is open: whoever sees it open misses nothing from then on.
    let subscribed = listener.subscribe().await;
    let tasks = front.tasks.clone();
    tasks.spawn(async move {
        // An error means that the client went away before it got the answer.
        if let Ok(upgraded) = upgrade.await {
            let limits = listener.limits();
            let socket = BoundedSocket::server(TokioIo::new(upgraded), Vec::new(), &limits).await;
            listener.run(socket, subscribed).await;
        }
        drop(place);
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    response
}

/// Lets a socket in by what its request shows.
async fn admit(front: &Front, parts: &Parts, shown: Option<Credential>) -> Result<Grant, Refused> {
    let grant = match shown {
        Some(shown) => {
            let from = front.settings.trusted_proxies.address(&parts.extensions, &parts.headers);
            front.gate.admit(shown, from).await?
        }
        None => front.gate.admit_nobody(Scope::Stream, false)?,
    };
    if let Some(rates) = &front.rates {
        rates.take_socket(&grant.caller).await.map_err(Refused::TooOften)?;
    }
    Ok(grant)
}

/// Whether the caller may have events.
fn may_listen(grant: &Grant) -> Result<(), Error> {
    if grant.caller.scopes.has(Scope::Stream) {
        return Ok(());
    }
    let told = "The key of this stream has not the scope 'stream', which it needs.";
    Err(Error::new(Code::NotPermission, told))
}

/// The response to a socket that is not let in.
fn refusal(refused: Refused, accept: Accept, params: &Params) -> Response {
    let wanted = request::error_status(params).unwrap_or_default();
    refused.response(accept, wanted, &refused.error())
}

/// The connection after the answer, and the key that the answer accepts the handshake with.
fn handshake(request: &mut Parts) -> Result<(HeaderValue, OnUpgrade), Error> {
    let header = |name: &str| {
        let values = request.headers.get_all(name).iter();
        let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    let refused = |why: &'static str| Error::new(Code::InvalidData, why);
    let key = accept_key(header).map_err(|wrong| refused(wrong.0))?;
    let key = HeaderValue::try_from(key).map_err(|_| Error::internal("a key that is no header"))?;
    let upgrade = request.extensions.remove::<OnUpgrade>();
    let upgrade =
        upgrade.ok_or_else(|| refused("This connection cannot become a WebSocket: use HTTP/1.1."))?;
    Ok((key, upgrade))
}

/// What came of the subscriptions of a socket, by token.
type Subscribed = Vec<(String, Result<Subscription, Error>)>;

/// The pace that the socket asks for; zero leaves it to the session, as absence does.
fn pace(stream: Stream, params: &Params) -> Result<Option<Duration>, Error> {
    let asked = if stream.is_paced() { Option::<u32>::read(params, "interval")? } else { None };
    Ok(asked.filter(|ms| *ms > 0).map(|ms| Duration::from_millis(ms.into())))
}

/// What the socket carries: with `status=true` also whether the link is up, unless all comes at a pace.
fn topics(stream: Stream, params: &Params) -> Result<Topics, Error> {
    let wants_status = !stream.is_paced() && Option::<bool>::read(params, "status")?.unwrap_or(false);
    Ok(if wants_status { stream.topics() | Topic::ConnectionStatus.into() } else { stream.topics() })
}

/// Who opened a socket, and for what.
struct Listener {
    front: Arc<Front>,
    grant: Grant,
    topics: Topics,
    wanted: Wanted,
    wish: Option<Wish>,
    every: Option<Duration>,
}

impl Listener {
    fn limits(&self) -> Limits {
        Limits {
            incoming_bytes_max: INCOMING_BYTES_MAX,
            outgoing_bytes_max: OUTGOING_BYTES_MAX,
            read_buffer_bytes: BUFFER_BYTES,
            write_buffer_bytes: BUFFER_BYTES,
            drain_limit: self.front.settings.send_timeout,
        }
    }

    /// The whole life of the socket.
    async fn run(self, socket: Inner, subscribed: Subscribed) {
        let mut socket = Socket::new(&self.front, &self.grant.caller, socket, self.wish);
        // Whatever the socket waits for, it may be cancelled: it is closed then.
        let exit = tokio::select! {
            exit = self.serve(&mut socket, subscribed) => exit,
            over = self.grant.over() => over.into(),
        };
        if let Exit::Close(code, reason) = exit {
            socket.finish(code, &reason).await;
        }
    }

    /// Forwards, until there is a reason to stop.
    async fn serve(&self, socket: &mut Socket<'_>, subscribed: Subscribed) -> Exit {
        let mut all = Vec::new();
        let is_alone = self.wanted.tokens.len() == 1;
        for (token, subscription) in subscribed {
            match subscription {
                Ok(subscription) => all.push((token, subscription)),
                Err(error) if error.code() != Code::InvalidToken => {
                    return Exit::Close(close::BUSY, error.detail().to_owned());
                }
                Err(error) => {
                    let is_told = socket.tell(ID_NOT_EXIST, &token, error.detail()).await;
                    match is_told {
                        false => return Exit::Gone,
                        true if is_alone => {
                            return Exit::Close(close::UNKNOWN_TOKEN, error.detail().to_owned());
                        }
                        true => {}
                    }
                }
            }
        }
        if all.is_empty() {
            return Exit::Close(close::UNKNOWN_TOKEN, "None of the sessions exists.".to_owned());
        }
        if self.wanted.is_resumable {
            for (token, subscription) in &all {
                let told = resume::greeting(&self.front, token, &self.grant.caller, subscription).await;
                if let Err(exit) = socket.send_frame(told).await {
                    return exit;
                }
            }
        }
        socket.forward(Source::of(all), self.wanted.is_resumable).await
    }

    async fn subscribe(&self) -> Subscribed {
        let subscribing = self.wanted.tokens.iter().map(|(token, since)| async move {
            let interest = Interest { topics: self.topics, every: self.every, since: *since };
            (token.clone(), self.front.backend.subscribe(token, interest, &self.grant.caller).await)
        });
        futures_util::future::join_all(subscribing).await
    }
}

/// Why forwarding ended.
enum Exit {
    /// Close with this code and reason.
    Close(u16, String),
    /// The client is gone.
    Gone,
}

impl From<End> for Exit {
    fn from(end: End) -> Self {
        let (code, reason) = match end {
            End::Lagged => {
                (close::LAGGED, "Too slow for events that must not be lost: reconnect and read the state.")
            }
            End::Moved => (close::MOVED, "The session moves: reconnect."),
            End::Closed => (close::SESSION_OVER, OVER),
        };
        Exit::Close(code, reason.to_owned())
    }
}

impl From<Over> for Exit {
    fn from(over: Over) -> Self {
        let (code, reason) = match over {
            Over::Ended => (close::KEY_OVER, "The API key is good no more: it was revoked or has expired."),
            Over::Changed => (close::MOVED, "The API key allows something else now: reconnect."),
            Over::Unknown => (close::BUSY, "API keys cannot be looked up: reconnect in a moment."),
        };
        Exit::Close(code, reason.to_owned())
    }
}

/// What is said of a session that is over.
const OVER: &str = "The session is over: call Connect.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_told_of_the_link_beside_other_events() {
        let carried = |stream: Stream, status: &str| topics(stream, &Params::from_iter([("Status", status)]));
        for topic in Topic::ALL.into_iter().filter(|topic| !topic.is_paced()) {
            let both = Topics::from(topic) | Topic::ConnectionStatus.into();
            assert_eq!(carried(Stream::Of(topic), "true"), Ok(both));
            assert_eq!(carried(Stream::Of(topic), ""), Ok(topic.into()));
        }
        let all = carried(Stream::Events, "true").unwrap();
        assert!(all.contains(Topic::ConnectionStatus) && all.contains(Topic::OrderUpdate));
        assert!(!carried(Stream::Events, "false").unwrap().contains(Topic::ConnectionStatus));
        assert_eq!(carried(Stream::Events, "perhaps").unwrap_err().code(), Code::InvalidParam);
        let paced = Stream::Of(Topic::OpenedOrdersTickets);
        assert_eq!(carried(paced, "true"), Ok(paced.topics()));
    }

    #[test]
    fn only_paced_streams_read_an_interval() {
        let asked = |text: &str, stream| pace(stream, &Params::from_iter([("Interval", text)]));
        let paced = Stream::Of(Topic::OpenedOrdersTickets);
        assert_eq!(asked("250", paced), Ok(Some(Duration::from_millis(250))));
        assert_eq!((asked("0", paced), asked("", paced)), (Ok(None), Ok(None)));
        assert_eq!(asked("soon", paced).unwrap_err().code(), Code::InvalidParam);
        assert_eq!(asked("soon", Stream::Of(Topic::Quote)), Ok(None));
    }
}
