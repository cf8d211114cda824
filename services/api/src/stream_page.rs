//! What a stream's path answers to whoever comes without a WebSocket.

use axum::body::Body;
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bus::Params;
use error::{Code, Error};

use crate::accept::Accept;
use crate::reply::{self, ERROR_STATUS, page_of};
use crate::request;
use crate::routes::Stream;

/// A page for browsers, an error for programs; both lead to the page that shows events. `base` is where the client has
/// reached this service, such as `https://example.com`.
pub(crate) fn answer(stream: Stream, accept: Accept, params: &Params, base: &str) -> Response {
    let name = stream.name();
    let what = format!("/{name} is a WebSocket: open it with ws:// or wss://.");
    let token = percent_encoded(params.get("id").unwrap_or_default());
    let link = format!("{base}/static/EventsTest.html?id={token}&type={name}");
    if accept.problems {
        // HTTP has a status for that, which must come with the name of what to upgrade to.
        let error = Error::new(Code::MethodNotSupported, explained(&what, &link));
        let mut response = reply::refusal(StatusCode::UPGRADE_REQUIRED, accept, &error);
        response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        return response;
    }
    if accept.html {
        return page(&name, &what, &link);
    }
    match request::error_status(params) {
        Ok(status) => {
            let error = Error::new(Code::MethodNotSupported, explained(&what, &link));
            reply::failure(status.unwrap_or(ERROR_STATUS), accept, &error)
        }
        Err(error) => reply::failure(ERROR_STATUS, accept, &error),
    }
}

fn explained(what: &str, link: &str) -> String {
    format!("{what} To watch events in a browser, open {link}")
}

fn page(name: &str, what: &str, link: &str) -> Response {
    let (what, link) = (escaped(what), escaped(link));
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{name}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"icon\" href=\"static/icon.svg\"><link rel=\"stylesheet\" href=\"static/page.css\">\
         <body><main><p>{what}</p>\
         <p><a href=\"{link}\">Watch events in the browser</a></p></main></body></html>\n"
    );
    page_of(Body::from(html))
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
