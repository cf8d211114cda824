//! A lean HTTP client, so that what is measured is the service: one connection that stays open, GET only.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Result, explained};

/// A call of the service ends by itself sooner; connects may take longer.
const ANSWER_MAX: Duration = Duration::from_secs(95);
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn is_ok(&self) -> bool {
        self.status == 200
    }
}

/// An open connection.
pub(super) struct Http {
    stream: TcpStream,
    host: SocketAddr,
    buffer: Vec<u8>,
}

impl Http {
    pub(super) async fn open(host: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host, buffer: Vec::new() })
    }

    /// Asks and waits for the whole answer. After an error the connection is of no use.
    pub(super) async fn get(&mut self, path: &str) -> io::Result<Reply> {
        let answer = tokio::time::timeout(ANSWER_MAX, self.exchange(path)).await;
        answer.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn exchange(&mut self, path: &str) -> io::Result<Reply> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(at) = self.buffer.windows(HEAD_END.len()).position(|part| part == HEAD_END) {
                break at + HEAD_END.len();
            }
            self.read().await?;
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
        let length = text.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
        let length: Option<usize> = length.and_then(|number| number.trim().parse().ok());
        let (Some(status), Some(length)) = (status, length) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("not understood: {text}")));
        };
        while self.buffer.len() < head + length {
            self.read().await?;
        }
        let body = String::from_utf8_lossy(&self.buffer[head..head + length]).into_owned();
        Ok(Reply { status, body })
    }

    async fn read(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// One call on a connection of its own, which must succeed.
pub(super) async fn call(host: SocketAddr, path: &str) -> Result<String> {
    let reply = async { Http::open(host).await?.get(path).await }.await;
    match reply {
        Ok(reply) if reply.is_ok() => Ok(reply.body),
        Ok(reply) => Err(explained(format!("{path}: status {}, {}", reply.status, reply.body))),
        Err(error) => Err(explained(format!("{path}: {error}"))),
    }
}
