//! A session between two owners.

use bytes::Bytes;
use error::Error;
use registry::Fence;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::mail::Mail;
use super::{Inherited, Memo, Session};

impl Session {
    /// Writes the outcome of a call under its idempotency key: at once, or if that fails as soon as it can be.
    pub(crate) async fn settle_key(&self, key: &str, outcome: Bytes) {
        let (registry, fence) = (&self.0.registry, self.0.standing.fence());
        if registry.settle_key(&self.0.token, fence, key, &outcome).await.is_err() {
            self.0.scribe.settle_key(key.to_owned(), outcome);
        }
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
        for (number, note) in &inherited.unsettled {
            self.journal().remember_unknown(&note.fingerprint, *number);
        }
        let (reply, answer) = oneshot::channel();
        self.mail(Mail::Activate { memo: Box::new(memo), inherited, fence, reply })?;
        self.answered(answer, deadline).await
    }
}
