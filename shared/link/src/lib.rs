//! The link to an MT5 server: the client side of the Web Terminal protocol over real sockets.
//!
//! [`Dialer::dial`] opens a socket (plain or TLS, direct or by way of a proxy), exchanges the session key and gives
//! a [`Link`]. [`Link::login`] logs in. From then on the owner submits requests and takes what comes with
//! [`Link::next`], which also keeps the connection alive. A link never reconnects by itself: its owner does, and
//! decides from [`LinkError::retry`] whether to.
//!
//! Servers that ask for a client certificate get the [`Identity`] of the dialer ([`Dialer::with_identity`]).
//!
//! This crate knows nothing of orders, quotes or REST.

mod client;
mod connection;
mod dial;
mod egress;
mod endpoint;
mod failure;
mod identity;
mod login;
mod page;
mod proxy;
mod reach;
mod tls;

pub use client::{Incoming, Link, Permit, RequestId};
pub use dial::Dialer;
pub use egress::Egress;
pub use endpoint::{Endpoint, EndpointError, Scheme};
pub use failure::{LinkError, RetryAdvice};
pub use identity::{Identity, IdentityError};
pub use ipnet::IpNet;
pub use login::{Credentials, Visit};
pub use proxy::{Proxy, ProxyKind};
pub use tls::{TlsError, client_config};
