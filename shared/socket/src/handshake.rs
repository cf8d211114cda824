//! What a request must say to become a WebSocket (RFC 6455, section 4.2).

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What is wrong with a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeError(
    /// A sentence about it.
    pub &'static str,
);

/// The value of `Sec-WebSocket-Accept` that accepts a GET with these headers; `header` gives the value of one by its name
/// in lower case, those of several lines with commas between.
///
/// # Errors
/// [`HandshakeError`] if they do not ask for a WebSocket.
pub fn accept_key(header: impl Fn(&str) -> Option<String>) -> Result<String, HandshakeError> {
    let asks = |name: &str, word: &str| {
        let value = header(name).unwrap_or_default();
        value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    if !asks("connection", "upgrade") {
        return Err(HandshakeError("The header Connection of a WebSocket handshake says Upgrade."));
    }
    if !asks("upgrade", "websocket") {
        return Err(HandshakeError("The header Upgrade of a WebSocket handshake says websocket."));
    }
    if header("sec-websocket-version").as_deref().map(str::trim) != Some("13") {
        return Err(HandshakeError("The header Sec-WebSocket-Version must be 13."));
    }
    let key = header("sec-websocket-key").map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    let key = key.ok_or(HandshakeError("The header Sec-WebSocket-Key is missing."))?;
    Ok(derive_accept_key(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_has_four_headers() {
        // The example of the RFC, section 1.3.
        let whole = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let key = |headers: &[(&str, &str)]| {
            accept_key(|name| {
                let found = headers.iter().find(|(own, _)| *own == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(key(&whole).as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        for missing in 0..whole.len() {
            let mut headers = whole.to_vec();
            headers.remove(missing);
            assert!(key(&headers).is_err(), "without {}", whole[missing].0);
            let mut headers = whole;
            headers[missing].1 = "";
            assert!(key(&headers).is_err(), "with an empty {}", whole[missing].0);
        }
    }
}
