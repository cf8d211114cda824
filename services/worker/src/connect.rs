//! The connect calls: from parameters to a session that is up.

use std::sync::Arc;
use std::time::Duration;

use bus::End;
use calls::connection::{
    Connect, ConnectByToken, ConnectCert, ConnectEx, ConnectProxy, ConnectProxyEx, Login, Proxy,
};
use calls::params::Param;
use calls::reply::Text;
use calls::values::ProxyType;
use calls::{Handle, Secret, Upload};
use error::{Code, Error, plus_hint};
use link::{Credentials, Endpoint, Identity, LinkError, ProxyKind};
use registry::{Fence, Opened, Record, Routed, SessionState, Written};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use wire::records::Account;
use wire::{Empty, requests};

use crate::backend::Caller;
use crate::calls_of::INVESTOR;
use crate::governor::Login as GovernedLogin;
use crate::login_data::LoginData;
use crate::session::state::State;
use crate::session::{AccountKey, Beginning, Memo, Phase, Rank, Session, Target, moved, unreachable};
use crate::worker::{LOGIN_DATA_KEPT, Worker};

/// Time for a login when the caller names none.
const DEFAULT_LIMIT_S: u32 = 60;
/// More than this makes no sense: callers and proxies have given up.
const MOST_LIMIT_S: u32 = 300;
/// A session that is about to begin is looked for so many times, with these pauses.
const FINDS_MAX: usize = 20;
const FIND_EVERY: Duration = Duration::from_millis(50);
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
        if let Some(session) = self.find(token).await? {
            session.restore(deadline).await?;
            return Ok(Text::new(token.to_owned()));
        }
        let account = match self.kept(token).await? {
            Some(record) if !record.sealed.is_empty() => record.account,
            _ => return Err(Error::invalid_token(token)),
        };
        let _turn = self.worker.turn(&account, deadline).await?;
        // Somebody else may have brought it back meanwhile, or forgotten it.
        if let Some(session) = self.find(token).await? {
            session.restore(deadline).await?;
            return Ok(Text::new(token.to_owned()));
        }
        let record = self.kept(token).await?.ok_or_else(|| Error::invalid_token(token))?;
        let mut data = LoginData::open(&self.worker.shared.ring, token, &record.sealed)?;
        data.target.member_limit = limit(Some(call.member_timeout_s));
        if let Some(otp) = &call.otp {
            otp.expose().clone_into(&mut data.target.credentials.otp);
            data.target.credentials.earlier = None;
        }
        self.begin(token, data, true, deadline).await
    }
}

impl Caller<'_> {
    /// The Web Terminal that a caller names by host and port: as the directory knows it, if it does.
    pub(crate) fn endpoint_at(&self, host: &str, port: u16) -> Result<Endpoint, Error> {
        endpoint(host, port).map(|given| self.worker.shared.directory.known_as(given))
    }

    /// A login at a given address.
    fn plan_at(&self, login: Login, host: &str, port: u16, limit_s: Option<u32>) -> Result<Plan, Error> {
        let endpoint = self.endpoint_at(host, port)?;
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
    async fn connect(&self, plan: Plan) -> Result<Text, Error> {
        let hint = plus_hint("The password", plan.login.password.expose());
        self.session_of(plan).await.map_err(|refused| match hint {
            Some(hint) if refused.code() == Code::InvalidAccount => refused.adding(" ").adding(&hint),
            _ => refused,
        })
    }

    /// The live session of the account if there is one and the password is right, else a new one. An `id` chooses the
    /// token; it never takes over another account's.
    async fn session_of(&self, plan: Plan) -> Result<Text, Error> {
        let deadline = self.deadline.min(Instant::now() + plan.limit);
        let id = plan.login.id.as_deref().map(checked_token).transpose()?;
        let account = AccountKey { server: plan.server.clone(), login: plan.login.user };
        let _turn = self.worker.turn(&account.name(), deadline).await?;
        self.gather(&account).await?;
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
            self.worker.close(over.token(), false).await?;
        }
        let token = id.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
        let data = LoginData {
            account,
            target,
            error_status: plan.login.error_reply_status_code,
            is_token_chosen: id.is_some(),
            is_investor: false,
        };
        self.begin(&token, data, false, deadline).await
    }

    /// A new session, or one that comes back (`was_kept`) and whose login data stay if that fails.
    async fn begin(
        &self,
        token: &str,
        data: LoginData,
        was_kept: bool,
        deadline: Instant,
    ) -> Result<Text, Error> {
        let shared = &self.worker.shared;
        // Before the login: a token that is taken, or a full worker, must not cost one.
        self.worker.check_room()?;
        let sealed = data.seal(&shared.ring, token)?;
        let owner = shared.lease.worker();
        let fence = match shared.registry.open(token, &data.account.name(), &owner, &sealed).await {
            Ok(Opened::Yes(fence)) => fence,
            Err(failure) => {
                self.forget_opening(token);
                return Err(unreachable(&failure));
            }
            Ok(Opened::Taken) => {
                let taken = "This id belongs to another session. Choose another one, or leave it out.";
                return Err(Error::new(Code::DuplicateAttempt, taken));
            }
        };
        let beginning = Beginning { token, data, rank: Rank::Owner, fence, legacy: None };
        let session = Session::start(shared, &self.worker.tasks, beginning);
        match self.bring_up(&session, fence, deadline).await {
            Ok(()) => {
                self.worker.add(&session);
                Ok(Text::new(token.to_owned()))
            }
            Err(error) => {
                session.standing().set_rank(Rank::Gone);
                session.end(End::Closed);
                let keep = was_kept.then_some(LOGIN_DATA_KEPT);
                if let Err(failure) = shared.registry.end(token, fence, keep).await {
                    tracing::warn!(%failure, "a session that did not come up stays in the registry for a while");
                }
                Err(error)
            }
        }
    }

    /// The registry may have made a session whose answer was lost: it must not keep its token from being used.
    fn forget_opening(&self, token: &str) {
        let (shared, token) = (Arc::clone(&self.worker.shared), token.to_owned());
        self.worker.shared.tasks.spawn(async move {
            let Ok(Some(record)) = shared.registry.record(&token).await else { return };
            if record.state == SessionState::Opening && record.owner == shared.lease.worker() {
                // If it fails again, the token is free when this worker has gone.
                let _ = shared.registry.end(&token, record.fence, None).await;
            }
        });
    }

    async fn bring_up(&self, session: &Session, fence: Fence, deadline: Instant) -> Result<(), Error> {
        session.settled(deadline).await?;
        let look = |state: &mut State| (has_investor_rights(&state.account), Memo::of(state, None, None));
        let (is_investor, memo) = session.visit(deadline, look).await?;
        session.set_investor(is_investor);
        let registry = &self.worker.shared.registry;
        match registry.opened(session.token(), fence, &memo.to_bytes()).await {
            Ok(Written::Yes) => Ok(()),
            Ok(Written::Stale) => Err(moved()),
            Err(failure) => Err(unreachable(&failure)),
        }
    }

    /// The session of a token if it lives: here, or the call goes to where it is.
    async fn find(&self, token: &str) -> Result<Option<Session>, Error> {
        let registry = &self.worker.shared.registry;
        for _ in 0..FINDS_MAX {
            if let Ok(session) = self.worker.session(token) {
                return Ok(Some(session));
            }
            match registry.route(token).await.map_err(|failure| unreachable(&failure))? {
                Routed::Nowhere => return Ok(None),
                Routed::At { worker, address, .. } if worker != self.worker.shared.lease.worker() => {
                    return Err(self.go_to(address));
                }
                // Here, and not among the sessions: another call is about to make it or to bring it up.
                Routed::At { .. } => sleep(FIND_EVERY).await,
                // Another worker may be faster.
                Routed::Orphan { owner } => self.worker.take_over(token, &owner).await?,
            }
        }
        let own = self.worker.shared.lease.worker();
        match self.kept(token).await? {
            // It should run here and does not: the answer that it is this worker's was lost.
            Some(record) if record.state == SessionState::Live && record.owner == own => {
                self.worker.take_over(token, &own).await?;
                Ok(self.worker.session(token).ok())
            }
            // Nobody has been told a token that is not up yet.
            _ => Ok(None),
        }
    }

    async fn kept(&self, token: &str) -> Result<Option<Record>, Error> {
        self.worker.shared.registry.record(token).await.map_err(|failure| unreachable(&failure))
    }

    /// Has all sessions of an account here, or sends the call to where one of them is.
    async fn gather(&self, account: &AccountKey) -> Result<(), Error> {
        let tokens = self.worker.shared.registry.tokens_of(&account.name()).await;
        for token in tokens.map_err(|failure| unreachable(&failure))? {
            self.find(&token).await?;
        }
        Ok(())
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
        let Some(account) = live.first().map(Session::account) else { return Ok(None) };
        let proof = prove(self.worker, account, target);
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
async fn prove(worker: &Worker, account: &AccountKey, target: &Target) -> Result<bool, Error> {
    let mut failure = Error::timeout("The login");
    let login = GovernedLogin::admitted(&worker.shared, account, &target.credentials).await?;
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
        let outcome = timeout(target.member_limit, attempt).await.unwrap_or(Err(late));
        match outcome {
            // As with a session of its own: what no address would take ends the search.
            Err(cause) if !cause.is_verdict() => failure = cause.into(),
            proved => {
                login.ended(&proved).await;
                return proved.map_err(Error::from);
            }
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
        credentials.check()?;
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
