//! Web pages that call: browsers say whether a page is of this site. Programs say nothing of the kind.

use std::net::Ipv4Addr;

use axum::http::header::{ACCEPT_LANGUAGE, ORIGIN, REFERER, USER_AGENT};
use axum::http::{HeaderMap, HeaderName};
use error::{Code, Error};

/// What a browser says of the page and the service, in one word.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a page of another site makes this request to the service at this URL.
///
/// Browsers tell the site to services behind TLS and on this machine. Else there is the page's origin, which they leave
/// out of GETs for pictures and for their own site, and the page's address, which a page may withhold. Over plain
/// HTTP to another machine such a request cannot be told from one that the user has typed.
///
/// A page can have its own name lead to this service once it was loaded (DNS rebinding), and is of the same site then by all
/// that browsers say. So browsers must have come by a name that nobody else can have, or that the operator has named.
pub(crate) fn is_of_another_site(headers: &HeaderMap, base: &str, public_names: &[String]) -> bool {
    if !is_of_a_browser(headers) {
        return false;
    }
    let own = host(base);
    if !own.as_deref().is_some_and(|own| is_ours(own, public_names)) {
        return true;
    }
    let is_foreign = |page: &str| host(page) != own;
    match headers.get(FETCH_SITE).map(|word| word.as_bytes()) {
        Some(b"same-origin" | b"same-site" | b"none") => false,
        Some(_) => true,
        None => [ORIGIN, REFERER]
            .iter()
            .filter_map(|name| headers.get(name))
            .any(|page| page.to_str().map_or(true, is_foreign)),
    }
}

/// Whether a request was made by a browser: what pages cannot all leave out.
fn is_of_a_browser(headers: &HeaderMap) -> bool {
    let is_like = |name: HeaderName, is_so: fn(&[u8]) -> bool| {
        headers.get(name).is_some_and(|value| is_so(value.as_bytes()))
    };
    headers.contains_key(FETCH_SITE)
        || headers.contains_key(ORIGIN)
        || is_like(USER_AGENT, |agent| agent.starts_with(b"Mozilla/"))
        || is_like(ACCEPT_LANGUAGE, |languages| languages != b"*")
}

/// Whether only this service can have this host: an address, a name without a dot, which is none of the internet's, or a
/// name of the operator's.
fn is_ours(host: &str, public_names: &[String]) -> bool {
    let is_address = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
    is_address
        || !host.contains('.')
        || host.ends_with(".localhost")
        || public_names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// What the page is told.
pub(crate) fn refused() -> Error {
    let told = "Pages of other sites may not have this service dial: they could search the network of this machine. If this \
                is its own page, name the host in its address with --public-names; --cross-site-dials allows it to all.";
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

    const BASE: &str = "http://127.0.0.1:5000";

    fn is_foreign(headers: &[(&'static str, &'static str)], base: &str) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), axum::http::HeaderValue::from_static(value))
        });
        is_of_another_site(&headers.collect(), base, &["mt5.example".to_owned()])
    }

    #[test]
    fn browsers_say_where_a_page_is_from() {
        assert!(!is_foreign(&[], BASE), "a program");
        for (word, foreign) in
            [("same-origin", false), ("same-site", false), ("none", false), ("cross-site", true), ("x", true)]
        {
            assert_eq!(is_foreign(&[("sec-fetch-site", word)], BASE), foreign, "{word}");
        }
        for (page, base, foreign) in [
            ("http://127.0.0.1:5000", BASE, false),
            ("http://127.0.0.1:3000", BASE, false),
            ("http://evil.example", BASE, true),
            ("http://127.0.0.1.evil.example", BASE, true),
            ("null", BASE, true),
            ("https://MT5.example", "https://mt5.example:8443", false),
            ("http://[::1]:3000", "http://[::1]:5000", false),
            ("http://[::2]", "http://[::1]:5000", true),
            ("http://evil.example", "", true),
        ] {
            assert_eq!(is_foreign(&[("origin", page)], base), foreign, "{page} at {base}");
            let referer = [("referer", page), ("user-agent", "Mozilla/5.0")];
            assert_eq!(is_foreign(&referer, base), foreign, "{page} at {base}");
        }
        assert!(!is_foreign(&[("sec-fetch-site", "same-origin"), ("origin", "null")], BASE));
        assert!(!is_foreign(&[("user-agent", "Mozilla/5.0")], BASE), "typed by the user");
    }

    #[test]
    fn a_name_that_somebody_else_can_have_is_no_name_of_ours() {
        let browser: [&[(&str, &str)]; 5] = [
            &[("origin", "http://evil.example:5000")],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[("user-agent", "Mozilla/5.0 (X11)")],
            &[("accept-language", "en-GB,en;q=0.5")],
        ];
        for headers in browser {
            assert!(is_foreign(headers, "http://evil.example:5000"), "{headers:?}");
            assert!(is_foreign(headers, "http://evil.localhost.example"), "{headers:?}");
            assert!(is_foreign(headers, "http://evil.example."), "{headers:?}");
            assert!(is_foreign(headers, ""), "{headers:?}");
        }
        let typed = [("sec-fetch-site", "none")];
        for own in
            ["localhost:5000", "[::1]:5000", "192.168.1.5", "mt5rest:5000", "a.localhost", "MT5.example"]
        {
            assert!(!is_foreign(&typed, &format!("http://{own}")), "{own}");
        }
        for program in [&[][..], &[("user-agent", "curl/8")], &[("accept-language", "*")]] {
            assert!(!is_foreign(program, "http://mt5.corp.example:5000"), "{program:?}");
        }
    }
}
