//! WebSockets of clients: every frame with the moment at which it came.

use std::net::SocketAddr;

use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::numbers::now_us;
use super::{Result, explained};

/// A thousand of them are open in this program.
const BUFFER_BYTES: usize = 8 << 10;

/// An open stream.
pub(super) struct Socket {
    stream: WebSocketStream<TcpStream>,
}

/// What came, or that nothing more comes.
#[derive(Debug)]
pub(super) enum Heard {
    /// A text, and when.
    Frame(u64, String),
    /// The end, with the code of the goodbye.
    End(Option<u16>),
}

impl Socket {
    pub(super) async fn open(front: SocketAddr, path: &str) -> Result<Self> {
        let tcp = TcpStream::connect(front).await.map_err(explained)?;
        tcp.set_nodelay(true).map_err(explained)?;
        let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(0);
        let opened = client_async_with_config(format!("ws://{front}{path}"), tcp, Some(config)).await;
        let (stream, _) = opened.map_err(|error| explained(format!("{path}: {error}")))?;
        Ok(Self { stream })
    }

    /// The next text. Cancelling the wait loses nothing.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Heard::Frame(now_us(), text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => return Heard::End(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::End(None),
            }
        }
    }
}
