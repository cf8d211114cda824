//! The record of what was done, a chain of lines for each tenant. What a line says is opaque here.

use std::time::Duration;

use async_trait::async_trait;

use crate::RegistryError;

/// How much of each record is kept, whichever is reached first. What is older is to be exported before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditMax {
    /// Bytes of lines.
    pub bytes: usize,
    /// Age of lines.
    pub age: Duration,
}

impl Default for AuditMax {
    /// Some 30,000 lines, and a quarter of a year.
    fn default() -> Self {
        Self { bytes: 16 << 20, age: Duration::from_secs(90 * 24 * 3600) }
    }
}

/// Checkpoints that are kept of a record: those of a year and more, at one an hour.
pub const CHECKPOINTS_MAX: usize = 10_000;

/// See the module. A tenant is named by what no other tenant is named by.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// The last line. `None`: there is none yet.
    ///
    /// # Errors
    /// When the registry does not answer.
    async fn audit_end(&self, tenant: &str) -> Result<Option<String>, RegistryError>;

    /// Writes lines behind the line of this number (0: as the first ones), in one step, and forgets the oldest of too many, but
    /// never the last. False: others have written there, and nothing was done.
    ///
    /// # Errors
    /// When the registry does not answer; the lines may stand there all the same.
    async fn append_audit(
        &self,
        tenant: &str,
        after: u64,
        lines: &[String],
        max: AuditMax,
    ) -> Result<bool, RegistryError>;

    /// Lines behind the line of this number, the oldest first, at most so many.
    ///
    /// # Errors
    /// When the registry does not answer.
    async fn audit_lines(&self, tenant: &str, after: u64, count: usize)
    -> Result<Vec<String>, RegistryError>;

    /// Keeps a checkpoint behind the one that stands last there (`None`: as the first one), in one step. False: others have kept
    /// one since.
    ///
    /// # Errors
    /// When the registry does not answer; the checkpoint may stand there all the same.
    async fn keep_checkpoint(
        &self,
        tenant: &str,
        last: Option<&str>,
        checkpoint: &str,
    ) -> Result<bool, RegistryError>;

    /// All checkpoints that are kept, the oldest first.
    ///
    /// # Errors
    /// When the registry does not answer.
    async fn checkpoints(&self, tenant: &str) -> Result<Vec<String>, RegistryError>;
}
