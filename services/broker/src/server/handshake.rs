//! The HTTP upgrade. Done by hand so that whoever comes without a WebSocket gets an HTTP answer.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// What orchestrators and balancers ask: a server that answers at all serves.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];
/// Where the protocol lives.
const PATH: &str = "/terminal";
/// Largest head of a request.
const HEAD_MAX: usize = 8 << 10;
/// Documents for a real account are the largest thing a client sends.
const MESSAGE_MAX: usize = 16 << 20;
/// Small buffers: an idle connection shall cost little.
const BUFFER: usize = 4 << 10;

/// Reads the request and upgrades it. `None` if it was answered with an error or is no HTTP at all.
pub(super) async fn upgrade<S>(mut stream: S) -> std::io::Result<Option<WebSocketStream<S>>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some((head, rest)) = read_head(&mut stream).await? else { return Ok(None) };
    let (status, key) = judge(&head);
    if let Some(key) = key {
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            derive_accept_key(key.as_bytes())
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
        let mut config = WebSocketConfig::default();
        config.read_buffer_size = BUFFER;
        config.write_buffer_size = BUFFER;
        config.max_message_size = Some(MESSAGE_MAX);
        config.max_frame_size = Some(MESSAGE_MAX);
        return Ok(Some(
            WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(config)).await,
        ));
    }
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(None)
}

/// The head without its empty line, and what came after it. `None` if the stream ends first or it is too long.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Option<(String, Vec<u8>)>> {
    const END: &[u8] = b"\r\n\r\n";
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 || bytes.len() > HEAD_MAX {
            return Ok(None);
        }
        if let Some(end) = bytes.windows(END.len()).position(|window| window == END) {
            let rest = bytes.split_off(end + END.len());
            bytes.truncate(end);
            return Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), rest)));
        }
    }
}

/// The key of a proper upgrade of our path, or the status of another answer.
fn judge(head: &str) -> (&'static str, Option<&str>) {
    let mut lines = head.split("\r\n");
    let mut request = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (request.next().unwrap_or_default(), request.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    if HEALTH.contains(&path) && matches!(method, "GET" | "HEAD") {
        return ("200 OK", None);
    }
    if path != PATH {
        return ("404 Not Found", None);
    }
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).collect();
    let header = |name: &str| {
        let found = headers.iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    };
    let asks = |name, word: &str| {
        header(name).is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let is_upgrade = method == "GET"
        && asks("upgrade", "websocket")
        && asks("connection", "upgrade")
        && header("sec-websocket-version") == Some("13");
    match header("sec-websocket-key").filter(|key| is_upgrade && !key.is_empty()) {
        Some(key) => ("101 Switching Protocols", Some(key)),
        None => ("426 Upgrade Required", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_upgrade_of_the_terminal_path_is_taken() {
        let head = |line: &str, more: &str| {
            format!(
                "{line}\r\nHost: x\r\nUPGRADE: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\n{more}"
            )
        };
        let key = "Sec-WebSocket-Key: abc==";
        assert_eq!(judge(&head("GET /terminal HTTP/1.1", key)).1, Some("abc=="));
        assert_eq!(judge(&head("GET /terminal?x=1 HTTP/1.1", key)).1, Some("abc=="));
        for (line, more, status) in [
            ("GET / HTTP/1.1", key, "404"),
            ("GET /healthz HTTP/1.1", "", "200"),
            ("GET /readyz HTTP/1.1", "", "200"),
            ("POST /healthz HTTP/1.1", "", "404"),
            ("GET /terminal/json HTTP/1.1", key, "404"),
            ("GET /terminal HTTP/1.1", "", "426"),
            ("POST /terminal HTTP/1.1", key, "426"),
        ] {
            let head = head(line, more);
            let (answer, taken) = judge(&head);
            assert!(answer.starts_with(status) && taken.is_none(), "{line}: {answer}");
        }
        assert!(judge("").1.is_none());
    }
}
