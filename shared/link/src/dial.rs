//! Opening links.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rustls::ClientConfig;
use rustls::client::ResolvesClientCert;
use rustls::sign::SingleCertAndKey;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};

use crate::connection::{Failure, LIMITS, Opening, Socket, bootstrap};
use crate::page::{self, Page};
use crate::reach::{Opened, Reach, limited};
use crate::{Egress, Endpoint, Identity, Link, LinkError, Proxy, Scheme};

/// Opens links: knows whom to trust and where not to go.
#[derive(Clone, Debug)]
pub struct Dialer(Reach);

impl Dialer {
    /// With these certificates and this policy.
    #[must_use]
    pub const fn new(tls: Arc<ClientConfig>, egress: Egress) -> Self {
        Self(Reach { tls, egress })
    }

    /// The same, presenting this certificate to servers that ask for one. Such a dialer opens links over TLS only.
    #[must_use]
    pub fn with_identity(&self, identity: &Identity) -> Self {
        let mut tls = ClientConfig::clone(&self.0.tls);
        let resolver: Arc<dyn ResolvesClientCert> = Arc::new(SingleCertAndKey::from(identity.certified()));
        tls.client_auth_cert_resolver = resolver;
        Self(Reach { tls: Arc::new(tls), egress: self.0.egress.clone() })
    }

    /// Opens a link, ready to log in. `token` is zeros, or the one of an earlier link to the same server
    /// ([`Link::token`]). A server that does not answer as a Web Terminal is asked once for the page of older
    /// gateways; an [`Endpoint`] that is a page is asked for it first. Nothing of it is remembered.
    ///
    /// # Errors
    /// [`LinkError`]; an endpoint without a scheme reports the failure of the last one that was tried. Without a page
    /// the error is what it was before the page was asked for.
    pub async fn dial(
        &self,
        endpoint: &Endpoint,
        proxy: Option<&Proxy>,
        token: [u8; 64],
    ) -> Result<Link, LinkError> {
        let schemes: &[Scheme] = match endpoint.scheme {
            // Of the schemes that nobody named, only this one carries a certificate.
            None if self.0.has_identity() => &[Scheme::Wss],
            _ => endpoint.schemes(),
        };
        let page_scheme = if endpoint.is_page { schemes.first().copied() } else { None };
        if let Some(scheme) = page_scheme
            && let Some(page) = page::ask(&self.0, endpoint, scheme, proxy).await?
        {
            return self.dial_page(endpoint, &page, proxy).await;
        }
        let refused = match self.dial_first(endpoint, schemes, proxy, token).await {
            Ok(link) => return Ok(link),
            Err(refused) => refused,
        };
        let Some(scheme) = refused.ask_page.filter(|_| !endpoint.is_page) else { return Err(refused.cause) };
        match page::ask(&self.0, endpoint, scheme, proxy).await {
            Ok(Some(page)) => self.dial_page(endpoint, &page, proxy).await,
            Err(disabled @ LinkError::Disabled { .. }) => Err(disabled),
            _ => Err(refused.cause),
        }
    }

    /// Dials with the first scheme that the server speaks.
    async fn dial_first(
        &self,
        endpoint: &Endpoint,
        schemes: &[Scheme],
        proxy: Option<&Proxy>,
        token: [u8; 64],
    ) -> Result<Link, Refused> {
        let opening = Opening { token, key: None };
        let mut earlier: Option<Refused> = None;
        for (place, scheme) in schemes.iter().enumerate() {
            let Failure { cause, ask_page } =
                match self.dial_as(endpoint, *scheme, proxy, &opening, &endpoint.host).await {
                    Ok(link) => return Ok(link),
                    Err(failure) => failure,
                };
            // Something is there, but it does not speak this: perhaps the next.
            let is_foreign = matches!(cause, LinkError::NotWebTerminal { .. } | LinkError::Closed { .. });
            let own = ask_page.then_some(*scheme);
            let refused = match earlier.take() {
                // It speaks neither; what it said to the first says more than that it has no TLS.
                Some(first) if matches!(cause, LinkError::NotWebTerminal { .. }) => {
                    Refused { cause: first.cause, ask_page: first.ask_page.or(own) }
                }
                Some(first) => Refused { cause, ask_page: own.or(first.ask_page) },
                None => Refused { cause, ask_page: own },
            };
            if !is_foreign || place + 1 == schemes.len() {
                return Err(refused);
            }
            earlier = Some(refused);
        }
        Err(Refused {
            cause: LinkError::Closed { cause: "there is no scheme to try".into() },
            ask_page: None,
        })
    }

    /// Dials the server that the page of an older gateway names.
    async fn dial_page(
        &self,
        endpoint: &Endpoint,
        page: &Page,
        proxy: Option<&Proxy>,
    ) -> Result<Link, LinkError> {
        let dialled = self.dial_as(&page.server, page.scheme, proxy, &page.opening, &endpoint.host).await;
        dialled.map_err(|failure| failure.cause)
    }

    /// The time that opening a TCP connection takes, without the resolution of the name.
    ///
    /// # Errors
    /// [`LinkError`] if there is no such name, its address may not be dialled, or nobody answers there in time.
    pub async fn ping(&self, host: &str, port: u16) -> Result<Duration, LinkError> {
        self.0.connect(host, port).await.map(|(_, taken)| taken)
    }

    /// The endpoints by the time that a connection to them takes; those that cannot be reached come last.
    pub async fn by_distance(&self, endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
        let measure = |endpoint: Endpoint| async move {
            let distance = self.ping(&endpoint.host, endpoint.port).await;
            (distance.unwrap_or(Duration::MAX), endpoint)
        };
        let mut measured = join_all(endpoints.into_iter().map(measure)).await;
        measured.sort_by_key(|(distance, _)| *distance);
        measured.into_iter().map(|(_, endpoint)| endpoint).collect()
    }

    async fn dial_as(
        &self,
        endpoint: &Endpoint,
        scheme: Scheme,
        proxy: Option<&Proxy>,
        opening: &Opening,
        origin: &str,
    ) -> Result<Link, Failure> {
        let opened = self.0.open(endpoint, scheme, proxy).await?;
        let upgraded = limited("the WebSocket handshake", upgrade(opened, endpoint, scheme, origin)).await;
        let mut socket = upgraded.map_err(Failure::of_peer)?;
        let (cipher, token) = bootstrap(&mut socket, opening, &endpoint.url(scheme)).await?;
        Ok(Link::new(socket, cipher, token))
    }
}

/// Why no scheme opened a link, and by which one a page may be asked.
struct Refused {
    cause: LinkError,
    ask_page: Option<Scheme>,
}

async fn upgrade(
    opened: Opened,
    endpoint: &Endpoint,
    scheme: Scheme,
    origin: &str,
) -> Result<Socket, LinkError> {
    let Opened { stream, asked } = opened;
    let url = endpoint.url(scheme);
    let foreign = |cause: WsError| {
        let refused = match &cause {
            WsError::Io(cause) => asked.refusal(cause, endpoint),
            WsError::Http(answer) => {
                asked.refusal_in_words(answer.body().as_deref().unwrap_or_default(), endpoint)
            }
            _ => None,
        };
        refused
            .unwrap_or_else(|| LinkError::NotWebTerminal { address: url.clone(), cause: cause.to_string() })
    };
    let request = request(&url, origin).map_err(foreign)?;
    let upgraded = client_async_with_config(request, stream, Some(LIMITS.config())).await;
    upgraded.map(|(socket, _)| Socket::new(socket, &LIMITS)).map_err(foreign)
}

/// Browsers say which page they come from; so do we.
fn request(url: &str, host: &str) -> Result<Request, WsError> {
    let mut request = url.into_client_request()?;
    let origin = HeaderValue::try_from(format!("https://{host}"))?;
    request.headers_mut().insert(header::ORIGIN, origin);
    Ok(request)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::client_config;

    /// The page itself cannot be asked in a test: it would have to be at a public address.
    #[tokio::test]
    async fn a_page_leads_nowhere_that_could_not_be_dialled_by_itself() {
        let bait = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = bait.local_addr().unwrap().port();
        let endpoint = Endpoint::parse("https://page.example", None).unwrap();
        let dialer = Dialer::new(client_config(None).unwrap(), Egress::Public);
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
            let server = Endpoint::parse(&format!("wss://{host}"), Some(port)).unwrap();
            let opening = Opening { token: [b'0'; 64], key: Some([0; 32]) };
            let page = Page { server, scheme: Scheme::Wss, opening };
            let dialled = dialer.dial_page(&endpoint, &page, None).await;
            assert!(matches!(dialled, Err(LinkError::Egress { .. })), "{host}: {dialled:?}");
        }
        assert!(bait.accept().now_or_never().is_none(), "somebody came");
    }
}
