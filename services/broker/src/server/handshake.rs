//! The HTTP upgrade. Done by hand so that whoever comes without a WebSocket gets an HTTP answer.

use std::time::Duration;

use socket::{BoundedSocket, Limits, accept_key};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What orchestrators and balancers ask: a server that answers at all serves.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];
/// Where the protocol lives.
const PATH: &str = "/terminal";
/// Largest head of a request.
const HEAD_MAX: usize = 8 << 10;
/// Documents for a real account are the largest thing a client sends.
const MESSAGE_MAX: usize = 16 << 20;
/// The largest message that clients take, and what a frame adds to it.
const OUTGOING_MAX: usize = wire::MAX_MESSAGE + 64;
/// Small buffers: an idle connection shall cost little.
const BUFFER: usize = 4 << 10;
/// How long a client may leave answers to its pings unread.
const DRAIN_LIMIT: Duration = Duration::from_secs(15);

/// The limits of every socket.
const LIMITS: Limits = Limits {
    incoming_bytes_max: MESSAGE_MAX,
    outgoing_bytes_max: OUTGOING_MAX,
    read_buffer_bytes: BUFFER,
    write_buffer_bytes: BUFFER,
    drain_limit: DRAIN_LIMIT,
};

/// Reads the request and upgrades it. `None` if it was answered with an error or is no HTTP at all.
pub(super) async fn upgrade<S>(mut stream: S) -> std::io::Result<Option<BoundedSocket<S>>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some((head, rest)) = read_head(&mut stream).await? else { return Ok(None) };
    let (status, key) = judge(&head);
    if let Some(key) = key {
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {key}\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
        return Ok(Some(BoundedSocket::server(stream, rest, &LIMITS).await));
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

/// What accepts a proper upgrade of our path, or the status of another answer.
fn judge(head: &str) -> (&'static str, Option<String>) {
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
    let accepted = accept_key(|name| {
        let found = headers.iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    });
    match accepted.ok().filter(|_| method == "GET") {
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
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        let accept = Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(judge(&head("GET /terminal HTTP/1.1", key)).1.as_deref(), accept);
        assert_eq!(judge(&head("GET /terminal?x=1 HTTP/1.1", key)).1.as_deref(), accept);
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
