//! Sessions: who owns each, and what the next owner needs.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{AccountName, Fence, RegistryError, WorkerId, Written};

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It logs in for the first time; its token was told to nobody yet. Without its owner it is nothing.
    Opening,
    /// It lives, whether its link is up or not.
    Live,
    /// It was disconnected. Its login data are kept for a while, so that its token can bring it back.
    Ended,
}

/// All that is kept of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose account it is of.
    pub account: AccountName,
    /// Its owner; the last one of a session that has ended.
    pub owner: WorkerId,
    /// Under which the owner acts.
    pub fence: Fence,
    /// Where it is in its life.
    pub state: SessionState,
    /// Login data, sealed.
    pub sealed: Bytes,
    /// What the next owner needs to go on; empty at first.
    pub memo: Bytes,
}

/// What came of opening a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is the worker's, under this fence.
    Yes(Fence),
    /// The token belongs to a session that lives or opens.
    Taken,
}

/// What came of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclaimed {
    /// Somebody else owns the session by now.
    Other,
    /// There is no such session, or it has ended. One that was only opening is removed by a claim.
    Gone,
    /// Its owners have died of it: nobody takes it for so long.
    Quarantined(Duration),
}

/// Where a call for a token goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routed {
    /// No session has this token, or it has ended.
    Nowhere,
    /// A worker that lives owns it.
    At {
        /// Which.
        worker: WorkerId,
        /// Where it is reached.
        address: String,
        /// Under which fence.
        fence: Fence,
    },
    /// Its owner is dead: it waits for the next one.
    Orphan {
        /// The dead owner.
        owner: WorkerId,
    },
    /// Its owners have died of it: nobody takes it for a while.
    Quarantined {
        /// For how long.
        left: Duration,
    },
}

/// See the module. Every method but the reads is one step that happens whole or not at all.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Makes a session, in place of one of the same token that has ended: state `Opening`. Raises the fence.
    /// Its event log begins anew.
    async fn open(
        &self,
        token: &str,
        account: &AccountName,
        owner: &WorkerId,
        sealed: &Bytes,
    ) -> Result<Opened, RegistryError>;

    /// It is up: its token may be told. The memo is taken unless an event has brought a later one already.
    async fn opened(&self, token: &str, fence: Fence, memo: &Bytes) -> Result<Written, RegistryError>;

    /// Everything of a session. `None`: never heard of it.
    async fn record(&self, token: &str) -> Result<Option<Record>, RegistryError>;

    /// Where calls for it go.
    async fn route(&self, token: &str) -> Result<Routed, RegistryError>;

    /// Takes a session over from an owner that is dead, on trial ([`Quarantine`](crate::Quarantine)). Of several who try,
    /// one gets it. Raises the fence.
    async fn claim(
        &self,
        token: &str,
        from: &WorkerId,
        to: &WorkerId,
    ) -> Result<Result<Record, Unclaimed>, RegistryError>;

    /// The same by its owner itself, in this life or in its next one: nobody has died.
    async fn reclaim(
        &self,
        token: &str,
        from: &WorkerId,
        to: &WorkerId,
    ) -> Result<Result<Record, Unclaimed>, RegistryError>;

    /// The owner gives the session to another worker, or back to the dead one it was claimed from, with its last memo.
    /// Raises the fence; the answer is the new one.
    /// `None`: it was not the owner's any more.
    async fn give(
        &self,
        token: &str,
        fence: Fence,
        to: &WorkerId,
        memo: &Bytes,
    ) -> Result<Option<Fence>, RegistryError>;

    /// Brings back a session that the registry has forgotten (it was restarted empty): made as given, state `Live`, with a
    /// fence above the known one. Where a record exists, nothing is done unless it was itself brought back under a lower
    /// known fence than this one: then its maker had been left behind, and it is taken over. Events before are not kept.
    async fn bring_back(
        &self,
        token: &str,
        known: &Record,
        to: &WorkerId,
    ) -> Result<Option<Fence>, RegistryError>;

    /// Whether these sessions are still owned under these fences, in order.
    async fn verify(&self, sessions: &[(String, Fence)]) -> Result<Vec<bool>, RegistryError>;

    /// Replaces the memo, or adds to it ([`adds_to_memo`](crate::adds_to_memo)).
    async fn save(&self, token: &str, fence: Fence, memo: &Bytes) -> Result<Written, RegistryError>;

    /// Replaces the sealed login data.
    async fn reseal(&self, token: &str, fence: Fence, sealed: &Bytes) -> Result<Written, RegistryError>;

    /// The session is over. With `keep`, its login data stay for so long; without, only the fence stays for a while.
    async fn end(&self, token: &str, fence: Fence, keep: Option<Duration>) -> Result<Written, RegistryError>;

    /// Forgets the login data of all ended sessions of an account.
    async fn forget_ended(&self, account: &AccountName) -> Result<(), RegistryError>;

    /// Tokens of an account's sessions; some may be gone already.
    async fn tokens_of(&self, account: &AccountName) -> Result<Vec<String>, RegistryError>;

    /// Up to `most` tokens that a worker owns; some may be somebody else's already. With a dead worker, in no fixed order.
    async fn tokens_at(&self, worker: &WorkerId, most: usize) -> Result<Vec<String>, RegistryError>;

    /// A token is not (any more) to be found under a worker's name.
    async fn unlist(&self, token: &str, worker: &WorkerId) -> Result<(), RegistryError>;

    /// Takes the turn to connect an account, for at most `ttl`; `holder` is a random text. False: somebody has it.
    async fn lock(&self, account: &AccountName, holder: &str, ttl: Duration) -> Result<bool, RegistryError>;

    /// Gives the turn back, if it is still the holder's.
    async fn unlock(&self, account: &AccountName, holder: &str) -> Result<(), RegistryError>;
}
