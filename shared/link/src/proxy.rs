//! Reaching a server by way of a proxy.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_socks::tcp::{Socks4Stream, Socks5Stream};

use crate::LinkError;

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyKind {
    /// HTTP CONNECT.
    Https,
    /// SOCKS 4a.
    Socks4,
    /// SOCKS 5.
    Socks5,
}

/// A proxy and how to log in to it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// Its protocol.
    pub kind: ProxyKind,
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User; empty for none.
    pub user: String,
    /// Password: a secret.
    pub password: String,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}:{}", self.kind, self.host, self.port)
    }
}

/// Longest answer of an HTTP proxy.
const HEAD_MAX: usize = 16 * 1024;

impl Proxy {
    /// Asks the proxy at the other end of `stream` for a connection to `host:port`. The proxy resolves the name.
    pub(crate) async fn tunnel(
        &self,
        stream: TcpStream,
        host: &str,
        port: u16,
    ) -> Result<TcpStream, LinkError> {
        let failed =
            |reason: String| LinkError::Proxy { proxy: format!("{}:{}", self.host, self.port), reason };
        let (user, password) = (self.user.as_str(), self.password.as_str());
        let target = (host, port);
        match self.kind {
            ProxyKind::Https => self.connect(stream, host, port).await.map_err(failed),
            ProxyKind::Socks5 if user.is_empty() => {
                { Socks5Stream::connect_with_socket(stream, target).await.map(Socks5Stream::into_inner) }
                    .map_err(|cause| failed(cause.to_string()))
            }
            ProxyKind::Socks5 => {
                Socks5Stream::connect_with_password_and_socket(stream, target, user, password)
                    .await
                    .map(Socks5Stream::into_inner)
                    .map_err(|cause| failed(cause.to_string()))
            }
            ProxyKind::Socks4 if user.is_empty() => Socks4Stream::connect_with_socket(stream, target)
                .await
                .map(Socks4Stream::into_inner)
                .map_err(|cause| failed(cause.to_string())),
            ProxyKind::Socks4 => Socks4Stream::connect_with_userid_and_socket(stream, target, user)
                .await
                .map(Socks4Stream::into_inner)
                .map_err(|cause| failed(cause.to_string())),
        }
    }

    async fn connect(&self, mut stream: TcpStream, host: &str, port: u16) -> Result<TcpStream, String> {
        let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if !self.user.is_empty() {
            let login = BASE64_STANDARD.encode(format!("{}:{}", self.user, self.password));
            request.push_str(&format!("Proxy-Authorization: Basic {login}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|cause| cause.to_string())?;
        let status = read_status(&mut stream).await?;
        let code = status.split(' ').nth(1).unwrap_or_default();
        match code.bytes().next() {
            Some(b'2') if code.len() == 3 => Ok(stream),
            _ => Err(format!("it answered '{}'", status.chars().take(80).collect::<String>())),
        }
    }
}

/// Reads up to the empty line, byte by byte: what follows belongs to the tunnel.
async fn read_status(stream: &mut TcpStream) -> Result<String, String> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_MAX {
            return Err("its answer has no end".into());
        }
        head.push(stream.read_u8().await.map_err(|cause| format!("it closed the connection ({cause})"))?);
    }
    let head = String::from_utf8_lossy(&head);
    let status = head.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.") { Ok(status.to_owned()) } else { Err("it is no HTTP proxy".into()) }
}
