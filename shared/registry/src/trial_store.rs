//! What is kept of the trial, so that it does not begin anew.

use access::TrialMark;
use async_trait::async_trait;

use crate::RegistryError;

/// A place that keeps when the service was first started, and the latest time that was believed. There may be several: what
/// counts is what they know together, and one that was emptied is told again.
#[async_trait]
pub trait TrialStore: Send + Sync {
    /// What is kept. `None`: nothing yet.
    ///
    /// # Errors
    /// When the place does not answer, or what it keeps cannot be read.
    async fn trial(&self) -> Result<Option<TrialMark>, RegistryError>;

    /// Keeps the earlier beginning and the later time of what is there and of what is given, in one step. The answer is what is
    /// there then.
    ///
    /// # Errors
    /// As for [`trial`](Self::trial).
    async fn keep_trial(&self, mark: TrialMark) -> Result<TrialMark, RegistryError>;
}
