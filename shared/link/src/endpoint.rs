//! Where a Web Terminal is.

use std::fmt;
use std::net::IpAddr;

/// The path that Web Terminals are served at.
const PATH: &str = "/terminal";

/// Whether the link is encrypted by TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Plain.
    Ws,
    /// TLS.
    Wss,
}

/// The address of a Web Terminal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Named by the caller; without a name it is TLS, except on this machine: there a plain socket is tried first
    /// and TLS second, as nothing leaves the machine.
    pub scheme: Option<Scheme>,
    /// Name or address, in lower case, IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path, `/terminal` unless the caller named another.
    pub path: String,
    /// Given as `https` or `http`: the address of a page, that may say where the Web Terminal is (older gateways). If
    /// it says nothing, the Web Terminal is there itself.
    pub is_page: bool,
}

/// Why a text is no address of a Web Terminal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a host: give a name or an address, such as mt5-web.broker.com or wss://mt5-web.broker.com/terminal"
)]
pub struct EndpointError(String);

impl Endpoint {
    /// From what callers give as host (a name, an address or a URL) and port. A port inside the host counts only if
    /// no other is given.
    ///
    /// # Errors
    /// [`EndpointError`] if the host cannot be one.
    pub fn parse(host: &str, port: Option<u16>) -> Result<Self, EndpointError> {
        let wrong = || EndpointError(host.chars().take(100).collect());
        let (scheme, is_page, rest) = match host.split_once("://") {
            None => (None, false, host),
            Some((name, rest)) => match name.to_ascii_lowercase().as_str() {
                "wss" => (Some(Scheme::Wss), false, rest),
                "https" => (Some(Scheme::Wss), true, rest),
                "ws" => (Some(Scheme::Ws), false, rest),
                "http" => (Some(Scheme::Ws), true, rest),
                _ => return Err(wrong()),
            },
        };
        let (authority, path) = rest.find('/').map_or((rest, PATH), |slash| rest.split_at(slash));
        let path = if path == "/" { PATH } else { path };
        let (name, own_port) = split_port(authority).ok_or_else(wrong)?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
        let is_path = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte));
        if name.is_empty() || name.len() > 253 || !is_name || !is_path {
            return Err(wrong());
        }
        let standard = if scheme == Some(Scheme::Ws) { 80 } else { 443 };
        let port = port.or(own_port).unwrap_or(standard);
        Ok(Self { scheme, host: name.to_ascii_lowercase(), port, path: path.to_owned(), is_page })
    }

    /// The schemes to try, in order.
    #[must_use]
    pub fn schemes(&self) -> &'static [Scheme] {
        match self.scheme {
            Some(Scheme::Ws) => &[Scheme::Ws],
            Some(Scheme::Wss) => &[Scheme::Wss],
            None if self.is_this_machine() => &[Scheme::Ws, Scheme::Wss],
            None => &[Scheme::Wss],
        }
    }

    /// Whether it says no more than host and port.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.scheme.is_none() && self.path == PATH
    }

    fn is_this_machine(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }

    /// Host and port, as an authority is written.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The URL under a scheme.
    #[must_use]
    pub fn url(&self, scheme: Scheme) -> String {
        let name = match scheme {
            Scheme::Ws => "ws",
            Scheme::Wss => "wss",
        };
        format!("{name}://{}{}", self.authority(), self.path)
    }
}

/// Name and port of an authority; the name of an IPv6 address without its brackets.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (name, after) = bracketed.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((name, Some(port.parse().ok()?))),
            None if after.is_empty() => Some((name, None)),
            None => None,
        };
    }
    match authority.split_once(':') {
        Some((name, port)) if !port.contains(':') => Some((name, Some(port.parse().ok()?))),
        // Several colons without brackets: an IPv6 address.
        Some(_) => authority.parse::<IpAddr>().ok().map(|_| (authority, None)),
        None => Some((authority, None)),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url(self.schemes()[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_addresses_or_urls() {
        let cases = [
            ("web.metatrader.app", Some(443), "wss://web.metatrader.app:443/terminal"),
            ("Web.Broker.com", None, "wss://web.broker.com:443/terminal"),
            ("wss://web.broker.com/mt5/terminal", None, "wss://web.broker.com:443/mt5/terminal"),
            ("ws://broker:5001", None, "ws://broker:5001/terminal"),
            ("ws://broker:5001", Some(7), "ws://broker:7/terminal"),
            ("127.0.0.1", Some(5001), "ws://127.0.0.1:5001/terminal"),
            ("localhost:5001", None, "ws://localhost:5001/terminal"),
            ("[::1]:5001", None, "ws://[::1]:5001/terminal"),
            ("::1", Some(5001), "ws://[::1]:5001/terminal"),
            ("https://web.broker.com/", Some(8443), "wss://web.broker.com:8443/terminal"),
        ];
        for (host, port, url) in cases {
            assert_eq!(Endpoint::parse(host, port).unwrap().to_string(), url, "{host} {port:?}");
        }
    }

    #[test]
    fn only_addresses_of_pages_are_pages() {
        for (host, is_page) in [
            ("https://broker.com", true),
            ("HTTP://broker.com/terminal", true),
            ("wss://broker.com", false),
            ("broker.com", false),
        ] {
            assert_eq!(Endpoint::parse(host, None).unwrap().is_page, is_page, "{host}");
        }
        assert_eq!(
            Endpoint::parse("http://broker.com", None).unwrap().to_string(),
            "ws://broker.com:80/terminal"
        );
    }

    #[test]
    fn what_cannot_be_a_host_is_refused() {
        for host in [
            "",
            "a b",
            "a ",
            " a",
            "ftp://x",
            "host:port",
            "[::1",
            "x:99999",
            "a\r\nHost: b",
            "wss://h/a b",
            "1:2:3",
        ] {
            assert!(Endpoint::parse(host, None).is_err(), "{host:?} passes");
        }
    }

    #[test]
    fn only_this_machine_is_tried_without_tls_unasked() {
        let schemes = |host| Endpoint::parse(host, Some(1)).unwrap().schemes();
        assert_eq!(schemes("127.0.0.1"), [Scheme::Ws, Scheme::Wss]);
        assert_eq!(schemes("wss://127.0.0.1"), [Scheme::Wss]);
        assert_eq!(schemes("10.0.0.1"), [Scheme::Wss]);
        assert_eq!(schemes("broker.com"), [Scheme::Wss]);
    }
}
