//! What concerns all sessions of the process, for its administrator.

use std::collections::HashSet;

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
        self.check_admin(Some(&call.admin_key))?;
        Ok(self.worker.all_sessions().iter().map(status_of).collect())
    }
}

impl Handle<DisconnectOrphans> for Caller<'_> {
    async fn handle(
        &self,
        call: DisconnectOrphans,
        _: About<DisconnectOrphans>,
    ) -> Result<Vec<String>, Error> {
        self.check_admin(call.admin_key.as_ref())?;
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
        let is_orphan = |session: &Session| !keep.contains(session.token());
        let orphans: Vec<Session> = self.worker.all_sessions().into_iter().filter(is_orphan).collect();
        for orphan in orphans.iter().filter(|_| !call.dry_run) {
            match self.worker.close(orphan.token(), true).await {
                // It may have ended by itself meanwhile, which is as good.
                Err(failure) if failure.code() != Code::InvalidToken => return Err(failure),
                _ => {}
            }
        }
        Ok(orphans.iter().map(|session| session.token().to_owned()).collect())
    }
}

impl Handle<GetClients> for Caller<'_> {
    async fn handle(&self, call: GetClients, _: About<GetClients>) -> Result<Vec<MetricAccountData>, Error> {
        self.check_admin(call.admin_key.as_ref())?;
        Ok(self.all_accounts().await)
    }
}

impl Handle<MetricsApiKey> for Caller<'_> {
    /// The only key of an installation without tenants is the administrator's, and all sessions are its.
    async fn handle(
        &self,
        call: MetricsApiKey,
        _: About<MetricsApiKey>,
    ) -> Result<MetricsApiKeyResult, Error> {
        self.check_admin(call.api_key.as_ref())?;
        let accounts = self.all_accounts().await;
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
            id: session.token,
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
            let is_released = self.worker.registry().release(token).await;
            if is_released.map_err(|failure| unreachable(&failure))? {
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
    /// Tokens grant access to accounts, and what a process holds tells of all of them, so such calls are the
    /// administrator's.
    pub(super) fn check_admin(&self, given: Option<&Secret>) -> Result<(), Error> {
        let Some(key) = &self.worker.admin_key else {
            let told = "This installation has no administrator key: start it with --admin-key-file or MT5REST_ADMIN_KEY.";
            return Err(Error::new(Code::NotPermission, told));
        };
        // Digests are compared so that the time it takes tells nothing of the key.
        let digest = |secret: &Secret| Sha256::digest(secret.expose().as_bytes());
        if given.map(digest) == Some(digest(key)) {
            return Ok(());
        }
        Err(Error::new(Code::NotPermission, "This call needs the administrator key of the installation."))
    }

    async fn all_accounts(&self) -> Vec<MetricAccountData> {
        let mut all = Vec::new();
        for session in self.worker.all_sessions() {
            all.push(self.account_data(&session).await);
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
            id: session.token().to_owned(),
            api_key: None,
            user: session.account().login,
            host,
            port,
        }
    }
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
