//! A gateway made by hand: its page, its bootstrap, and logins.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use link::Credentials;
use runtime::Tasks;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use wire::records::{LoginReply, LoginRequest};
use wire::{Cipher, Command, INITIAL_KEY, Payload, SecretBytes, frame, message};

/// The account that may log in.
pub(crate) const LOGIN: u64 = 5_000_001;
/// The key of modern gateways, and what older ones name on their page.
const KEY: [u8; 32] = [0x5a; 32];
/// The token that older gateways name on their page.
pub(crate) const TOKEN: [u8; 64] = [b'7'; 64];

/// The whole HTTP answer of a page, from the address of its gateway.
pub(crate) type Page = Arc<dyn Fn(SocketAddr) -> Vec<u8> + Send + Sync>;

/// How a gateway behaves.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) page: Page,
    pub(crate) socket: Entry,
}

/// What a WebSocket gets.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Entry {
    /// The key in the bootstrap.
    Modern,
    /// A short bootstrap; the key is on the page.
    Older,
    /// The same, and only for who brings the token of the page.
    Strict,
    /// This HTTP answer.
    Http(&'static str),
}

impl Plan {
    pub(crate) fn modern() -> Self {
        Self { tls: None, page: Arc::new(|_| answer("404 Not Found", "")), socket: Entry::Modern }
    }
}

/// The document of a page that names this server, in the answer of its page.
pub(crate) fn document(signal_server: &str) -> Vec<u8> {
    let token = std::str::from_utf8(&TOKEN).unwrap();
    let key = "5a".repeat(KEY.len());
    let body = format!(
        r#"{{"signal_server":"{signal_server}","key":"{key}","token":"{token}","version":5,"enabled":true}}"#
    );
    answer("200 OK", &body)
}

/// An HTTP answer.
pub(crate) fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) addr: SocketAddr,
    events: Arc<Mutex<Vec<String>>>,
    tasks: Tasks,
}

#[derive(Clone)]
struct Serving {
    addr: SocketAddr,
    plan: Plan,
    events: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    pub(crate) async fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let gateway = Self { addr, events: Arc::default(), tasks: Tasks::new() };
        let serving = Serving { addr, plan, events: Arc::clone(&gateway.events) };
        let (tasks, stop) = (gateway.tasks.clone(), gateway.tasks.stop_signal());
        gateway.tasks.spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted.unwrap().0,
                };
                let (serving, stop) = (serving.clone(), stop.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = serving.accept(stream) => {}
                    }
                });
            }
        });
        gateway
    }

    /// What has happened, in order.
    pub(crate) fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl Serving {
    fn note(&self, event: impl Into<String>) {
        self.events.lock().unwrap().push(event.into());
    }

    /// `None`: the connection ended.
    async fn accept(self, stream: TcpStream) -> Option<()> {
        match &self.plan.tls {
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => self.serve(stream).await,
                Err(cause) => {
                    self.note(format!("no TLS: {cause}"));
                    None
                }
            },
            None => self.serve(stream).await,
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
            // TLS, where none is spoken.
            if head == [0x16] {
                return None;
            }
        }
        let head = String::from_utf8(head).unwrap();
        let field = |name: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let path = head.split(' ').nth(1).unwrap();
        let Some(key) = field("Sec-WebSocket-Key") else {
            self.note(format!("page {path}"));
            stream.write_all(&(self.plan.page)(self.addr)).await.ok()?;
            return stream.shutdown().await.ok();
        };
        self.note(format!("socket {path} from {}", field("Origin").unwrap_or_default()));
        if let Entry::Http(answer) = self.plan.socket {
            stream.write_all(answer.as_bytes()).await.ok()?;
            return stream.shutdown().await.ok();
        }
        let accept = derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.ok()?;
        self.talk(WebSocketStream::from_raw_socket(stream, Role::Server, None).await).await
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, mut socket: WebSocketStream<S>) -> Option<()> {
        let mut cipher = Cipher::new(&INITIAL_KEY).unwrap();
        while let Message::Binary(sealed) = socket.next().await?.ok()? {
            let inner = frame::open(&cipher, &sealed).ok()?;
            let request = message::Request::from_bytes(&inner).unwrap();
            let (code, body) = self.reply(&request)?;
            let response = message::Response { prefix: request.prefix, command: request.command, code, body };
            let sealed = frame::seal(&cipher, &response.to_bytes());
            socket.send(Message::binary(sealed)).await.ok()?;
            if request.command == Command::Bootstrap.number() {
                cipher = Cipher::new(&KEY).unwrap();
            }
        }
        None
    }

    /// Code and body; `None` hangs up.
    fn reply(&self, request: &message::Request) -> Option<(u8, Vec<u8>)> {
        let version = 1337_u16.to_le_bytes();
        match Command::from_number(request.command)? {
            Command::Bootstrap => {
                let is_known = request.payload == TOKEN;
                self.note(if is_known { "bootstrap with its token" } else { "bootstrap" });
                match self.plan.socket {
                    Entry::Modern => Some((0, [&version[..], &[9; 64], &KEY].concat())),
                    Entry::Strict if !is_known => None,
                    _ => Some((0, version.to_vec())),
                }
            }
            Command::Login => {
                let LoginRequest { login, .. } = LoginRequest::from_bytes(&request.payload).unwrap();
                self.note(format!("login {login}"));
                let token = SecretBytes::new([1; 160]);
                let reply = LoginReply { password_token: token, session: 77 };
                Some(if login == LOGIN { (0, reply.to_bytes()) } else { (3, Vec::new()) })
            }
            _ => Some((0, Vec::new())),
        }
    }
}

/// How that account logs in.
pub(crate) fn credentials() -> Credentials {
    Credentials {
        login: LOGIN,
        password: "secret".into(),
        otp: String::new(),
        client_id: [1; 16],
        page: "localhost".into(),
        earlier: None,
    }
}
