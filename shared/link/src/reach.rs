//! Sockets to where a Web Terminal is: direct or by way of a proxy, plain or TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, SignatureScheme};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;

use crate::connection::Stream;
use crate::{Egress, Endpoint, LinkError, Proxy, Scheme};

/// One address must accept within this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// TLS, proxy and upgrade must each be done within this time.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);
/// So many addresses of a name are tried.
const ADDRESSES_MAX: usize = 4;

/// Whom to trust, who we are, and where not to go.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) egress: Egress,
}

/// An open socket.
pub(crate) struct Opened {
    pub(crate) stream: Stream,
    pub(crate) asked: Asked,
}

impl Reach {
    /// Opens a socket to the endpoint.
    pub(crate) async fn open(
        &self,
        endpoint: &Endpoint,
        scheme: Scheme,
        proxy: Option<&Proxy>,
    ) -> Result<Opened, LinkError> {
        if scheme == Scheme::Ws && self.has_identity() {
            return Err(LinkError::CertificateNeedsTls { address: endpoint.url(scheme) });
        }
        let stream = match proxy {
            None => self.connect(&endpoint.host, endpoint.port).await?.0,
            Some(proxy) => {
                // The proxy resolves the name; an address can be checked here.
                if let Ok(address) = endpoint.host.parse() {
                    self.egress.check(&endpoint.host, address)?;
                }
                let (stream, _) = self.connect(&proxy.host, proxy.port).await?;
                let tunnel = proxy.tunnel(stream, &endpoint.host, endpoint.port);
                limited("the connection through the proxy", tunnel).await?
            }
        };
        match scheme {
            Scheme::Ws => Ok(Opened { stream: Either::Left(stream), asked: Asked::default() }),
            Scheme::Wss => limited("the TLS handshake", self.secure(stream, endpoint)).await,
        }
    }

    /// Whether there is a certificate to present.
    pub(crate) fn has_identity(&self) -> bool {
        self.tls.client_auth_cert_resolver.has_certs()
    }

    /// Connects to the first address that accepts; says how long that one took.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> Result<(TcpStream, Duration), LinkError> {
        let addresses = lookup_host((host, port))
            .await
            .map_err(|cause| LinkError::Resolve { host: host.to_owned(), cause })?;
        let mut failure = None;
        for address in addresses.take(ADDRESSES_MAX) {
            let begun = Instant::now();
            let attempt = match self.egress.check(host, address.ip()) {
                Ok(()) => connect_to(address, host).await,
                Err(refused) => Err(refused),
            };
            match attempt {
                Ok(stream) => return Ok((stream, begun.elapsed())),
                Err(cause) => failure = Some(cause),
            }
        }
        let nothing = || LinkError::Resolve {
            host: host.to_owned(),
            cause: std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address"),
        };
        Err(failure.unwrap_or_else(nothing))
    }

    async fn secure(&self, stream: TcpStream, endpoint: &Endpoint) -> Result<Opened, LinkError> {
        let failed = |cause| LinkError::Tls { address: endpoint.authority(), cause };
        let name = ServerName::try_from(endpoint.host.clone())
            .map_err(|cause| failed(std::io::Error::new(std::io::ErrorKind::InvalidInput, cause)))?;
        let (config, asked) = self.attentive();
        let connected = TlsConnector::from(config).connect(name, stream).await;
        connected.map(|tls| Opened { stream: Either::Right(Box::new(tls)), asked: asked.clone() }).map_err(
            |cause| {
                if let Some(refused) = asked.refusal(&cause, endpoint) {
                    return refused;
                }
                if is_distrust(&cause) {
                    return failed(cause);
                }
                LinkError::NotWebTerminal { address: endpoint.url(Scheme::Wss), cause: cause.to_string() }
            },
        )
    }

    /// The configuration of one connection, which notes whether the server asks for a certificate: alerts alone do
    /// not tell why a server hangs up. Sessions are not resumed: they would belong to another certificate, perhaps.
    fn attentive(&self) -> (Arc<ClientConfig>, Asked) {
        let mut config = ClientConfig::clone(&self.tls);
        let resolver = Arc::clone(&config.client_auth_cert_resolver);
        let asked = Asked { certificate: Arc::default(), answered: resolver.has_certs() };
        let noted = Arc::clone(&asked.certificate);
        config.client_auth_cert_resolver = Arc::new(Noting { resolver, noted });
        config.resumption = Resumption::disabled();
        (Arc::new(config), asked)
    }
}

/// What a server asked for in its handshake.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    certificate: Arc<AtomicBool>,
    answered: bool,
}

impl Asked {
    /// The error, if the server ended the connection because of our certificate or the lack of one. In TLS 1.3 this is
    /// heard after the handshake, with the first read.
    pub(crate) fn refusal(&self, cause: &std::io::Error, endpoint: &Endpoint) -> Option<LinkError> {
        use AlertDescription as A;
        let failure = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let Some(rustls::Error::AlertReceived(alert)) = failure else { return None };
        let is_refusal = match alert {
            A::CertificateRequired => true,
            A::NoCertificate
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::DecryptError
            | A::HandshakeFailure => self.certificate.load(Ordering::Relaxed),
            _ => false,
        };
        is_refusal.then(|| self.refused(endpoint, format!("{alert:?}")))
    }

    /// The same, if the server says so in HTTP only, as front ends do that look at certificates after the handshake.
    pub(crate) fn refusal_in_words(&self, body: &[u8], endpoint: &Endpoint) -> Option<LinkError> {
        const WORDS: &[u8] = b"ssl certificate";
        let is_said = body.windows(WORDS.len()).any(|words| words.eq_ignore_ascii_case(WORDS));
        let is_refusal = is_said && self.certificate.load(Ordering::Relaxed);
        is_refusal.then(|| self.refused(endpoint, "its HTTP answer says so".into()))
    }

    fn refused(&self, endpoint: &Endpoint, cause: String) -> LinkError {
        let address = endpoint.authority();
        if self.answered {
            LinkError::CertificateRefused { address, cause }
        } else {
            LinkError::CertificateRequired { address }
        }
    }
}

/// Notes that it was asked.
#[derive(Debug)]
struct Noting {
    resolver: Arc<dyn ResolvesClientCert>,
    noted: Arc<AtomicBool>,
}

impl ResolvesClientCert for Noting {
    fn resolve(&self, authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.noted.store(true, Ordering::Relaxed);
        self.resolver.resolve(authorities, schemes)
    }

    fn only_raw_public_keys(&self) -> bool {
        self.resolver.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.resolver.has_certs()
    }
}

/// Whether TLS failed because the certificate is not trusted, rather than because there is no TLS.
fn is_distrust(cause: &std::io::Error) -> bool {
    let failure = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(failure, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}

/// Connects; a failure names the host as it was given.
async fn connect_to(address: SocketAddr, host: &str) -> Result<TcpStream, LinkError> {
    let unreachable = |cause| {
        let is_v6 = host.contains(':') && !host.starts_with('[');
        let host = if is_v6 { format!("[{host}]") } else { host.to_owned() };
        LinkError::Connect { address: format!("{host}:{}", address.port()), cause }
    };
    let connected = timeout(CONNECT_LIMIT, TcpStream::connect(address)).await;
    let stream = match connected {
        Ok(stream) => stream.map_err(unreachable)?,
        Err(_) => return Err(LinkError::Timeout { doing: "the connection", limit: CONNECT_LIMIT }),
    };
    // Orders are small messages that must not wait for others.
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(stream)
}

/// A step that ends within the limit of handshakes.
pub(crate) async fn limited<T>(
    doing: &'static str,
    step: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, LinkError> {
    timeout(HANDSHAKE_LIMIT, step).await.unwrap_or(Err(LinkError::Timeout { doing, limit: HANDSHAKE_LIMIT }))
}
