//! Who makes a request: found out once, where it comes in. What follows from it is decided by whoever answers, from the
//! caller that travels with the call.

mod credentials;
mod grant;
mod keys;

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use access::{Caller, Limits, Scopes, StreamTicket, Tenant};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::response::Response;
use calls::Scope;
use error::{Code, Error};
use registry::ApiKeys;

pub(crate) use self::credentials::{API_KEY, Credential, bearer};
pub(crate) use self::grant::{Grant, Over};
use self::keys::KeyCache;
use crate::accept::Accept;
use crate::reply::{self, ERROR_STATUS};

/// How a client learns what it should have shown.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"mt5rest\"");

/// Who has shown nothing, and may call what is for anyone.
static NOBODY: LazyLock<Arc<Caller>> = LazyLock::new(|| nobody_with(Scopes::NONE));

/// Lets requests in.
#[derive(Debug)]
pub(crate) struct Gate(Option<Arc<KeyCache>>);

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// What it shows is not good here, or it shows nothing. Which, is not told to strangers.
    Unauthorized,
    /// Nobody can tell at the moment.
    Unavailable,
}

impl Refused {
    /// As it is told.
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Unauthorized => Error::new(
                Code::InvalidApiKey,
                "This needs a valid API key: show it as header 'Authorization: Bearer KEY' or 'ApiKey: KEY'.",
            ),
            Self::Unavailable => {
                Error::busy("API keys cannot be looked up at the moment: send this again in a moment.")
            }
        }
    }

    /// The response to a client, in its error mode.
    pub(crate) fn response(self, accept: Accept, wanted: Option<StatusCode>, error: &Error) -> Response {
        let mut response = reply::failure(wanted.unwrap_or(ERROR_STATUS), accept, error);
        if response.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
        }
        response
    }
}

impl Gate {
    /// Everybody is let in.
    pub(crate) const fn open() -> Self {
        Self(None)
    }

    /// Who shows a key of these is let in.
    pub(crate) fn guarded(keys: Arc<dyn ApiKeys>) -> Self {
        Self(Some(Arc::new(KeyCache::new(keys))))
    }

    /// Keeps what is known of keys up to date until `stop`.
    pub(crate) fn work<S: Future<Output = ()>>(&self, stop: S) -> Option<impl Future<Output = ()> + use<S>> {
        let cache = Arc::clone(self.0.as_ref()?);
        Some(async move { cache.keep_up(stop).await })
    }

    /// Whether keys are asked for.
    pub(crate) const fn is_guarded(&self) -> bool {
        self.0.is_some()
    }

    /// Lets in who shows what is good, from where it comes; everybody, if no keys are asked for.
    pub(crate) async fn admit(&self, shown: Credential, from: Option<IpAddr>) -> Result<Grant, Refused> {
        let Some(cache) = &self.0 else { return Ok(Grant::of(Caller::local())) };
        match shown {
            Credential::Key(key) => cache.admit(key, from).await,
            Credential::Ticket(ticket) => cache.redeem(&ticket, from).await,
            Credential::Garbage => Err(Refused::Unauthorized),
        }
    }

    /// Lets in who shows nothing: to what is for anyone, and to calls that ask for the administrator's key by themselves.
    pub(crate) fn admit_nobody(&self, scope: Scope, names_admin_key: bool) -> Result<Grant, Refused> {
        match self.0 {
            None => Ok(Grant::of(Caller::local())),
            Some(_) if scope == Scope::Anyone => Ok(Grant::of(Arc::clone(&NOBODY))),
            Some(_) if names_admin_key => Ok(Grant::of(nobody_with(Scopes::NONE.with(scope)))),
            Some(_) => Err(Refused::Unauthorized),
        }
    }

    /// A ticket that lets a socket in instead of what this grant was given for.
    pub(crate) async fn ticket(&self, grant: &Grant) -> Result<StreamTicket, Error> {
        let ticket = StreamTicket::generate();
        if let Some(cache) = &self.0 {
            cache.keep_ticket(&ticket, grant).await?;
        }
        Ok(ticket)
    }
}

fn nobody_with(scopes: Scopes) -> Arc<Caller> {
    let (tenant, limits) = (Tenant::default(), Limits::default());
    Arc::new(Caller { tenant, key: None, scopes, limits, is_operator: false })
}

#[cfg(test)]
mod tests;
