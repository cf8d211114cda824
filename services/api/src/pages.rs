//! Web pages that call: browsers say whether a page is of this site. Programs say nothing of the kind.

use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, HeaderName};
use error::{Code, Error};

/// What a browser says of the page and the service, in one word.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a page of another site makes this request to the service at this URL. Browsers that are too old for the one
/// header, and all of them over plain HTTP to other machines, have the page's origin in another.
pub(crate) fn is_of_another_site(headers: &HeaderMap, base: &str) -> bool {
    match headers.get(FETCH_SITE).map(|word| word.as_bytes()) {
        Some(b"same-origin" | b"same-site" | b"none") => false,
        Some(_) => true,
        None => headers.get(ORIGIN).is_some_and(|origin| {
            let origin = origin.to_str().ok().and_then(host);
            origin.is_none() || origin != host(base)
        }),
    }
}

/// What the page is told.
pub(crate) fn refused() -> Error {
    let told = "Pages of other sites may not have this service dial: they could search the network of this machine. \
                Start it with --cross-site-dials to allow it.";
    Error::new(Code::NotPermission, told)
}

/// The host of a URL, without its port: other ports of a machine are the same site.
fn host(url: &str) -> Option<String> {
    let authority = url.split_once("://")?.1.split('/').next()?;
    // An address of IPv6 has colons of its own, in brackets.
    let end = authority.find(']').map(|end| end + 1).or_else(|| authority.find(':'));
    let host = authority.get(..end.unwrap_or(authority.len()))?;
    Some(host.to_ascii_lowercase()).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_foreign(headers: &[(&'static str, &'static str)], base: &str) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), axum::http::HeaderValue::from_static(value))
        });
        is_of_another_site(&headers.collect(), base)
    }

    #[test]
    fn browsers_say_where_a_page_is_from() {
        let base = "http://127.0.0.1:5000";
        assert!(!is_foreign(&[], base), "a program");
        for (word, foreign) in
            [("same-origin", false), ("same-site", false), ("none", false), ("cross-site", true), ("x", true)]
        {
            assert_eq!(is_foreign(&[("sec-fetch-site", word)], base), foreign, "{word}");
        }
        for (origin, base, foreign) in [
            ("http://127.0.0.1:5000", base, false),
            ("http://127.0.0.1:3000", base, false),
            ("http://evil.example", base, true),
            ("http://127.0.0.1.evil.example", base, true),
            ("null", base, true),
            ("https://MT5.example", "https://mt5.example:8443", false),
            ("http://[::1]:3000", "http://[::1]:5000", false),
            ("http://[::2]", "http://[::1]:5000", true),
            ("http://evil.example", "", true),
        ] {
            assert_eq!(is_foreign(&[("origin", origin)], base), foreign, "{origin} at {base}");
        }
        assert!(!is_foreign(&[("sec-fetch-site", "same-origin"), ("origin", "null")], base));
    }
}
