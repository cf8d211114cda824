//! Opening links.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_util::either::Either;

use crate::connection::{Socket, Stream, bootstrap, socket_config};
use crate::{Egress, Endpoint, Link, LinkError, Proxy, Scheme};

/// One address must accept within this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// TLS, proxy and upgrade must each be done within this time.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);
/// So many addresses of a name are tried.
const ADDRESSES_MAX: usize = 4;

/// Opens links: knows whom to trust and where not to go.
#[derive(Clone, Debug)]
pub struct Dialer {
    tls: Arc<ClientConfig>,
    egress: Egress,
}

impl Dialer {
    /// With these certificates and this policy.
    #[must_use]
    pub const fn new(tls: Arc<ClientConfig>, egress: Egress) -> Self {
        Self { tls, egress }
    }

    /// Opens a link, ready to log in. `token` is zeros, or the one of an earlier link to the same server
    /// ([`Link::token`]).
    ///
    /// # Errors
    /// [`LinkError`]; an endpoint without a scheme reports the failure of the last one that was tried.
    pub async fn dial(
        &self,
        endpoint: &Endpoint,
        proxy: Option<&Proxy>,
        token: [u8; 64],
    ) -> Result<Link, LinkError> {
        let (last, first) = match endpoint.schemes() {
            [first @ .., last] => (*last, first),
            [] => (Scheme::Wss, &[][..]),
        };
        let mut foreign = None;
        for scheme in first {
            match self.dial_as(endpoint, *scheme, proxy, token).await {
                // Something is there, but it does not speak this: perhaps the other.
                Err(cause @ (LinkError::NotWebTerminal { .. } | LinkError::Closed { .. })) => {
                    foreign = Some(cause);
                }
                done => return done,
            }
        }
        match (self.dial_as(endpoint, last, proxy, token).await, foreign) {
            // It speaks neither; what it said to the first says more than that it has no TLS.
            (Err(LinkError::NotWebTerminal { .. }), Some(foreign)) => Err(foreign),
            (done, _) => done,
        }
    }

    /// The endpoints by the time that a connection to them takes; those that cannot be reached come last.
    pub async fn by_distance(&self, endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
        let measure = |endpoint: Endpoint| async move {
            let begun = Instant::now();
            let reached = self.connect(&endpoint.host, endpoint.port).await.is_ok();
            (if reached { begun.elapsed() } else { Duration::MAX }, endpoint)
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
        token: [u8; 64],
    ) -> Result<Link, LinkError> {
        let stream = match proxy {
            None => self.connect(&endpoint.host, endpoint.port).await?,
            Some(proxy) => {
                // The proxy resolves the name; an address can be checked here.
                if let Ok(address) = endpoint.host.parse() {
                    self.egress.check(address)?;
                }
                let stream = self.connect(&proxy.host, proxy.port).await?;
                let tunnel = proxy.tunnel(stream, &endpoint.host, endpoint.port);
                limited("the connection through the proxy", tunnel).await?
            }
        };
        let stream = match scheme {
            Scheme::Ws => Either::Left(stream),
            Scheme::Wss => limited("the TLS handshake", self.secure(stream, endpoint)).await?,
        };
        let mut socket = limited("the WebSocket handshake", upgrade(stream, endpoint, scheme)).await?;
        let (cipher, token) = bootstrap(&mut socket, token, &endpoint.url(scheme)).await?;
        Ok(Link::new(socket, cipher, token))
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, LinkError> {
        let addresses = lookup_host((host, port))
            .await
            .map_err(|cause| LinkError::Resolve { host: host.to_owned(), cause })?;
        let mut failure = None;
        for address in addresses.take(ADDRESSES_MAX) {
            let attempt = match self.egress.check(address.ip()) {
                Ok(()) => connect_to(address).await,
                Err(refused) => Err(refused),
            };
            match attempt {
                Ok(stream) => return Ok(stream),
                Err(cause) => failure = Some(cause),
            }
        }
        let nothing = || LinkError::Resolve {
            host: host.to_owned(),
            cause: std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address"),
        };
        Err(failure.unwrap_or_else(nothing))
    }

    async fn secure(&self, stream: TcpStream, endpoint: &Endpoint) -> Result<Stream, LinkError> {
        let failed = |cause| LinkError::Tls { address: endpoint.authority(), cause };
        let name = ServerName::try_from(endpoint.host.clone())
            .map_err(|cause| failed(std::io::Error::new(std::io::ErrorKind::InvalidInput, cause)))?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let connected = connector.connect(name, stream).await.map(|tls| Either::Right(Box::new(tls)));
        connected.map_err(|cause| {
            if is_distrust(&cause) {
                return failed(cause);
            }
            LinkError::NotWebTerminal { address: endpoint.url(Scheme::Wss), cause: cause.to_string() }
        })
    }
}

/// Whether TLS failed because the certificate is not trusted, rather than because there is no TLS.
fn is_distrust(cause: &std::io::Error) -> bool {
    let failure = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(failure, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}

async fn connect_to(address: SocketAddr) -> Result<TcpStream, LinkError> {
    let unreachable = |cause| LinkError::Connect { address: address.to_string(), cause };
    let connected = timeout(CONNECT_LIMIT, TcpStream::connect(address)).await;
    let stream = match connected {
        Ok(stream) => stream.map_err(unreachable)?,
        Err(_) => return Err(LinkError::Timeout { doing: "the connection", limit: CONNECT_LIMIT }),
    };
    // Orders are small messages that must not wait for others.
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(stream)
}

async fn limited<T>(
    doing: &'static str,
    step: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, LinkError> {
    timeout(HANDSHAKE_LIMIT, step).await.unwrap_or(Err(LinkError::Timeout { doing, limit: HANDSHAKE_LIMIT }))
}

async fn upgrade(stream: Stream, endpoint: &Endpoint, scheme: Scheme) -> Result<Socket, LinkError> {
    let url = endpoint.url(scheme);
    let foreign =
        |cause: WsError| LinkError::NotWebTerminal { address: url.clone(), cause: cause.to_string() };
    let request = request(&url, &endpoint.host).map_err(foreign)?;
    let upgraded = client_async_with_config(request, stream, Some(socket_config())).await;
    upgraded.map(|(socket, _)| socket).map_err(foreign)
}

/// Browsers say which page they come from; so do we.
fn request(url: &str, host: &str) -> Result<Request, WsError> {
    let mut request = url.into_client_request()?;
    let origin = HeaderValue::try_from(format!("https://{host}"))?;
    request.headers_mut().insert(header::ORIGIN, origin);
    Ok(request)
}
