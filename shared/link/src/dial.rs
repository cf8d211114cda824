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

use crate::connection::{Socket, bootstrap, socket_config};
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
        Self(Reach { tls: Arc::new(tls), ..self.0 })
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
        let schemes: &[Scheme] = match endpoint.scheme {
            // Of the schemes that nobody named, only this one carries a certificate.
            None if self.0.has_identity() => &[Scheme::Wss],
            _ => endpoint.schemes(),
        };
        let (last, first) = match schemes {
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
        token: [u8; 64],
    ) -> Result<Link, LinkError> {
        let opened = self.0.open(endpoint, scheme, proxy).await?;
        let mut socket = limited("the WebSocket handshake", upgrade(opened, endpoint, scheme)).await?;
        let (cipher, token) = bootstrap(&mut socket, token, &endpoint.url(scheme)).await?;
        Ok(Link::new(socket, cipher, token))
    }
}

async fn upgrade(opened: Opened, endpoint: &Endpoint, scheme: Scheme) -> Result<Socket, LinkError> {
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
