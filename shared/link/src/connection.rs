//! The socket under a link: opened, upgraded, and with a session key.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use socket::{BoundedSocket, Limits};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_util::either::Either;
use wire::records::{BootstrapReply, BootstrapRequest};
use wire::{Cipher, Command, INITIAL_KEY, MAX_MESSAGE, Payload, code, frame, message};

use crate::LinkError;

/// Plain or TLS.
pub(crate) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;
/// A WebSocket over it.
pub(crate) type Socket = BoundedSocket<Stream>;

/// The answer to the bootstrap must come within this time.
const BOOTSTRAP_LIMIT: Duration = Duration::from_secs(15);
/// Shortest answer of a gateway that sends a key: version, token and 16 bytes of key.
const MODERN_BODY: usize = 2 + 64 + 16;
/// The library's default of 128 KiB a socket would be most of an idle session's memory; larger messages grow it.
const READ_BUFFER: usize = 4 * 1024;

/// How long a server may leave answers to its pings unread.
const DRAIN_LIMIT: Duration = Duration::from_secs(15);
/// What a frame adds to a message.
const FRAME_OVERHEAD: usize = 64;

/// The limits of every socket.
pub(crate) const LIMITS: Limits = Limits {
    incoming_bytes_max: MAX_MESSAGE,
    outgoing_bytes_max: MAX_MESSAGE + FRAME_OVERHEAD,
    read_buffer_bytes: READ_BUFFER,
    write_buffer_bytes: 0,
    drain_limit: DRAIN_LIMIT,
};

/// What a bootstrap is begun with.
#[derive(Clone)]
pub(crate) struct Opening {
    /// Zeros, that of an earlier connection, or that of the page.
    pub(crate) token: [u8; 64],
    /// The session key, if a page has told it: older gateways do not send one.
    pub(crate) key: Option<[u8; 32]>,
}

/// Why there is no link, and whether the page of the gateway may know better.
pub(crate) struct Failure {
    pub(crate) cause: LinkError,
    pub(crate) ask_page: bool,
}

impl From<LinkError> for Failure {
    fn from(cause: LinkError) -> Self {
        Self { cause, ask_page: false }
    }
}

impl Failure {
    /// Of a peer that could be reached, and does not speak as it should.
    pub(crate) fn of_peer(cause: LinkError) -> Self {
        let ask_page = matches!(cause, LinkError::NotWebTerminal { .. });
        Self { cause, ask_page }
    }
}

/// Exchanges the session key (protocol 7.1). The second part is the token for the next connection.
pub(crate) async fn bootstrap(
    socket: &mut Socket,
    opening: &Opening,
    address: &str,
) -> Result<(Cipher, [u8; 64]), Failure> {
    let answer = timeout(BOOTSTRAP_LIMIT, first_answer(socket, opening.token, address)).await;
    let answer = answer.unwrap_or(Err(LinkError::Timeout { doing: "the bootstrap", limit: BOOTSTRAP_LIMIT }));
    let response = answer.map_err(Failure::of_peer)?;
    // Refusals are short as well: a gateway may not like a token that it has not made.
    let is_older = response.body.len() < MODERN_BODY;
    match opening.key {
        Some(key) if is_older && response.code == code::SUCCESS => older_keys(&key),
        _ => keys(&response, address),
    }
    .map_err(|cause| Failure { cause, ask_page: is_older })
}

fn older_keys(key: &[u8; 32]) -> Result<(Cipher, [u8; 64]), LinkError> {
    let cipher = Cipher::new(key).map_err(|cause| LinkError::Protocol { cause: cause.to_string() })?;
    Ok((cipher, [0; 64]))
}

fn keys(response: &message::Response, address: &str) -> Result<(Cipher, [u8; 64]), LinkError> {
    if response.code != code::SUCCESS {
        return Err(LinkError::Refused { doing: "opening the connection", code: response.code });
    }
    let reply = BootstrapReply::from_bytes(&response.body)?;
    let cipher = Cipher::new(&reply.session_key).map_err(|cause| LinkError::NotWebTerminal {
        address: address.to_owned(),
        cause: cause.to_string(),
    })?;
    Ok((cipher, reply.token))
}

async fn first_answer(
    socket: &mut Socket,
    token: [u8; 64],
    address: &str,
) -> Result<message::Response, LinkError> {
    let foreign = |cause: String| LinkError::NotWebTerminal { address: address.to_owned(), cause };
    let initial = Cipher::new(&INITIAL_KEY).map_err(|cause| foreign(cause.to_string()))?;
    let payload = BootstrapRequest { token }.to_bytes();
    let request = message::Request { prefix: rand::random(), command: Command::Bootstrap.number(), payload };
    let sent = frame::seal(&initial, &request.to_bytes());
    socket.send(Message::binary(sent)).await.map_err(|cause| closed(&cause))?;
    let answer = loop {
        match socket.next().await {
            Some(Ok(Message::Binary(answer))) => break answer,
            Some(Ok(Message::Close(_))) | None => return Err(foreign("it closed the connection".into())),
            Some(Ok(_)) => {}
            Some(Err(cause)) => return Err(foreign(cause.to_string())),
        }
    };
    let inner = frame::open(&initial, &answer).map_err(|cause| foreign(cause.to_string()))?;
    let response = message::Response::from_bytes(&inner)?;
    if response.command != Command::Bootstrap.number() {
        return Err(foreign(format!("it answered the bootstrap with command {}", response.command)));
    }
    Ok(response)
}

/// How a socket ended.
pub(crate) fn closed(cause: &WsError) -> LinkError {
    LinkError::Closed { cause: cause.to_string() }
}
