//! What a stream's path answers to whoever comes without a WebSocket.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::reply::{HTML, TEXT, respond, wants_html};
use crate::routes::Stream;

/// A short explanation with a link to the page that shows events.
pub(crate) fn page(headers: &HeaderMap, stream: &Stream, token: &str) -> Response {
    let name = stream.name;
    let (what, kind) = match stream.topics {
        Some(_) => (format!("/{name} is a WebSocket: open it with ws:// or wss://."), stream.kind),
        None => {
            (format!("/{name} is not offered by this version. /Events has all streams that are."), "Events")
        }
    };
    let link = format!("/static/EventsTest.html?id={}&type={kind}", percent_encoded(token));
    if !wants_html(headers) {
        let text = format!("{what} To watch events in a browser, open {link}\n");
        return respond(StatusCode::OK, TEXT, Body::from(text));
    }
    let (what, link) = (escaped(&what), escaped(&link));
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{name}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <body style=\"font:16px/1.5 system-ui;margin:2rem\"><p>{what}</p>\
         <p><a href=\"{link}\">Watch events in the browser</a></p></body></html>\n"
    );
    respond(StatusCode::OK, HTML, Body::from(html))
}

/// Text made safe inside HTML, attributes included.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Text made safe inside a query.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_tokens_lose_their_teeth() {
        assert_eq!(percent_encoded("a\"><script> é"), "a%22%3E%3Cscript%3E%20%C3%A9");
        assert_eq!(escaped("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}
