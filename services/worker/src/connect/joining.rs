//! A second connect of an account joins its live session, and any other makes one.
//!
//! Nobody waits for another's network: whoever cannot be let in by comparison logs in by itself, beside whatever there is,
//! and only then takes the account's turn, in which nothing but the registry is asked. A login that was right shows what
//! its password may, so it joins the session of the same rights, or becomes one. What was there stays until then.

use std::sync::Arc;
use std::time::Duration;

use access::id_of;
use bus::End;
use error::{Code, Error};
use registry::{Fence, Opened, Record, Routed, SessionState, Written};
use tokio::time::{Instant, sleep};

use crate::backend::Caller;
use crate::login_data::LoginData;
use crate::session::{
    AccountKey, Beginning, Entry, Phase, Rank, Session, Target, certificate_is_missing, moved, unreachable,
};
use crate::worker::LOGIN_DATA_KEPT;

/// A session that is about to begin is looked for so many times, with these pauses.
const FINDS_MAX: usize = 20;
const FIND_EVERY: Duration = Duration::from_millis(50);

/// Where a login has led.
enum Place {
    /// Another session of the account that it joins.
    Joined(Session),
    /// A session of its own.
    Own(Session),
}

/// A session that is logged in and that nobody knows yet. It ends when it is dropped before it is somebody's.
struct Candidate(Option<Session>);

impl Candidate {
    fn session(&self) -> Result<&Session, Error> {
        self.0.as_ref().ok_or_else(moved)
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        if let Some(session) = &self.0 {
            session.standing().set_rank(Rank::Gone);
            session.end(End::Closed);
        }
    }
}

impl Caller<'_> {
    /// The live session of the account if there is one and the caller may join it, else a new one. A chosen token never
    /// takes over another session's.
    pub(super) async fn session_of(
        &self,
        chosen: Option<&str>,
        data: LoginData,
        deadline: Instant,
    ) -> Result<String, Error> {
        self.gather(&data.account).await?;
        self.check_token(chosen, &data.account).await?;
        let live = self.live(chosen, &data.account);
        if let Some(session) = self.open_to(&live, &data.target)? {
            self.admit(&session)?;
            return self.rejoin(&session, &data.target, deadline).await;
        }
        if live.is_empty() {
            // A full worker must not cost a login, nor the end of a licence.
            self.worker.check_room()?;
            self.worker.shared.licensing.admit().await?;
        }
        let made_up = || self.by.tenant.token(&uuid::Uuid::new_v4().to_string()).into_owned();
        let token = chosen.map_or_else(made_up, str::to_owned);
        let target = data.target.clone();
        let logged_in = self.log_in(&token, data, deadline).await;
        let candidate = logged_in.inspect_err(|failure| {
            live.iter().for_each(|session| session.disproved(&target, failure));
        })?;
        // What is known of the account only now; if it is left out, this is the end of the candidate.
        self.admit(candidate.session()?)?;
        match self.place(candidate, chosen, &target, deadline).await? {
            Place::Joined(session) => self.rejoin(&session, &target, deadline).await,
            // It was up a moment ago, and it is the caller's whatever becomes of its link.
            Place::Own(session) => Ok(session.token().to_owned()),
        }
    }

    /// Brings a session back that has ended, from what was kept of it.
    pub(super) async fn come_back(
        &self,
        token: &str,
        data: LoginData,
        deadline: Instant,
    ) -> Result<String, Error> {
        self.worker.check_room()?;
        self.worker.shared.licensing.admit().await?;
        let account = data.account.name();
        let candidate = self.log_in(token, data, deadline).await?;
        self.admit(candidate.session()?)?;
        let turn = self.worker.turn(&account, deadline).await?;
        // Somebody else may have brought it back meanwhile, or forgotten it.
        if let Some(session) = self.find(token).await? {
            drop(turn);
            session.restore(deadline).await?;
            return Ok(token.to_owned());
        }
        self.kept(token).await?.ok_or_else(|| Error::invalid_token(id_of(token)))?;
        self.own(candidate, true, deadline).await?;
        Ok(token.to_owned())
    }

    /// Sessions of an account that have not ended; where a token was chosen, the one of it.
    fn live(&self, chosen: Option<&str>, account: &AccountKey) -> Vec<Session> {
        let mut live = self.worker.sessions_of(account);
        live.retain(|session| chosen.is_none_or(|token| token == session.token()) && !has_ended(session));
        live
    }

    /// A token of another account's session is never taken over. Seen before the login, for it must not cost one.
    async fn check_token(&self, chosen: Option<&str>, account: &AccountKey) -> Result<(), Error> {
        let Some(token) = chosen else { return Ok(()) };
        let is_free = match self.worker.session(token) {
            Ok(session) => session.account() == account,
            Err(_) => {
                let routed = self.worker.registry().route(token).await;
                routed.map_err(|failure| unreachable(&failure))? == Routed::Nowhere
            }
        };
        if is_free { Ok(()) } else { Err(taken()) }
    }

    /// The session that may be joined without a login. `None`: a login is needed.
    fn open_to(&self, live: &[Session], target: &Target) -> Result<Option<Session>, Error> {
        let limits = &self.worker.shared.proof_limits;
        let entries: Vec<Entry> = live.iter().map(|session| session.entry(target, limits)).collect();
        if let Some(place) = entries.iter().position(|entry| matches!(entry, Entry::Open)) {
            return Ok(live.get(place).cloned());
        }
        let refused = entries.iter().find_map(|entry| match entry {
            Entry::Refused(failure) => Some(failure.clone()),
            _ => None,
        });
        if let Some(failure) = refused {
            return Err(failure);
        }
        let is_shut = |entry: &Entry| matches!(entry, Entry::ByCertificate);
        if !entries.is_empty() && entries.iter().all(is_shut) {
            return Err(certificate_is_missing());
        }
        Ok(None)
    }

    /// Logs in beside whatever session there is.
    async fn log_in(&self, token: &str, data: LoginData, deadline: Instant) -> Result<Candidate, Error> {
        let (shared, tasks) = (&self.worker.shared, &self.worker.tasks);
        let (rank, fence) = (Rank::Standby, Fence::default());
        let session = Session::start(shared, tasks, Beginning { token, data, rank, fence, legacy: None });
        let candidate = Candidate(Some(session.clone()));
        session.settled(deadline).await?;
        Ok(candidate)
    }

    /// Finds the place of a session that is logged in: another that it joins and ends in favour of, or one of its own.
    async fn place(
        &self,
        candidate: Candidate,
        chosen: Option<&str>,
        target: &Target,
        deadline: Instant,
    ) -> Result<Place, Error> {
        let session = candidate.session()?.clone();
        let account = session.account();
        let _turn = self.worker.turn(&account.name(), deadline).await?;
        self.gather(account).await?;
        self.check_token(chosen, account).await?;
        let limits = &self.worker.shared.proof_limits;
        let live = self.live(chosen, account);
        let equal = live.iter().filter(|live| live.is_investor() == session.is_investor());
        if let Some(equal) = joinable(equal.map(|equal| (equal, equal.entry(target, limits))))? {
            equal.proved(target, session.takes_codes()).await;
            return Ok(Place::Joined(equal.clone()));
        }
        let mut ended = self.worker.sessions_of(account);
        ended.retain(|ended| chosen.is_none_or(|token| token == ended.token()) && has_ended(ended));
        let has_other_rights = |ended: &Session| ended.is_investor() != session.is_investor();
        if chosen.is_some() && (!live.is_empty() || ended.iter().any(has_other_rights)) {
            return Err(of_other_rights(&session));
        }
        // They will not come up by themselves: this one takes the place.
        for over in ended.iter().filter(|ended| !has_other_rights(ended)) {
            self.worker.close(over.token(), false).await?;
        }
        self.own(candidate, false, deadline).await.map(Place::Own)
    }

    /// Makes a session that is logged in known to all; one that comes back (`was_kept`) keeps its login data if that fails.
    async fn own(
        &self,
        mut candidate: Candidate,
        was_kept: bool,
        deadline: Instant,
    ) -> Result<Session, Error> {
        self.worker.check_room()?;
        let session = candidate.session()?.clone();
        let (token, registry) = (session.token(), self.worker.registry());
        let (sealed, _) = session.copy(deadline).await?;
        let owner = self.worker.shared.lease.worker();
        let fence = match registry.open(token, &session.account().name(), &owner, &sealed).await {
            Ok(Opened::Yes(fence)) => fence,
            Ok(Opened::Taken) => return Err(taken()),
            Err(failure) => {
                self.forget_opening(token);
                return Err(unreachable(&failure));
            }
        };
        // From here on what happens is told, and what happened before stands in the memo.
        session.standing().own(fence);
        let opened = async {
            self.worker.shared.licensing.admit_opened(token).await?;
            let (_, memo) = session.copy(deadline).await?;
            match registry.opened(token, fence, &memo).await {
                Ok(Written::Yes) => Ok(()),
                Ok(Written::Stale) => Err(moved()),
                Err(failure) => Err(unreachable(&failure)),
            }
        };
        if let Err(error) = opened.await {
            let keep = was_kept.then_some(LOGIN_DATA_KEPT);
            if let Err(failure) = registry.end(token, fence, keep).await {
                tracing::warn!(%failure, "a session that did not come up stays in the registry for a while");
            }
            return Err(error);
        }
        candidate.0 = None;
        self.worker.add(&session);
        Ok(session)
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

    /// The session of a token if it lives: here, or the call goes to where it is.
    pub(super) async fn find(&self, token: &str) -> Result<Option<Session>, Error> {
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
                // Here, and not among the sessions: another call is about to make it known.
                Routed::At { .. } => sleep(FIND_EVERY).await,
                // A new login would be another session that kills.
                Routed::Quarantined { left } => return Err(Error::quarantined(left)),
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

    pub(super) async fn kept(&self, token: &str) -> Result<Option<Record>, Error> {
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

    /// A session that is the caller's now: answers its token once it is up.
    async fn rejoin(&self, session: &Session, target: &Target, deadline: Instant) -> Result<String, Error> {
        session.restore(deadline).await?;
        if target.wants_history {
            session.visit(deadline, |state| state.past.want()).await?;
        }
        Ok(session.token().to_owned())
    }
}

/// Which session a login of its rights joins: any that asks for no certificate that was not shown. `None`: there is no session.
fn joinable<T>(equal: impl Iterator<Item = (T, Entry)>) -> Result<Option<T>, Error> {
    let mut is_shut = false;
    for (session, entry) in equal {
        match entry {
            Entry::ByCertificate => is_shut = true,
            Entry::Open | Entry::ByLogin | Entry::Refused(_) => return Ok(Some(session)),
        }
    }
    if is_shut { Err(certificate_is_missing()) } else { Ok(None) }
}

fn has_ended(session: &Session) -> bool {
    matches!(session.phase(), Phase::Ended(_))
}

/// The error of a token that is not to be had.
fn taken() -> Error {
    let taken = "This id belongs to another session. Choose another one, or leave it out.";
    Error::new(Code::DuplicateAttempt, taken)
}

/// The error of a token whose session may more, or less, than its caller.
fn of_other_rights(own: &Session) -> Error {
    let (own, other) = if own.is_investor() { ("investor", "master") } else { ("master", "investor") };
    let told = format!(
        "This id belongs to a session of the account that was connected with the {other} password, and this is the {own} \
         password. Choose another id, leave it out, or disconnect that session first."
    );
    Error::new(Code::DuplicateAttempt, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_with_a_certificate_does_not_bar_the_way_to_one_without() {
        let refused = || Entry::Refused(Error::of(Code::InvalidAccount));
        let joined = |entries: Vec<Entry>| joinable(entries.into_iter().enumerate());
        assert_eq!(joined(vec![Entry::ByCertificate, Entry::ByLogin]).unwrap(), Some(1));
        assert_eq!(joined(vec![Entry::Open, Entry::ByCertificate]).unwrap(), Some(0));
        assert_eq!(
            joined(vec![Entry::ByCertificate, refused()]).unwrap(),
            Some(1),
            "this login has succeeded"
        );
        assert_eq!(joined(vec![]).unwrap(), None);
        let shut = joined(vec![Entry::ByCertificate; 2]).unwrap_err();
        assert_eq!(shut.code(), Code::CertificateRequired);
    }
}
