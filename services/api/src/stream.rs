//! WebSockets: one JSON text frame per event, nothing before the first one (but a word on the stream that never has any).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::UPGRADE;
use axum::response::Response;
use bus::{End, Frame, Interest, Params, Subscription, Topic};
use bytes::Bytes;
use calls::params::Field;
use error::{Code, Error};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::accept::Accept;
use crate::front::Front;
use crate::reply::{self, ERROR_STATUS};
use crate::request;
use crate::routes::Stream;
use crate::stream_page;

/// Why a socket is closed. The range tells what to do: 1001 and 40xx come back with the same token (at once, or
/// after a moment for 4002), 44xx do not.
pub mod close {
    /// The service stops; another instance may take over.
    pub const GOING_AWAY: u16 = 1001;
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
}

/// The `type` of the one envelope a socket with an unknown token gets.
pub(crate) const ID_NOT_EXIST: &str = "IdNotExist";

/// The `type` of the one envelope a socket for mail gets.
pub(crate) const NOT_SUPPORTED: &str = "NotSupported";

/// Its data. The socket stays open: clients keep one for mail beside others, and would come back at once.
const NO_MAIL: &str = "The Web Terminal protocol carries no mail, so this stream stays silent.";

/// Clients have nothing to send but control frames; some send a word, which is ignored.
const INCOMING_BYTES_MAX: usize = 64 * 1024;

/// Buffers of an idle socket. Larger frames pass through; they do not stay.
const BUFFER_BYTES: usize = 4 * 1024;

/// How long a client has to answer a close frame.
const CLOSING_TIME: Duration = Duration::from_secs(2);

/// Opens a stream, or explains it to whoever came without an upgrade.
pub(crate) async fn open(front: &Arc<Front>, stream: Stream, accept: Accept, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let params = request::query_params(&parts.uri);
    let token = params.get("id").unwrap_or_default().to_owned();
    if !parts.headers.contains_key(UPGRADE) {
        return stream_page::answer(stream, accept, &params, &token);
    }
    let every = match pace(stream, &params) {
        Ok(every) => every,
        Err(error) => return reply::failure(ERROR_STATUS, accept, &error),
    };
    let listener = Listener { front: Arc::clone(front), stream, token, every };
    let Ok(place) = Arc::clone(&front.sockets).try_acquire_owned() else {
        let error = Error::busy("All WebSockets of this service are taken. Come back later.");
        return reply::refusal(StatusCode::SERVICE_UNAVAILABLE, accept, &error);
    };
    let upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection> =
        WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    match upgrade {
        Ok(upgrade) => upgrade
            .max_message_size(INCOMING_BYTES_MAX)
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .on_upgrade(move |socket| async move {
                let tasks = listener.front.tasks.clone();
                tasks.spawn(async move {
                    listener.run(socket).await;
                    drop(place);
                });
            }),
        Err(rejection) => {
            let error = Error::new(Code::InvalidData, rejection.body_text());
            reply::refusal(rejection.status(), accept, &error)
        }
    }
}

/// The pace that the socket asks for; zero leaves it to the session, as absence does.
fn pace(stream: Stream, params: &Params) -> Result<Option<Duration>, Error> {
    let asked = if stream.is_paced() { Option::<u32>::read(params, "interval")? } else { None };
    Ok(asked.filter(|ms| *ms > 0).map(|ms| Duration::from_millis(ms.into())))
}

/// Who opened a socket, and for what.
struct Listener {
    front: Arc<Front>,
    stream: Stream,
    token: String,
    every: Option<Duration>,
}

impl Listener {
    /// The whole life of the socket.
    async fn run(self, mut socket: WebSocket) {
        if let Exit::Close(code, reason) = self.serve(&mut socket).await {
            finish(&self.front, socket, code, &reason).await;
        }
    }

    /// Subscribes and forwards, until there is a reason to stop.
    async fn serve(&self, socket: &mut WebSocket) -> Exit {
        let interest = Interest { topics: self.stream.topics(), every: self.every, since: None };
        let error = match self.front.backend.subscribe(&self.token, interest).await {
            Ok(subscription) => {
                if self.stream == Stream::Of(Topic::Mail) && !self.tell(socket, NOT_SUPPORTED, NO_MAIL).await
                {
                    return Exit::Gone;
                }
                return forward(&self.front, socket, subscription).await;
            }
            Err(error) => error,
        };
        let reason = error.detail().to_owned();
        if error.code() != Code::InvalidToken {
            return Exit::Close(close::BUSY, reason);
        }
        if self.tell(socket, ID_NOT_EXIST, &reason).await {
            Exit::Close(close::UNKNOWN_TOKEN, reason)
        } else {
            Exit::Gone
        }
    }

    /// Sends an envelope of our own, with a sentence as its data; false when the client is gone.
    async fn tell(&self, socket: &mut WebSocket, kind: &str, sentence: &str) -> bool {
        let text = bus::envelope(kind, &self.token, runtime::unix_ms(), &sentence);
        let text = text.ok().and_then(|text| Utf8Bytes::try_from(text).ok()).unwrap_or_default();
        send(&self.front, socket, Message::Text(text)).await
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
            End::Closed => (close::SESSION_OVER, "The session is over: call Connect."),
        };
        Exit::Close(code, reason.to_owned())
    }
}

/// Forwards events until one side ends. Everything that waits here may be cancelled without loss; sending comes
/// after a wait was won.
async fn forward(front: &Front, socket: &mut WebSocket, mut subscription: Subscription) -> Exit {
    let ping_every = front.settings.ping_every;
    let mut keep_alive = interval_at(Instant::now() + ping_every, ping_every);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stop = front.tasks.stop_signal();
    let mut heard = Instant::now();
    loop {
        let message = tokio::select! {
            biased;
            () = stop.cancelled() => {
                return Exit::Close(close::GOING_AWAY, "The service stops: reconnect.".to_owned());
            }
            incoming = socket.recv() => match incoming {
                // Pings are answered below us, and the reply to a close as well.
                Some(Ok(_)) => { heard = Instant::now(); continue }
                Some(Err(_)) | None => return Exit::Gone,
            },
            next = subscription.next() => match next {
                Ok(frame) => match text(&frame) {
                    Some(text) => Message::Text(text),
                    None => continue,
                },
                Err(end) => return end.into(),
            },
            _ = keep_alive.tick() => {
                if heard.elapsed() > 2 * ping_every {
                    return Exit::Gone;
                }
                Message::Ping(Bytes::new())
            }
        };
        if !send(front, socket, message).await {
            return Exit::Gone;
        }
    }
}

/// The frame's text; a frame that is not UTF-8 is a fault of the publisher and is left out.
fn text(frame: &Frame) -> Option<Utf8Bytes> {
    let text = Utf8Bytes::try_from(frame.text.clone());
    text.inspect_err(|_| tracing::error!(topic = frame.topic.as_str(), "an event is not UTF-8")).ok()
}

/// Sends a message; false when the client is gone or takes nothing any more.
async fn send(front: &Front, socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(front.settings.send_timeout, socket.send(message)).await, Ok(Ok(())))
}

/// Says goodbye and waits a little for the answer, so that the code is not lost in a reset connection.
async fn finish(front: &Front, mut socket: WebSocket, code: u16, reason: &str) {
    let frame = CloseFrame { code, reason: clipped(reason).into() };
    if !send(front, &mut socket, Message::Close(Some(frame))).await {
        return;
    }
    // What comes after the goodbye does not matter, nor that it may not come at all.
    let _ = timeout(CLOSING_TIME, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
}

/// A control frame holds 125 bytes, two of them the code.
fn clipped(reason: &str) -> &str {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paced_streams_read_an_interval() {
        let asked = |text: &str, stream| pace(stream, &Params::from_iter([("Interval", text)]));
        let paced = Stream::Of(Topic::OpenedOrdersTickets);
        assert_eq!(asked("250", paced), Ok(Some(Duration::from_millis(250))));
        assert_eq!((asked("0", paced), asked("", paced)), (Ok(None), Ok(None)));
        assert_eq!(asked("soon", paced).unwrap_err().code(), Code::InvalidParam);
        assert_eq!(asked("soon", Stream::Of(Topic::Quote)), Ok(None));
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let reason = "é".repeat(100);
        assert_eq!(clipped(&reason).len(), 122);
        assert_eq!(clipped("short"), "short");
    }
}
