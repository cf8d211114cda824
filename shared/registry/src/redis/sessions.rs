//! Sessions in Redis.
//!
//! A record lies in another slot than the lists where its token is found, so these cannot change in one step. A token is
//! put on a list before its session is somebody's, and taken off after it is not any more: what is left when a process
//! dies in between is a token too many, never one too few.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::RedisRegistry;
use super::replies::{self, Row, nonsense, parsed, sent, text, written};
use super::scripts;
use crate::limits::{DEATHS_WITHIN, FENCE_KEPT, QUARANTINE_FIRST, QUARANTINE_LONGEST};
use crate::{
    AccountName, Fence, Opened, Quarantined, Record, RegistryError, Routed, SessionState, Sessions,
    Unclaimed, WorkerId, Written,
};

/// A token that was listed for so long, and of which no session was made, is none.
pub(super) const LISTED_MAX: Duration = Duration::from_secs(60);
/// Commands under way at once, where one call asks for many sessions.
pub(super) const AT_ONCE: usize = 64;

/// What follows a step that is done: a list that could not be brought up to date has a token too many, or one under a
/// lower fence, and that does no harm; a caller who was told of a failure would believe that the step was not done.
fn follow<T>(done: Result<T, RegistryError>) {
    if let Err(failure) = done {
        tracing::debug!(%failure, "a list of sessions is not up to date");
    }
}

impl RedisRegistry {
    /// Puts a token on a list, before it is a session of whoever the list is of.
    async fn list(&self, list: &str, token: &str, fence: Option<Fence>) -> Result<(), RegistryError> {
        let fence = fence.map(sent).transpose()?.unwrap_or_default();
        let args = [token.as_bytes(), fence.as_bytes()];
        self.lines.script::<i64>(&scripts::LIST, &[list], &args).await.map(drop)
    }

    /// Takes a token off a list, where it stands under this fence.
    pub(super) async fn strike(&self, list: &str, token: &str, fence: Fence) -> Result<(), RegistryError> {
        let fence = sent(fence)?;
        let args = [token.as_bytes(), fence.as_bytes()];
        self.lines.script::<i64>(&scripts::UNLIST, &[list], &args).await.map(drop)
    }

    /// Owner, fence and state, without what is large.
    pub(super) async fn owner(
        &self,
        token: &str,
    ) -> Result<Option<(WorkerId, Fence, SessionState)>, RegistryError> {
        let names = self.names.session(token);
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(&names.record).arg("owner").arg("fence").arg("state");
        let row: Vec<Option<Vec<u8>>> = self.lines.repeatable(&cmd).await?;
        let [Some(owner), Some(fence), Some(state)] = row.as_slice() else { return Ok(None) };
        let state = match text(state)? {
            "opening" => SessionState::Opening,
            "live" => SessionState::Live,
            _ => SessionState::Ended,
        };
        Ok(Some((WorkerId::new(text(owner)?), replies::fence(fence)?, state)))
    }

    async fn write(&self, token: &str, fence: Fence, fields: &[&[u8]]) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let args: Vec<&[u8]> = std::iter::once(fence.as_bytes()).chain(fields.iter().copied()).collect();
        Ok(written(self.lines.script(&scripts::WRITE, &[&names.record], &args).await?))
    }

    async fn open_once(
        &self,
        token: &str,
        account: &AccountName,
        owner: &WorkerId,
        sealed: &Bytes,
    ) -> Result<Result<Fence, (SessionState, WorkerId)>, RegistryError> {
        let names = self.names.session(token);
        let args = [account.as_str().as_bytes(), owner.as_str().as_bytes(), sealed];
        let row: Row = self.lines.script(&scripts::OPEN, &names.all(), &args).await?;
        match row.as_slice() {
            [word, fence] if word == b"yes" => Ok(Ok(replies::fence(fence)?)),
            [_, state, owner] => {
                let state = if state == b"opening" { SessionState::Opening } else { SessionState::Live };
                Ok(Err((state, WorkerId::new(text(owner)?))))
            }
            _ => Err(nonsense("neither opened nor taken")),
        }
    }

    async fn claim_once(
        &self,
        token: &str,
        from: &WorkerId,
        to: &WorkerId,
        is_dead: bool,
    ) -> Result<Result<Record, Unclaimed>, RegistryError> {
        let names = self.names.session(token);
        let keys = [&*names.record, &names.log, &names.journal, &names.begun];
        let spans = [FENCE_KEPT, DEATHS_WITHIN, QUARANTINE_FIRST, QUARANTINE_LONGEST];
        let [stays, within, first, longest] = spans.map(|span| span.as_millis().to_string());
        let is_dead = if is_dead { "1" } else { "0" };
        let args =
            [from.as_str(), to.as_str(), &stays, is_dead, &within, &first, &longest].map(str::as_bytes);
        let mut row: Row = self.lines.script(&scripts::CLAIM, &keys, &args).await?;
        match row.first().map(Vec::as_slice) {
            Some(b"yes") if row.len() > 2 => {
                let fields = row.split_off(2);
                let was_in_quarantine = row[1] == b"1";
                let record = replies::record(fields)?;
                if was_in_quarantine {
                    let mut cmd = redis::cmd("ZREM");
                    cmd.arg(self.names.quarantine()).arg(token);
                    follow(self.lines.repeatable::<i64>(&cmd).await);
                }
                Ok(Ok(record))
            }
            Some(b"quarantined") => {
                let [_, left, fence] = row.as_slice() else { return Err(nonsense("no quarantine")) };
                self.list(&self.names.quarantine(), token, None).await?;
                self.strike(&self.names.tokens_at(from.as_str()), token, replies::fence(fence)?).await?;
                Ok(Err(Unclaimed::Quarantined(Duration::from_millis(parsed(left)?))))
            }
            Some(b"other") => Ok(Err(Unclaimed::Other)),
            Some(b"gone") => {
                if let [_, fence, account] = row.as_slice() {
                    let fence = replies::fence(fence)?;
                    self.strike(&self.names.tokens_at(from.as_str()), token, fence).await?;
                    self.strike(&self.names.tokens_of(text(account)?), token, fence).await?;
                    self.count_out(token).await?;
                }
                Ok(Err(Unclaimed::Gone))
            }
            _ => Err(nonsense("neither claimed nor not")),
        }
    }

    /// Makes a session another's, from an owner that is dead, or is the same one.
    async fn transfer(
        &self,
        token: &str,
        from: &WorkerId,
        to: &WorkerId,
        is_dead: bool,
    ) -> Result<Result<Record, Unclaimed>, RegistryError> {
        // Most who come too late are seen here, before they leave a token on a list.
        match self.owner(token).await? {
            None | Some((_, _, SessionState::Ended)) => return Ok(Err(Unclaimed::Gone)),
            Some((owner, ..)) if owner != *from => return Ok(Err(Unclaimed::Other)),
            Some((_, _, SessionState::Opening)) => return self.claim_once(token, from, to, is_dead).await,
            Some((_, _, SessionState::Live)) => {}
        }
        let list = self.names.tokens_at(to.as_str());
        self.list(&list, token, None).await?;
        let claimed = self.claim_once(token, from, to, is_dead).await?;
        if let Ok(record) = &claimed {
            follow(self.list(&list, token, Some(record.fence)).await);
            let of_account = self.names.tokens_of(record.account.as_str());
            follow(self.list(&of_account, token, Some(record.fence)).await);
            follow(self.strike(&self.names.tokens_at(from.as_str()), token, record.fence).await);
        }
        Ok(claimed)
    }

    /// Tokens on a list, with what they stand there under.
    pub(super) async fn scored(&self, list: &str) -> Result<Vec<(String, f64)>, RegistryError> {
        let mut cmd = redis::cmd("ZRANGE");
        cmd.arg(list).arg(0).arg(-1).arg("WITHSCORES");
        self.lines.repeatable(&cmd).await
    }

    /// Takes tokens off a list whose sessions do not belong there, unless they were put on it anew meanwhile.
    pub(super) async fn prune(&self, list: &str, gone: Vec<(String, f64)>) -> Result<(), RegistryError> {
        if gone.is_empty() {
            return Ok(());
        }
        let mut pruned = vec![LISTED_MAX.as_millis().to_string()];
        pruned.extend(gone.into_iter().flat_map(|(token, score)| [token, format!("{score:.0}")]));
        let args: Vec<&[u8]> = pruned.iter().map(String::as_bytes).collect();
        self.lines.script::<i64>(&scripts::PRUNE, &[list], &args).await.map(drop)
    }

    /// Tokens on the list of an account whose sessions are not forgotten; the others are taken off.
    async fn listed(&self, account: &AccountName) -> Result<Vec<String>, RegistryError> {
        let list = self.names.tokens_of(account.as_str());
        let listed = self.scored(&list).await?;
        let looked = stream::iter(listed).map(|(token, score)| async move {
            let is_known = self.owner(&token).await?.is_some();
            Ok::<_, RegistryError>((token, score, is_known))
        });
        let looked: Vec<_> = looked.buffered(AT_ONCE).try_collect().await?;
        let (known, gone): (Vec<_>, Vec<_>) = looked.into_iter().partition(|(_, _, is_known)| *is_known);
        self.prune(&list, gone.into_iter().map(|(token, score, _)| (token, score)).collect()).await?;
        Ok(known.into_iter().map(|(token, ..)| token).collect())
    }
}

#[async_trait]
impl Sessions for RedisRegistry {
    async fn open(
        &self,
        token: &str,
        account: &AccountName,
        owner: &WorkerId,
        sealed: &Bytes,
    ) -> Result<Opened, RegistryError> {
        if let Some((former, _, state)) = self.owner(token).await? {
            match state {
                SessionState::Ended => self.discount_ended(token).await?,
                SessionState::Live => return Ok(Opened::Taken),
                SessionState::Opening if self.address_of(&former).await?.is_some() => {
                    return Ok(Opened::Taken);
                }
                // Without its owner it is nothing: a claim removes it.
                SessionState::Opening => drop(self.claim_once(token, &former, owner, true).await?),
            }
        }
        let lists = [self.names.tokens_of(account.as_str()), self.names.tokens_at(owner.as_str())];
        for list in &lists {
            self.list(list, token, None).await?;
        }
        self.count_in(token, false).await?;
        match self.open_once(token, account, owner, sealed).await? {
            Err(_) => Ok(Opened::Taken),
            Ok(fence) => {
                for list in &lists {
                    follow(self.list(list, token, Some(fence)).await);
                }
                Ok(Opened::Yes(fence))
            }
        }
    }

    async fn opened(&self, token: &str, fence: Fence, memo: &Bytes) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let args: [&[u8]; 2] = [fence.as_bytes(), memo];
        Ok(written(self.lines.script(&scripts::OPENED, &[&names.record], &args).await?))
    }

    async fn record(&self, token: &str) -> Result<Option<Record>, RegistryError> {
        let names = self.names.session(token);
        let row: Row = self.lines.script(&scripts::RECORD, &[&names.record, &names.kept], &[]).await?;
        if row.is_empty() { Ok(None) } else { replies::record(row).map(Some) }
    }

    async fn route(&self, token: &str) -> Result<Routed, RegistryError> {
        let (owner, fence, state) = match self.owner(token).await? {
            None | Some((_, _, SessionState::Ended)) => return Ok(Routed::Nowhere),
            Some(known) => known,
        };
        Ok(match self.address_of(&owner).await? {
            Some(address) => Routed::At { worker: owner, address, fence },
            None if state == SessionState::Opening => Routed::Nowhere,
            None => match self.quarantine_of(token).await? {
                Some(Quarantined { left, .. }) if !left.is_zero() => Routed::Quarantined { left },
                _ => Routed::Orphan { owner },
            },
        })
    }

    async fn claim(
        &self,
        token: &str,
        from: &WorkerId,
        to: &WorkerId,
    ) -> Result<Result<Record, Unclaimed>, RegistryError> {
        self.transfer(token, from, to, true).await
    }

    async fn reclaim(
        &self,
        token: &str,
        from: &WorkerId,
        to: &WorkerId,
    ) -> Result<Result<Record, Unclaimed>, RegistryError> {
        self.transfer(token, from, to, false).await
    }

    async fn give(
        &self,
        token: &str,
        fence: Fence,
        to: &WorkerId,
        memo: &Bytes,
    ) -> Result<Option<Fence>, RegistryError> {
        let (names, own, list) = (self.names.session(token), sent(fence)?, self.names.tokens_at(to.as_str()));
        self.list(&list, token, None).await?;
        let args = [own.as_bytes(), to.as_str().as_bytes(), memo];
        let row: Row = self.lines.script(&scripts::GIVE, &[&names.record], &args).await?;
        let [given, from] = row.as_slice() else { return Ok(None) };
        let given = replies::fence(given)?;
        follow(self.list(&list, token, Some(given)).await);
        let from = text(from)?;
        if from != to.as_str() {
            follow(self.strike(&self.names.tokens_at(from), token, fence).await);
        }
        Ok(Some(given))
    }

    async fn bring_back(
        &self,
        token: &str,
        known: &Record,
        to: &WorkerId,
    ) -> Result<Option<Fence>, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(known.fence)?);
        let lists = [self.names.tokens_of(known.account.as_str()), self.names.tokens_at(to.as_str())];
        for list in &lists {
            self.list(list, token, None).await?;
        }
        self.count_in(token, true).await?;
        let args = [
            known.account.as_str().as_bytes(),
            fence.as_bytes(),
            &known.sealed,
            &known.memo,
            to.as_str().as_bytes(),
        ];
        let answer: Vec<u8> =
            self.lines.script(&scripts::BRING_BACK, &[&names.record, &names.log], &args).await?;
        if answer.is_empty() {
            return Ok(None);
        }
        let fence = replies::fence(&answer)?;
        for list in &lists {
            follow(self.list(list, token, Some(fence)).await);
        }
        Ok(Some(fence))
    }

    async fn verify(&self, sessions: &[(String, Fence)]) -> Result<Vec<bool>, RegistryError> {
        let looked = stream::iter(sessions.to_vec()).map(|(token, fence)| async move {
            let owner = self.owner(&token).await?;
            Ok(owner.is_some_and(|(_, own, state)| own == fence && state != SessionState::Ended))
        });
        looked.buffered(AT_ONCE).try_collect().await
    }

    async fn save(&self, token: &str, fence: Fence, memo: &Bytes) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let args: [&[u8]; 2] = [fence.as_bytes(), memo];
        Ok(written(self.lines.script(&scripts::SAVE, &[&names.record], &args).await?))
    }

    async fn reseal(&self, token: &str, fence: Fence, sealed: &Bytes) -> Result<Written, RegistryError> {
        self.write(token, fence, &[b"sealed", sealed]).await
    }

    async fn end(&self, token: &str, fence: Fence, keep: Option<Duration>) -> Result<Written, RegistryError> {
        let (names, own) = (self.names.session(token), sent(fence)?);
        let times = [keep.unwrap_or_default(), FENCE_KEPT].map(|time| time.as_millis().to_string());
        let args = [&*own, &times[0], &times[1]].map(str::as_bytes);
        let row: Row = self.lines.script(&scripts::END, &names.all(), &args).await?;
        let [owner, account, bytes] = row.as_slice() else { return Ok(Written::Stale) };
        follow(self.count_out(token).await);
        follow(self.strike(&self.names.tokens_at(text(owner)?), token, fence).await);
        if keep.is_none() {
            follow(self.strike(&self.names.tokens_of(text(account)?), token, fence).await);
        }
        follow(self.count_ended(token, text(bytes)?, keep.unwrap_or_default().max(FENCE_KEPT)).await);
        Ok(Written::Yes)
    }

    async fn forget_ended(&self, account: &AccountName) -> Result<(), RegistryError> {
        for token in self.listed(account).await? {
            let names = self.names.session(&token);
            let keys = [&*names.record, &names.kept];
            let args = [account.as_str().as_bytes()];
            self.lines.script::<i64>(&scripts::FORGET_ENDED, &keys, &args).await?;
        }
        Ok(())
    }

    async fn tokens_of(&self, account: &AccountName) -> Result<Vec<String>, RegistryError> {
        self.listed(account).await
    }

    async fn tokens_at(&self, worker: &WorkerId, most: usize) -> Result<Vec<String>, RegistryError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let mut cmd = redis::cmd("ZRANGE");
        cmd.arg(self.names.tokens_at(worker.as_str())).arg(0).arg(most - 1);
        self.lines.repeatable(&cmd).await
    }

    async fn unlist(&self, token: &str, worker: &WorkerId) -> Result<(), RegistryError> {
        let mut cmd = redis::cmd("ZREM");
        cmd.arg(self.names.tokens_at(worker.as_str())).arg(token);
        self.lines.repeatable::<i64>(&cmd).await.map(drop)
    }

    async fn lock(&self, account: &AccountName, holder: &str, ttl: Duration) -> Result<bool, RegistryError> {
        let ttl = ttl.as_millis().max(1).to_string();
        let args = [holder.as_bytes(), ttl.as_bytes()];
        let turn = self.names.turn(account.as_str());
        Ok(self.lines.script::<i64>(&scripts::LOCK, &[&turn], &args).await? == 1)
    }

    async fn unlock(&self, account: &AccountName, holder: &str) -> Result<(), RegistryError> {
        let turn = self.names.turn(account.as_str());
        self.lines.script::<i64>(&scripts::UNLOCK, &[&turn], &[holder.as_bytes()]).await.map(drop)
    }
}
