//! A session between two owners.

use bus::Delivery;
use bytes::Bytes;
use error::Error;
use registry::{CallOutcome, Fence, Key};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::mail::Mail;
use super::{Inherited, Memo, Session, repeats};

impl Session {
    /// Writes the outcome of a call under its idempotency key: at once, or if that fails as soon as it can be.
    pub(crate) async fn settle_key(&self, key: &Key, outcome: CallOutcome) {
        let (registry, fence) = (&self.0.registry, self.0.standing.fence());
        if registry.settle_key(&self.0.token, fence, key, &outcome).await.is_err() {
            self.0.scribe.settle_key(key.clone(), outcome);
        }
    }

    /// What became of the answer to a `Safe` call. One that has arrived is not repeated any more.
    pub(crate) async fn delivered(&self, receipt: &str, delivery: Delivery) {
        let Some(key) = repeats::key_of(receipt) else { return };
        if delivery == Delivery::Written {
            let (registry, fence) = (&self.0.registry, self.0.standing.fence());
            if registry.free_key(&self.0.token, fence, &key).await.is_err() {
                self.0.scribe.free_key(key.clone());
            }
        }
        self.repeats().delivered(key.attempt(), delivery);
    }

    /// What the next owner would need, as soon as nothing is under way.
    pub(crate) async fn leave(&self, deadline: Instant) -> Result<Memo, Error> {
        let (reply, answer) = oneshot::channel();
        self.mail(Mail::Leave { reply })?;
        self.answered(answer, deadline).await
    }

    /// The sealed login data and the memo as they are now.
    pub(crate) async fn copy(&self, deadline: Instant) -> Result<(Bytes, Bytes), Error> {
        let (reply, answer) = oneshot::channel();
        self.mail(Mail::Copy { reply })?;
        self.answered(answer, deadline).await
    }

    /// Whether so much could not be written that the session must begin anew from what was.
    pub(crate) fn has_overflowed(&self) -> bool {
        self.0.scribe.has_overflowed()
    }

    /// The session was given to this process: goes on where its last owner stood. Done when it is up to date.
    pub(crate) async fn activate(
        &self,
        memo: Memo,
        inherited: Inherited,
        fence: Fence,
        deadline: Instant,
    ) -> Result<(), Error> {
        for unsettled in &inherited.unsettled {
            self.journal().remember_unknown(unsettled.unknown());
        }
        let (reply, answer) = oneshot::channel();
        self.mail(Mail::Activate { memo: Box::new(memo), inherited, fence, reply })?;
        self.answered(answer, deadline).await
    }
}
