//! What concerns many sessions, for their tenant, or all and the process, for its administrator.

use std::collections::HashSet;

use access::{Tenant, id_of};
use calls::connection::{ConnectionStatusAll, DisconnectOrphans};
use calls::reply::{
    ConnectionStatus, LoginState, MemorySnapshot as Memory, MetricAccountData, MetricPodData,
    MetricsApiKeyResult, QuarantinedSession,
};
use calls::service::{
    GetClients, LoginGovernor, MemorySnapshot, MetricsApiKey, QuarantinedSessions, ReleaseSessions,
};
use calls::{Handle, Secret};
use error::{Code, Error};
use sha2::{Digest, Sha256};

use super::connection::status_of;
use crate::backend::{About, Caller};
use crate::session::state::State;
use crate::session::{Phase, Session, unreachable};

impl Handle<ConnectionStatusAll> for Caller<'_> {
    async fn handle(
        &self,
        call: ConnectionStatusAll,
        _: About<ConnectionStatusAll>,
    ) -> Result<Vec<ConnectionStatus>, Error> {
        let listed = self.listed(call.admin_key.as_ref())?;
        let shown =
            |session: &Session| ConnectionStatus { id: self.listed_id(session), ..status_of(session) };
        Ok(listed.iter().map(shown).collect())
    }
}

impl Handle<DisconnectOrphans> for Caller<'_> {
    async fn handle(
        &self,
        call: DisconnectOrphans,
        _: About<DisconnectOrphans>,
    ) -> Result<Vec<String>, Error> {
        let listed = self.listed(call.admin_key.as_ref())?;
        // Almost a token is none, and its session would be dropped.
        let is_word =
            |id: &&String| id.bytes().all(|byte| byte.is_ascii_graphic()) && !id.starts_with(['"', '\'']);
        if let Some(id) = call.ids.values().iter().find(|id| !is_word(id)) {
            return Err(Error::invalid_param(
                "ids",
                id,
                "tokens as Connect answered them, without blanks or quotes",
            ));
        }
        let keep: HashSet<&str> = call.ids.values().iter().map(String::as_str).collect();
        let is_orphan = |session: &Session| !keep.contains(self.listed_id(session).as_str());
        let orphans: Vec<Session> = listed.into_iter().filter(is_orphan).collect();
        for orphan in orphans.iter().filter(|_| !call.dry_run) {
            match self.worker.close(orphan.token(), true).await {
                // It may have ended by itself meanwhile, which is as good.
                Err(failure) if failure.code() != Code::InvalidToken => return Err(failure),
                _ => {}
            }
        }
        Ok(orphans.iter().map(|session| self.listed_id(session)).collect())
    }
}

impl Handle<GetClients> for Caller<'_> {
    async fn handle(&self, call: GetClients, _: About<GetClients>) -> Result<Vec<MetricAccountData>, Error> {
        let listed = self.listed(call.admin_key.as_ref())?;
        Ok(self.accounts_of(&listed).await)
    }
}

impl Handle<MetricsApiKey> for Caller<'_> {
    /// The key that a client of this call names is the one that it is authenticated by. Without keys of tenants there is the
    /// administrator's alone, and all sessions are its.
    async fn handle(
        &self,
        call: MetricsApiKey,
        _: About<MetricsApiKey>,
    ) -> Result<MetricsApiKeyResult, Error> {
        let given = call.api_key.as_ref().filter(|given| self.by.key.is_none() || self.is_admin(Some(given)));
        let listed = self.listed(given)?;
        let accounts = self.accounts_of(&listed).await;
        let count = u32::try_from(accounts.len()).unwrap_or(u32::MAX);
        let name = self.worker.name.clone();
        Ok(MetricsApiKeyResult {
            accounts_count: count,
            pods_count: 1,
            accounts_count_by_pod: std::iter::once((name.clone(), count)).collect(),
            pods: vec![MetricPodData { accounts, id: name, accounts_count: count }],
        })
    }
}

impl Handle<LoginGovernor> for Caller<'_> {
    async fn handle(&self, call: LoginGovernor, _: About<LoginGovernor>) -> Result<Vec<LoginState>, Error> {
        self.check_admin(call.admin_key.as_ref())?;
        let limits = &self.worker.shared.login_limits;
        let states = self.worker.registry().logins(limits).await.map_err(|failure| unreachable(&failure))?;
        let shown = |state: registry::LoginState| LoginState {
            is_barred: state.refusals >= limits.refusals_max,
            name: state.name,
            is_account: state.is_account,
            free: state.free,
            refusals: state.refusals,
        };
        Ok(states.into_iter().map(shown).collect())
    }
}

impl Handle<QuarantinedSessions> for Caller<'_> {
    async fn handle(
        &self,
        call: QuarantinedSessions,
        _: About<QuarantinedSessions>,
    ) -> Result<Vec<QuarantinedSession>, Error> {
        self.check_admin(call.admin_key.as_ref())?;
        let all = self.worker.registry().quarantined().await.map_err(|failure| unreachable(&failure))?;
        let shown = |session: registry::Quarantined| QuarantinedSession {
            id: operators_id(&session.token),
            account: session.account.as_str().to_owned(),
            last_worker: session.owner.to_string(),
            times: session.times,
            seconds_left: u64::try_from(session.left.as_millis().div_ceil(1000)).unwrap_or(u64::MAX),
        };
        Ok(all.into_iter().map(shown).collect())
    }
}

impl Handle<ReleaseSessions> for Caller<'_> {
    async fn handle(&self, call: ReleaseSessions, _: About<ReleaseSessions>) -> Result<Vec<String>, Error> {
        self.check_admin(call.admin_key.as_ref())?;
        let mut released = Vec::new();
        for token in call.ids.values() {
            let mut is_released = false;
            for meant in tokens_meant(token) {
                let release = self.worker.registry().release(&meant).await;
                is_released |= release.map_err(|failure| unreachable(&failure))?;
            }
            if is_released {
                tracing::warn!("the administrator has ended the quarantine of a session");
                released.push(token.clone());
            }
        }
        Ok(released)
    }
}

impl Handle<MemorySnapshot> for Caller<'_> {
    async fn handle(&self, call: MemorySnapshot, _: About<MemorySnapshot>) -> Result<Memory, Error> {
        self.check_admin(call.admin_key.as_ref())?;
        let (resident_bytes, resident_peak_bytes) = resident();
        let (kept_ticks, kept_ticks_bytes) = self.worker.shared.ticks.size();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Memory {
            resident_bytes,
            resident_peak_bytes,
            sessions: count(self.worker.all_sessions().len()),
            symbol_lists: count(self.worker.shared.catalogues.count()),
            kept_ticks,
            kept_ticks_bytes,
        })
    }
}

impl Caller<'_> {
    /// The sessions that a list of sessions shows: all of them to the administrator, to the key of a tenant those that it may
    /// use. Without keys a token is what grants access, so that only the administrator is told any.
    fn listed(&self, given: Option<&Secret>) -> Result<Vec<Session>, Error> {
        if given.is_some() || self.by.is_operator || self.by.key.is_none() {
            self.check_admin(given)?;
            return Ok(self.worker.all_sessions());
        }
        let mut own = self.worker.all_sessions();
        own.retain(|session| self.by.tenant == session.account().tenant && self.admit(session).is_ok());
        Ok(own)
    }

    /// How a session is called in a list: by its id, and for those who see all tenants also by whose it is.
    fn listed_id(&self, session: &Session) -> String {
        if session.account().tenant == self.by.tenant {
            return session.id().to_owned();
        }
        operators_id(session.token())
    }

    /// What a process holds tells of all tenants, so calls about it are the administrator's.
    pub(super) fn check_admin(&self, given: Option<&Secret>) -> Result<(), Error> {
        if self.is_admin(given) {
            return Ok(());
        }
        Err(Error::new(
            Code::NotPermission,
            if self.worker.admin_key.is_none() && self.by.key.is_none() {
                "This installation has no administrator key: start it with --admin-key-file or MT5REST_ADMIN_KEY."
            } else {
                "This call needs the administrator key of the installation."
            },
        ))
    }

    fn is_admin(&self, given: Option<&Secret>) -> bool {
        // Digests are compared so that the time it takes tells nothing of the key.
        let digest = |secret: &Secret| Sha256::digest(secret.expose().as_bytes());
        let knows_key = match (given, &self.worker.admin_key) {
            (Some(given), Some(key)) => digest(given) == digest(key),
            _ => false,
        };
        knows_key || self.by.is_operator
    }

    async fn accounts_of(&self, sessions: &[Session]) -> Vec<MetricAccountData> {
        let mut all = Vec::with_capacity(sessions.len());
        for session in sessions {
            all.push(self.account_data(session).await);
        }
        all
    }

    async fn account_data(&self, session: &Session) -> MetricAccountData {
        let endpoint = session.endpoints().first();
        let known = endpoint.and_then(|endpoint| self.worker.shared.directory.server_at(endpoint));
        let preferred = || endpoint.map(|one| (one.host.clone(), one.port)).unwrap_or_default();
        // The address in use; of one that is on its way up again, the one that is tried first.
        let (host, port) = if matches!(session.phase(), Phase::Online { .. }) {
            let used = |state: &mut State| (state.host.clone(), state.port);
            session.visit(self.deadline, used).await.unwrap_or_else(|_| preferred())
        } else {
            preferred()
        };
        MetricAccountData {
            server: known.map_or_else(|| session.account().server.clone(), |server| server.name),
            id: self.listed_id(session),
            api_key: None,
            user: session.account().login,
            host,
            port,
        }
    }
}

/// The id of a session for those who see all tenants.
fn operators_id(token: &str) -> String {
    let tenant = Tenant::of(token);
    if tenant.is_default() { token.to_owned() } else { format!("{tenant}/{}", id_of(token)) }
}

/// Tokens that such an id may stand for: those without a tenant may have a slash as well.
fn tokens_meant(id: &str) -> Vec<String> {
    let of_tenant = id.split_once('/').and_then(|(name, id)| {
        let tenant: Tenant = name.parse().ok()?;
        (!tenant.is_default()).then(|| tenant.token(id).into_owned())
    });
    std::iter::once(Tenant::default().token(id).into_owned()).chain(of_tenant).collect()
}

/// Memory of this process in RAM now and at most, in bytes, as Linux tells it.
fn resident() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    let bytes = |name| field(name).map_or(0, |kilobytes| kilobytes * 1024);
    (bytes("VmRSS:"), bytes("VmHWM:"))
}
