//! The connect calls: from parameters to a session that is up.

mod joining;
mod once;

use std::time::Duration;

use access::{Tenant, id_of};
use calls::connection::{
    Connect, ConnectByToken, ConnectCert, ConnectEx, ConnectProxy, ConnectProxyEx, Login, Proxy,
};
use calls::params::Param;
use calls::reply::Text;
use calls::values::ProxyType;
use calls::{Handle, Secret, Upload};
use error::{Code, Error, plus_hint};
use link::{Credentials, Endpoint, Identity, ProxyKind};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

pub(crate) use self::once::UnderWay;
use crate::backend::{About, Caller};
use crate::login_data::LoginData;
use crate::session::{AccountKey, Target, detour};
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
    async fn handle(&self, call: Connect, _: About<Connect>) -> Result<Text, Error> {
        let plan = self.plan_at(call.login, &call.host, call.port, call.connect_timeout_s)?;
        self.connect(plan).await
    }
}

impl Handle<ConnectProxy> for Caller<'_> {
    async fn handle(&self, call: ConnectProxy, _: About<ConnectProxy>) -> Result<Text, Error> {
        let plan = self.plan_at(call.login, &call.host, call.port, call.connect_timeout_s)?;
        self.connect(Plan { proxy: proxy(call.proxy), ..plan }).await
    }
}

impl Handle<ConnectCert> for Caller<'_> {
    async fn handle(&self, call: ConnectCert, _: About<ConnectCert>) -> Result<Text, Error> {
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
    async fn handle(&self, call: ConnectEx, _: About<ConnectEx>) -> Result<Text, Error> {
        let mut plan =
            self.plan_for(call.login, &call.server, call.connect_timeout_s, call.member_timeout_s)?;
        if call.nearest_by_ping && plan.endpoints.len() > 1 {
            plan.endpoints = self.worker.shared.dialer.by_distance(plan.endpoints).await;
        }
        self.connect(plan).await
    }
}

impl Handle<ConnectProxyEx> for Caller<'_> {
    async fn handle(&self, call: ConnectProxyEx, _: About<ConnectProxyEx>) -> Result<Text, Error> {
        let plan = self.plan_for(call.login, &call.server, call.connect_timeout_s, call.member_timeout_s)?;
        self.connect(Plan { proxy: proxy(call.proxy), ..plan }).await
    }
}

impl Handle<ConnectByToken> for Caller<'_> {
    /// Whoever knows the token of a session may bring it back: it grants no less than the session did.
    async fn handle(&self, call: ConnectByToken, _: About<ConnectByToken>) -> Result<Text, Error> {
        let id = call.id.as_str();
        let token = &*self.by.tenant.token(id);
        let deadline = self.deadline.min(Instant::now() + limit(Some(call.connect_timeout_s)));
        if let Some(session) = self.find(token).await? {
            self.admit(&session)?;
            session.restore(deadline).await?;
            return Ok(Text::new(id.to_owned()));
        }
        let record = self.kept(token).await?.filter(|record| !record.sealed.is_empty());
        let record = record.ok_or_else(|| Error::invalid_token(id))?;
        let mut data = LoginData::open(&self.worker.shared.ring, token, &record.sealed)?;
        self.admit_login(&data)?;
        data.target.member_limit = limit(Some(call.member_timeout_s));
        if let Some(otp) = &call.otp {
            otp.expose().clone_into(&mut data.target.credentials.otp);
            data.target.credentials.earlier = None;
        }
        let print = data.print(&self.worker.shared.ring, &format!("{token}\n{}", self.limits_print()?))?;
        self.once(print, deadline, self.come_back(token, data, deadline)).await?;
        Ok(Text::new(id.to_owned()))
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
        self.connected(plan).await.map(Text::new).map_err(|refused| match hint {
            Some(hint) if refused.code() == Code::InvalidAccount => refused.adding(" ").adding(&hint),
            _ => refused,
        })
    }

    async fn connected(&self, plan: Plan) -> Result<String, Error> {
        let deadline = self.deadline.min(Instant::now() + plan.limit);
        let id = plan.login.id.as_deref().map(checked_id).transpose()?;
        let data = LoginData {
            account: plan.account(&self.by.tenant),
            // Whatever becomes of the call, its parameters must make sense.
            target: plan.target(self.worker)?,
            error_status: plan.login.error_reply_status_code,
            is_token_chosen: id.is_some(),
            is_investor: false,
            proved_ms: 0,
            is_demo: None,
        };
        self.admit_login(&data)?;
        let all = format!("{}\n{}\n{}", plan.limit.as_secs(), id.unwrap_or_default(), self.limits_print()?);
        let print = data.print(&self.worker.shared.ring, &all)?;
        let token = id.map(|id| self.by.tenant.token(id));
        let token = self.once(print, deadline, self.session_of(token.as_deref(), data, deadline)).await?;
        Ok(id_of(&token).to_owned())
    }
}

impl Plan {
    /// What comes by way of a proxy that could be the server himself is an account of its own.
    fn account(&self, tenant: &Tenant) -> AccountKey {
        let server = match detour(&self.endpoints, self.proxy.as_ref()) {
            Some(proxy) => format!("{} by way of {proxy}", self.server),
            None => self.server.clone(),
        };
        AccountKey { tenant: tenant.clone(), server, login: self.login.user }
    }

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

/// An id goes into URLs and headers, and must not look like something else there.
fn checked_id(id: &str) -> Result<&str, Error> {
    let usable = id.len() <= TOKEN_CHARS_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
    if usable { Ok(id) } else { Err(Error::invalid_param("id", id, "up to 128 letters, digits and signs")) }
}
