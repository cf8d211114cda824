//! What other processes ask of this worker.

use std::time::Duration;

use access::id_of;
use async_trait::async_trait;
use bus::{Ask, Delivery, End};
use calls::CallId;
use calls::connection::ConnectByToken;
use cluster::{Interested, Owner, Reply};
use error::{Code, Error};
use registry::{Fence, Routed};
use tokio::time::Instant;

use super::Member;
use crate::login_data::LoginData;
use crate::session::{Beginning, Memo, Rank, Session, moved, unreachable};

/// Time for a login beside the present owner.
pub(super) const PREPARE_LIMIT: Duration = Duration::from_secs(30);
/// How long a session that is ready waits to be given.
const STANDBY_KEPT: Duration = Duration::from_secs(60);
/// Time to get up to date once it is given.
pub(super) const ACTIVATE_LIMIT: Duration = Duration::from_secs(15);

#[async_trait]
impl Owner for Member {
    async fn ask(&self, ask: Ask) -> Reply {
        let own = ask.token().and_then(|token| self.worker.session(&token).ok());
        if own.as_ref().is_some_and(|session| !session.standing().holds()) {
            return Reply::NotMine;
        }
        // That one has looked everywhere by itself.
        let has_looked = ask.call == CallId::of::<ConnectByToken>();
        let answered = self.worker.serve(ask).await;
        if let Some(address) = answered.elsewhere {
            return Reply::Elsewhere(address);
        }
        match (&answered.answer.result, own) {
            // No session here has this token; perhaps one elsewhere has.
            (Err(failure), None) if failure.code() == Code::InvalidToken && !has_looked => Reply::NotMine,
            (Err(failure), Some(session)) if !session.standing().holds() && is_undone(failure) => {
                Reply::NotMine
            }
            _ => Reply::Answer(answered.answer),
        }
    }

    async fn delivered(&self, token: &str, receipt: &str, delivery: Delivery) -> bool {
        match self.worker.session(token) {
            Ok(session) if session.standing().holds() => session.delivered(receipt, delivery).await,
            _ => return false,
        }
        true
    }

    async fn interest(&self, listener: &str, all: Vec<Interested>, ttl: Duration) -> Vec<String> {
        self.interests.replace(listener, all, ttl)
    }

    async fn adopt(&self, token: &str) -> Result<(), Error> {
        if self.worker.session(token).is_ok() || !self.takes() {
            return Ok(());
        }
        self.worker.check_room()?;
        match self.registry().route(token).await.map_err(|failure| unreachable(&failure))? {
            Routed::Orphan { owner } => self.worker.take_over(token, &owner).await,
            Routed::Quarantined { left } => Err(Error::quarantined(left)),
            Routed::At { .. } | Routed::Nowhere => Ok(()),
        }
    }

    async fn prepare(&self, token: &str) -> Result<(), Error> {
        if !self.takes() {
            return Err(moved());
        }
        self.worker.check_room()?;
        let record = self.registry().record(token).await.map_err(|failure| unreachable(&failure))?;
        let record = record.ok_or_else(|| Error::invalid_token(id_of(token)))?;
        let data = LoginData::open(&self.worker.shared.ring, token, &record.sealed)?;
        let beginning = Beginning { token, data, rank: Rank::Standby, fence: record.fence, legacy: None };
        let session = Session::start(&self.worker.shared, &self.worker.tasks, beginning);
        if let Err(failure) = session.settled(Instant::now() + PREPARE_LIMIT).await {
            session.end(End::Moved);
            return Err(failure);
        }
        let until = Instant::now() + STANDBY_KEPT;
        if let Some((before, _)) = self.standbys().insert(token.to_owned(), (session, until)) {
            before.end(End::Moved);
        }
        Ok(())
    }

    async fn activate(&self, token: &str, fence: Fence) -> Result<(), Error> {
        let record = self.registry().record(token).await.map_err(|failure| unreachable(&failure))?;
        let is_ours = |owner| owner == self.worker.shared.lease.worker();
        let Some(record) = record.filter(|record| record.fence == fence && is_ours(record.owner.clone()))
        else {
            return Err(moved());
        };
        let inherited = self.worker.inherited(token).await?;
        let standby = self.standbys().remove(token);
        let Some((session, _)) = standby else {
            // It has waited for too long, or was never prepared: it begins like one of a dead owner.
            return match self.worker.session(token) {
                Ok(_) => Ok(()),
                Err(_) => self.worker.revive(token, record).await,
            };
        };
        let memo = Memo::from_bytes(&record.memo).unwrap_or_default();
        let activated = session.activate(memo, inherited, fence, Instant::now() + ACTIVATE_LIMIT).await;
        match activated {
            Ok(()) => self.worker.add(&session),
            // Its link broke just now: it comes up by itself, or begins anew.
            Err(_) if session.standing().rank() == Rank::Owner => self.worker.add(&session),
            Err(_) => {
                session.end(End::Moved);
                self.worker.revive(token, record).await?;
            }
        }
        Ok(())
    }

    fn ready(&self) -> Result<(), String> {
        if !self.is_open() {
            return Err("draining".to_owned());
        }
        if !self.worker.shared.lease.holds() {
            return Err("no lease: the registry does not answer".to_owned());
        }
        if let Some(why) = self.fitness.trouble() {
            return Err(format!("takes no sessions: {why}"));
        }
        Ok(())
    }
}

/// Whether an error says that nothing was done, so that another worker may be asked.
fn is_undone(failure: &Error) -> bool {
    matches!(failure.outcome(), None | Some(error::Outcome::NotSent))
}
