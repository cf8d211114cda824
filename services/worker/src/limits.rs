//! What the limits of a caller's key leave out: refused with an error that names the limit.
//!
//! A session is looked at whenever a caller names it, since it may have been made with another key of the tenant.

use access::Lots;
use error::{Code, Error};
use link::Endpoint;
use wire::records::TradeRequest;

use crate::backend::Caller;
use crate::login_data::LoginData;
use crate::session::{Intent, Session};
use crate::worker::Worker;

impl Worker {
    /// The session that a caller knows by this id.
    ///
    /// # Errors
    /// [`Error::invalid_token`] if it is none of its tenant's, and those of [`admit`](Self::admit).
    pub(crate) fn known_to(&self, by: &access::Caller, id: &str) -> Result<Session, Error> {
        let session = self.session(&by.tenant.token(id))?;
        self.admit(by, &session)?;
        Ok(session)
    }

    /// Whether the caller's key is for the account and the broker of a session.
    ///
    /// # Errors
    /// `NOT_PERMISSION` if it is not.
    pub(crate) fn admit(&self, by: &access::Caller, session: &Session) -> Result<(), Error> {
        if !by.limits.are_of_sessions() {
            return Ok(());
        }
        self.admit_account(by, session.account().login)?;
        self.admit_broker(by, session.endpoints(), session.detour().as_deref())?;
        if !by.limits.demo_only {
            return Ok(());
        }
        match session.is_demo() {
            Some(true) => Ok(()),
            Some(false) => Err(left_out("demo accounts, and the server says that this is none", "demoOnly")),
            None => Err(left_out(
                "demo accounts, and the server has not said yet whether this is one: try again soon",
                "demoOnly",
            )),
        }
    }

    fn admit_account(&self, by: &access::Caller, login: u64) -> Result<(), Error> {
        let accounts = &by.limits.accounts;
        if accounts.is_empty() || accounts.contains(&login) {
            return Ok(());
        }
        Err(left_out("certain accounts, and this is none of them", "accounts"))
    }

    /// Every address must be of a broker that is named, and nothing but the broker may stand at it.
    fn admit_broker(
        &self,
        by: &access::Caller,
        endpoints: &[Endpoint],
        detour: Option<&str>,
    ) -> Result<(), Error> {
        let brokers = &by.limits.brokers;
        if brokers.is_empty() {
            return Ok(());
        }
        if detour.is_some() {
            return Err(left_out(
                "certain brokers, and without TLS nothing proves that this proxy leads to one of them",
                "brokers",
            ));
        }
        let is_named = |name: &str| brokers.iter().any(|broker| broker.eq_ignore_ascii_case(name));
        let directory = &self.shared.directory;
        let is_theirs = |endpoint: &Endpoint| {
            is_named(&endpoint.host)
                || directory.server_at(endpoint).is_some_and(|server| is_named(&server.name))
        };
        if !endpoints.is_empty() && endpoints.iter().all(is_theirs) {
            return Ok(());
        }
        Err(left_out("certain brokers, and this is none of them", "brokers"))
    }
}

impl Caller<'_> {
    /// See [`Worker::admit`].
    pub(crate) fn admit(&self, session: &Session) -> Result<(), Error> {
        self.worker.admit(&self.by, session)
    }

    /// Whether the caller's key is for the account and the broker of a login, as far as they are known before it.
    ///
    /// # Errors
    /// `NOT_PERMISSION` if it is not.
    pub(crate) fn admit_login(&self, data: &LoginData) -> Result<(), Error> {
        self.worker.admit_account(&self.by, data.account.login)?;
        self.worker.admit_broker(&self.by, &data.target.endpoints, data.target.detour().as_deref())
    }

    /// Whether the caller's key is for the broker of an address.
    ///
    /// # Errors
    /// `NOT_PERMISSION` if it is not.
    pub(crate) fn admit_endpoint(&self, endpoint: &Endpoint) -> Result<(), Error> {
        self.worker.admit_broker(&self.by, std::slice::from_ref(endpoint), None)
    }

    /// What stands for the limits where calls of equal callers are told: those of others may end differently.
    ///
    /// # Errors
    /// An internal error if they have no form.
    pub(crate) fn limits_print(&self) -> Result<String, Error> {
        serde_json::to_string(&self.by.limits).map_err(Error::internal)
    }

    /// With what a request is refused that would do more than reduce what the account holds: by the caller's key, or since the trial
    /// or the licence is over. `None`: it may.
    pub(crate) async fn reduce_only(&self) -> Option<Error> {
        let told = "what reduces positions: closing, deleting pending orders, and stops that come nearer";
        if self.by.limits.reduce_only {
            return Some(left_out(told, "reduceOnly"));
        }
        self.worker.shared.licensing.terms().await.reduce_only()
    }

    /// Whether the order is small enough. What closes is: a large position must not be trapped.
    ///
    /// # Errors
    /// `NOT_PERMISSION` if it is not.
    pub(crate) fn admit_volume(&self, request: &TradeRequest, intent: Intent) -> Result<(), Error> {
        let Some(most) = self.by.limits.volume_max else { return Ok(()) };
        if !matches!(intent, Intent::Open | Intent::Place) || request.trade_volume <= most.units() {
            return Ok(());
        }
        let (most, asked) = (most.to_string(), Lots::from_units(request.trade_volume));
        Err(left_out(&format!("orders of {most} lots at most, and this one has {asked}"), "volumeMax"))
    }
}

/// The error of what a limit leaves out.
fn left_out(what: &str, limit: &str) -> Error {
    Error::new(Code::NotPermission, format!("The key of this call is for {what} (its limit {limit})."))
}
