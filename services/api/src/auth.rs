//! Who makes a request: found out once, where it comes in. What follows from it is decided by whoever answers, from the
//! caller that travels with the call.

mod credentials;
mod grant;
mod jwt;
mod keys;

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use access::{ApiKey, Caller, JwtError, Limits, Scopes, StreamTicket, Tenant};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::response::Response;
use calls::Scope;
use error::{Code, Error};
use registry::ApiKeys;

pub(crate) use self::credentials::{API_KEY, Credential, bearer};
pub(crate) use self::grant::{Grant, Over};
use self::jwt::JwtFile;
pub use self::jwt::{JwtSettings, check_jwt};
use self::keys::{KeyCache, Networks};
use crate::accept::Accept;
use crate::rates::TooOften;
use crate::reply::{self, ERROR_STATUS};

/// How often the file of the keys of tokens is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How a client learns what it should have shown.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"mt5rest\"");

/// Who has shown nothing, and may call what is for anyone.
static NOBODY: LazyLock<Arc<Caller>> = LazyLock::new(|| nobody_with(Scopes::NONE));

/// Lets requests in.
#[derive(Debug)]
pub(crate) struct Gate(Option<Guarded>);

/// What is asked for.
#[derive(Debug)]
struct Guarded {
    keys: Arc<KeyCache>,
    /// Whose tokens are as good as keys, if anybody's.
    tokens: Option<Arc<JwtFile>>,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// What it shows is not good here, or it shows nothing. Which, is not told to strangers.
    Unauthorized,
    /// Nobody can tell at the moment.
    Unavailable,
    /// Who shows it may not so often.
    TooOften(TooOften),
}

impl Refused {
    /// As it is told.
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Unauthorized => Error::new(
                Code::InvalidApiKey,
                "This needs a valid API key: show it as header 'Authorization: Bearer KEY' or 'ApiKey: KEY'.",
            ),
            Self::TooOften(too_often) => too_often.error(),
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
        match self {
            Self::TooOften(too_often) => too_often.with_headers(response),
            Self::Unauthorized | Self::Unavailable => response,
        }
    }
}

impl Gate {
    /// Everybody is let in.
    pub(crate) const fn open() -> Self {
        Self(None)
    }

    /// Who shows a key of these is let in, or a token of this provider.
    ///
    /// # Errors
    /// When the keys of the provider cannot be used.
    pub(crate) fn guarded(keys: Arc<dyn ApiKeys>, tokens: Option<JwtSettings>) -> Result<Self, JwtError> {
        let tokens = tokens.map(JwtFile::open).transpose()?.map(Arc::new);
        Ok(Self(Some(Guarded { keys: Arc::new(KeyCache::new(keys)), tokens })))
    }

    /// Whether the text of a bearer lets somebody in, and so is no session's token.
    pub(crate) fn is_credential(&self, text: &str) -> bool {
        ApiKey::is_meant(text) || (self.takes_tokens() && credentials::is_token(text))
    }

    /// Whether tokens are as good as keys.
    pub(crate) fn takes_tokens(&self) -> bool {
        self.0.as_ref().is_some_and(|guarded| guarded.tokens.is_some())
    }

    /// Keeps what is known of keys up to date until `stop`.
    pub(crate) fn work<S: Future<Output = ()>>(&self, stop: S) -> Option<impl Future<Output = ()> + use<S>> {
        let Guarded { keys, tokens } = self.0.as_ref()?;
        let (keys, tokens) = (Arc::clone(keys), tokens.clone());
        Some(async move {
            let reading = async {
                let Some(tokens) = tokens else { return std::future::pending().await };
                loop {
                    tokio::time::sleep(LOOK_EVERY).await;
                    let tokens = Arc::clone(&tokens);
                    // It fails when the process ends.
                    let _ = tokio::task::spawn_blocking(move || tokens.refresh()).await;
                }
            };
            tokio::select! {
                () = keys.keep_up(stop) => {}
                () = reading => {}
            }
        })
    }

    /// Whether keys are asked for.
    pub(crate) const fn is_guarded(&self) -> bool {
        self.0.is_some()
    }

    /// Lets in who shows what is good, from where it comes; everybody, if no keys are asked for.
    pub(crate) async fn admit(&self, shown: Credential, from: Option<IpAddr>) -> Result<Grant, Refused> {
        let Some(Guarded { keys, tokens }) = &self.0 else { return Ok(Grant::of(Caller::local())) };
        match shown {
            Credential::Key(key) => keys.admit(key, from).await,
            Credential::Ticket(ticket) => keys.redeem(&ticket, from).await,
            Credential::Token(token) => {
                let tokens = tokens.as_ref().ok_or(Refused::Unauthorized)?;
                let shown = tokens.check(token.expose()).map_err(|why| {
                    tracing::debug!(%why, "a token was refused");
                    Refused::Unauthorized
                })?;
                if !Networks::of(&shown.caller.limits).have(from) {
                    return Err(Refused::Unauthorized);
                }
                Ok(Grant::by_token(Arc::new(shown.caller), shown.until_ms))
            }
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
        if let Some(Guarded { keys, .. }) = &self.0 {
            keys.keep_ticket(&ticket, grant).await?;
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
