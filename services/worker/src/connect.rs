//! The connect calls: from parameters to a session that is up.

use std::time::Duration;

use bus::End;
use calls::connection::{
    Connect, ConnectByToken, ConnectCert, ConnectEx, ConnectProxy, ConnectProxyEx, Login, Proxy,
};
use calls::params::Param;
use calls::reply::Text;
use calls::values::ProxyType;
use calls::{Handle, Secret, Upload};
use error::{Code, Error};
use link::{Credentials, Endpoint, Identity, LinkError, ProxyKind};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};
use wire::records::Account;
use wire::{Empty, requests};

use crate::backend::Caller;
use crate::calls_of::INVESTOR;
use crate::session::{AccountKey, Phase, Session, Target};
use crate::worker::Worker;

/// Time for a login when the caller names none.
const DEFAULT_LIMIT_S: u32 = 60;
/// More than this makes no sense: callers and proxies have given up.
const MOST_LIMIT_S: u32 = 300;
/// Longest token that a caller may choose.
const TOKEN_CHARS_MAX: usize = 128;

/// A connect call in any of its forms.
struct Plan {
    login: Login,
    /// Names the server among the accounts of this worker.
    server: String,
    endpoints: Vec<Endpoint>,
    proxy: Option<link::Proxy>,
    identity: Option<Identity>,
    limit: Duration,
    member_limit: Duration,
}

impl Handle<Connect> for Caller<'_> {
    async fn handle(&self, call: Connect) -> Result<Text, Error> {
        let plan = self.plan_at(call.login, &call.host, call.port, call.connect_timeout_s)?;
        self.connect(plan).await
    }
}

impl Handle<ConnectProxy> for Caller<'_> {
    async fn handle(&self, call: ConnectProxy) -> Result<Text, Error> {
        let plan = self.plan_at(call.login, &call.host, call.port, call.connect_timeout_s)?;
        self.connect(Plan { proxy: proxy(call.proxy), ..plan }).await
    }
}

impl Handle<ConnectCert> for Caller<'_> {
    async fn handle(&self, call: ConnectCert) -> Result<Text, Error> {
        let plan = self.plan_at(call.login, &call.host, call.port, call.connect_timeout_s)?;
        let file = call.pfx_file.ok_or_else(|| Error::missing_param("pfxFile", Upload::ACCEPTS))?;
        let password = call.pfx_file_password.unwrap_or_else(|| Secret::new(""));
        // Opening the file is work by design: its password is hashed many thousand times.
        let opening = spawn_blocking(move || Identity::from_pkcs12(file.bytes(), password.expose()));
        let identity = opening.await.map_err(Error::internal)??;
        self.connect(Plan { identity: Some(identity), ..plan }).await
    }
}

impl Handle<ConnectEx> for Caller<'_> {
    async fn handle(&self, call: ConnectEx) -> Result<Text, Error> {
        let mut plan =
            self.plan_for(call.login, &call.server, call.connect_timeout_s, call.member_timeout_s)?;
        if call.nearest_by_ping && plan.endpoints.len() > 1 {
            plan.endpoints = self.worker.shared.dialer.by_distance(plan.endpoints).await;
        }
        self.connect(plan).await
    }
}

impl Handle<ConnectProxyEx> for Caller<'_> {
    async fn handle(&self, call: ConnectProxyEx) -> Result<Text, Error> {
        let plan = self.plan_for(call.login, &call.server, call.connect_timeout_s, call.member_timeout_s)?;
        self.connect(Plan { proxy: proxy(call.proxy), ..plan }).await
    }
}

impl Handle<ConnectByToken> for Caller<'_> {
    /// Whoever knows the token of a session may bring it back: it grants no less than the session did.
    async fn handle(&self, call: ConnectByToken) -> Result<Text, Error> {
        let token = call.id.as_str();
        let deadline = self.deadline.min(Instant::now() + limit(Some(call.connect_timeout_s)));
        if let Ok(session) = self.worker.session(token) {
            session.restore(deadline).await?;
            return Ok(Text::new(token.to_owned()));
        }
        let kept = self.worker.remembered().of(token).ok_or_else(|| Error::invalid_token(token))?;
        let turn = self.worker.connecting(&kept.account);
        let late = |_| Error::timeout("Another login of this account");
        let _turn = timeout_at(deadline, turn.lock()).await.map_err(late)?;
        let mut target = Target { member_limit: limit(Some(call.member_timeout_s)), ..kept.target };
        if let Some(otp) = &call.otp {
            otp.expose().clone_into(&mut target.credentials.otp);
        }
        match self.worker.session(token) {
            // Somebody else has brought it back meanwhile.
            Ok(session) => session.restore(deadline).await.map(|()| Text::new(token.to_owned())),
            Err(_) => {
                self.begin((token, kept.is_token_chosen), kept.account, target, kept.error_status, deadline)
                    .await
            }
        }
    }
}

impl Caller<'_> {
    /// A login at a given address.
    fn plan_at(&self, login: Login, host: &str, port: u16, limit_s: Option<u32>) -> Result<Plan, Error> {
        let endpoint = endpoint(host, port)?;
        let limit = limit(limit_s);
        let server = self.worker.shared.directory.canonical(&endpoint);
        let endpoints = vec![endpoint];
        Ok(Plan { login, server, endpoints, proxy: None, identity: None, limit, member_limit: limit })
    }

    /// A login at a server of the directory.
    fn plan_for(&self, login: Login, server: &str, limit_s: u32, member_limit_s: u32) -> Result<Plan, Error> {
        let endpoints = self.worker.shared.directory.find(server)?.endpoints;
        let canonical = |first| self.worker.shared.directory.canonical(first);
        Ok(Plan {
            login,
            server: endpoints.first().map(canonical).unwrap_or_default(),
            endpoints,
            proxy: None,
            identity: None,
            limit: limit(Some(limit_s)),
            member_limit: limit(Some(member_limit_s)),
        })
    }
}

impl Caller<'_> {
    /// The live session of the account if there is one and the password is right, else a new one. An `id` chooses the
    /// token; it never takes over another account's.
    async fn connect(&self, plan: Plan) -> Result<Text, Error> {
        let deadline = self.deadline.min(Instant::now() + plan.limit);
        let id = plan.login.id.as_deref().map(checked_token).transpose()?;
        let account = AccountKey { server: plan.server.clone(), login: plan.login.user };
        let turn = self.worker.connecting(&account);
        let late = |_| Error::timeout("Another login of this account");
        let _turn = timeout_at(deadline, turn.lock()).await.map_err(late)?;
        let mut own = self.worker.sessions_of(&account);
        own.retain(|session| id.is_none_or(|id| id == session.token()));
        // Whatever becomes of the call, its parameters must make sense.
        let target = plan.target(self.worker)?;
        let (ended, live): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|session| matches!(session.phase(), Phase::Ended(_)));
        if let Some(session) = self.admitted(&live, &target, deadline).await? {
            return self.rejoin(&session, &target, deadline).await;
        }
        // They will not come up by themselves, or the chosen token is to be what another password may: a new one takes
        // the place.
        for over in ended.iter().chain(live.iter().filter(|_| id.is_some())) {
            self.worker.remove(over.token(), End::Closed)?;
        }
        let token = id.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
        self.begin((&token, id.is_some()), account, target, plan.login.error_reply_status_code, deadline)
            .await
    }

    async fn begin(
        &self,
        (token, is_chosen): (&str, bool),
        account: AccountKey,
        target: Target,
        status: Option<u16>,
        deadline: Instant,
    ) -> Result<Text, Error> {
        // Before the login: a token that is taken, or a full worker, must not cost one.
        self.worker.check_room(token)?;
        let token_of = (token, is_chosen);
        let session =
            Session::start(&self.worker.shared, &self.worker.tasks, token_of, account, target, status);
        let up = async {
            session.settled(deadline).await?;
            session.set_investor(session.visit(deadline, |state| has_investor_rights(&state.account)).await?);
            self.worker.add(&session)
        };
        match up.await {
            Ok(()) => {
                self.worker.remembered().forget(token);
                Ok(Text::new(token.to_owned()))
            }
            Err(error) => {
                session.end(End::Closed);
                Err(error)
            }
        }
    }

    /// Which of the live sessions of an account a password leads to: it is compared with theirs, or else proved by a
    /// login. `None` if it may not what any of them may: who can only look must not get a session that trades.
    async fn admitted(
        &self,
        live: &[Session],
        target: &Target,
        deadline: Instant,
    ) -> Result<Option<Session>, Error> {
        let password = target.credentials.password.as_str();
        let known = live.iter().find(|session| session.has_password(password));
        if known.is_some() || live.is_empty() {
            return Ok(known.cloned());
        }
        let proof = prove(self.worker, target);
        let is_investor =
            timeout_at(deadline, proof).await.unwrap_or_else(|_| Err(Error::timeout("The login")))?;
        let equal = live.iter().find(|session| session.is_investor() == is_investor);
        if let Some(session) = equal {
            session.set_password(password).await;
        }
        Ok(equal.cloned())
    }

    /// A second connect of an account.
    async fn rejoin(&self, session: &Session, target: &Target, deadline: Instant) -> Result<Text, Error> {
        session.restore(deadline).await?;
        if target.wants_history {
            session.visit(deadline, |state| state.past.want()).await?;
        }
        Ok(Text::new(session.token().to_owned()))
    }
}

/// Logs in and out again. Answers whether the password is the one that only looks.
async fn prove(worker: &Worker, target: &Target) -> Result<bool, Error> {
    let mut failure = Error::timeout("The login");
    for endpoint in &target.endpoints {
        let attempt = async {
            let dialer = target.dialer(&worker.shared.dialer);
            let mut link = dialer.dial(endpoint, target.proxy.as_ref(), [0; 64]).await?;
            let credentials = Credentials { page: endpoint.host.clone(), ..target.credentials.clone() };
            link.login(&credentials).await?;
            let account = link.request::<requests::Account>("loading the account", &Empty).await?;
            link.close(Duration::from_secs(1)).await;
            Ok::<bool, LinkError>(has_investor_rights(&account))
        };
        let late = LinkError::Timeout { doing: "the login", limit: target.member_limit };
        match timeout(target.member_limit, attempt).await.unwrap_or(Err(late)) {
            Ok(is_investor) => return Ok(is_investor),
            // As with a session of its own: what no address would take ends the search.
            Err(cause) if cause.is_verdict() => return Err(cause.into()),
            Err(cause) => failure = cause.into(),
        }
    }
    Err(failure)
}

fn has_investor_rights(account: &Account) -> bool {
    account.main.rights & INVESTOR != 0
}

impl Plan {
    fn target(&self, worker: &Worker) -> Result<Target, Error> {
        let client_id = match self.login.hardware_id.as_deref() {
            None => worker.shared.client_id,
            Some(text) => {
                let mut id = [0; 16];
                hex::decode_to_slice(text.trim(), &mut id)
                    .map_err(|_| Error::invalid_param("hardwareId", text, "32 hex digits"))?;
                id
            }
        };
        let credentials = Credentials {
            login: self.login.user,
            password: self.login.password.expose().to_owned(),
            otp: self.login.otp.as_ref().map(|otp| otp.expose().to_owned()).unwrap_or_default(),
            client_id,
            page: String::new(),
            earlier: None,
        };
        Ok(Target {
            endpoints: self.endpoints.clone(),
            member_limit: self.member_limit,
            proxy: self.proxy.clone(),
            identity: self.identity.clone(),
            wants_history: self.login.download_order_history,
            credentials,
            gateway_token: [0; 64],
        })
    }
}

pub(crate) fn endpoint(host: &str, port: u16) -> Result<Endpoint, Error> {
    Endpoint::parse(host, Some(port)).map_err(|cause| Error::new(Code::InvalidParam, format!("{cause}.")))
}

fn limit(seconds: Option<u32>) -> Duration {
    let seconds = seconds.filter(|seconds| *seconds > 0).unwrap_or(DEFAULT_LIMIT_S);
    Duration::from_secs(seconds.min(MOST_LIMIT_S).into())
}

fn proxy(given: Proxy) -> Option<link::Proxy> {
    let kind = match given.kind {
        ProxyType::None => return None,
        ProxyType::Https => ProxyKind::Https,
        ProxyType::Socks4 => ProxyKind::Socks4,
        ProxyType::Socks5 => ProxyKind::Socks5,
    };
    let password = given.password.as_ref().map(Secret::expose).unwrap_or_default().to_owned();
    Some(link::Proxy {
        kind,
        host: given.host,
        port: given.port,
        user: given.user.unwrap_or_default(),
        password,
    })
}

/// A token goes into URLs and headers, and must not look like something else there.
fn checked_token(id: &str) -> Result<&str, Error> {
    let usable = id.len() <= TOKEN_CHARS_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
    if usable { Ok(id) } else { Err(Error::invalid_param("id", id, "up to 128 letters, digits and signs")) }
}
