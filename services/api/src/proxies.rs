//! Where a request comes from and what for, behind reverse proxies: only those that the operator trusts are believed.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of a connection, on each of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// On the requests that came by TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encrypted;

/// Reverse proxies whose `X-Forwarded-` headers are believed. Anybody else could write there what it likes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Those at addresses of these networks.
    #[must_use]
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether the address is that of a trusted proxy.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Who calls, as what one caller counts as: the other end of the connection, or, behind trusted proxies, the last address
    /// that they name and that is none of theirs. Nothing if they do not say it, or nobody knows where the request is from.
    pub(crate) fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        self.address(extensions, headers).map(runtime::caller)
    }

    /// The address of who calls, by the same rules.
    pub(crate) fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let Peer(peer) = *extensions.get::<Peer>()?;
        if !self.contains(peer) {
            return Some(peer.to_canonical());
        }
        let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let all: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
        for text in all.iter().rev() {
            match forwarded_address(text.trim())? {
                proxy if self.contains(proxy) => {}
                client => return Some(client.to_canonical()),
            }
        }
        None
    }

    /// Where the client has reached this service, such as `https://example.com`: as a trusted proxy says it, else as the
    /// request itself does. Empty if nobody says a usable host; a path alone leads to the same place then.
    pub(crate) fn base_url(&self, request: &Parts) -> String {
        let peer = request.extensions.get::<Peer>();
        let is_trusted = peer.is_some_and(|peer| self.contains(peer.0));
        let forwarded = |name: &HeaderName| if is_trusted { first(&request.headers, name) } else { None };
        let own = request.uri.authority().map(|authority| authority.as_str());
        let own = own.or_else(|| first(&request.headers, &HOST));
        let Some(host) = forwarded(&FORWARDED_HOST).or(own).filter(|host| is_host(host)) else {
            return String::new();
        };
        let is_encrypted = request.extensions.get::<Encrypted>().is_some();
        let is_https =
            forwarded(&FORWARDED_PROTO).map_or(is_encrypted, |scheme| scheme.eq_ignore_ascii_case("https"));
        let scheme = if is_https { "https" } else { "http" };
        format!("{scheme}://{host}")
    }
}

/// An address as proxies write it, some with a port.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let alone = text.trim_start_matches('[').trim_end_matches(']').parse().ok();
    alone.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// The first of the values: proxies add theirs behind those that they have got, so it is the outermost one's.
fn first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.split(',').next()?.trim();
    Some(value).filter(|value| !value.is_empty())
}

/// A name or an address, with or without a port, and nothing that would be more than that in a URL.
fn is_host(text: &str) -> bool {
    text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn base(peer: Option<&str>, uri: &str, headers: &[(&str, &str)]) -> String {
        let networks = ["10.0.0.0/8", "::1/128"].map(|text| text.parse().unwrap());
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        if let Some(peer) = peer {
            parts.extensions.insert(Peer(peer.parse().unwrap()));
        }
        TrustedProxies::new(networks.to_vec()).base_url(&parts)
    }

    #[test]
    fn what_came_by_tls_leads_to_https_unless_a_proxy_says_otherwise() {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        for (peer, proto, scheme) in [("1.2.3.4", "http", "https"), ("10.0.0.1", "http", "http")] {
            let request = Request::builder().header("host", "x").header("x-forwarded-proto", proto);
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            parts.extensions.insert(Peer(peer.parse().unwrap()));
            parts.extensions.insert(Encrypted);
            assert_eq!(proxies.base_url(&parts), format!("{scheme}://x"), "{peer}");
        }
    }

    #[test]
    fn only_trusted_proxies_say_where_the_service_is() {
        let proxied = [
            ("Host", "inner:5000"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "mt5.example, inner:5000"),
        ];
        for trusted in ["10.1.2.3", "::ffff:10.1.2.3", "::1"] {
            assert_eq!(base(Some(trusted), "/OnQuote", &proxied), "https://mt5.example", "{trusted}");
        }
        for other in [Some("11.1.2.3"), Some("127.0.0.1"), Some("::2"), None] {
            assert_eq!(base(other, "/OnQuote", &proxied), "http://inner:5000", "{other:?}");
        }
        assert_eq!(base(Some("10.1.2.3"), "/", &proxied[..2]), "https://inner:5000");
        assert_eq!(base(Some("10.1.2.3"), "/", &[proxied[0], proxied[2]]), "http://mt5.example");
        assert!(!TrustedProxies::default().contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_client_is_who_the_last_trusted_proxy_has_seen() {
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let client = |peer: &str, lines: &[&str]| {
            let mut extensions = Extensions::new();
            extensions.insert(Peer(peer.parse().unwrap()));
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            trusted.client(&extensions, &headers).map(|address| address.to_string())
        };
        let found = |address: &str| Some(address.to_owned());
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), found("192.0.2.1"), "anybody can write that");
        assert_eq!(client("10.0.0.1", &["198.51.100.7"]), found("198.51.100.7"));
        assert_eq!(client("10.0.0.1", &["192.0.2.9, 198.51.100.7:4711", "10.9.9.9"]), found("198.51.100.7"));
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:80"]), found("2001:db8::"));
        assert_eq!(client("::ffff:10.0.0.1", &["::ffff:192.0.2.9"]), found("192.0.2.9"));
        for unsaid in [&[][..], &["10.0.0.2"], &["192.0.2.9, unknown"]] {
            assert_eq!(client("10.0.0.1", unsaid), None, "{unsaid:?}");
        }
        assert_eq!(trusted.client(&Extensions::new(), &HeaderMap::new()), None);
    }

    #[test]
    fn what_is_no_host_is_not_repeated() {
        for host in ["a\"b", "a/b", "user@a", "a?b", "<a>", ""] {
            assert_eq!(base(None, "/", &[("Host", host)]), "", "{host}");
        }
        assert_eq!(base(None, "http://absolute.example:81/OnQuote", &[]), "http://absolute.example:81");
        assert_eq!(base(None, "/", &[("Host", "[::1]:5000")]), "http://[::1]:5000");
        assert_eq!(base(Some("::1"), "/", &[("Host", "a"), ("X-Forwarded-Proto", "gopher")]), "http://a");
    }
}
