//! The record of what was done, in Redis: a stream for each tenant, whose ids are the numbers of the lines.

use async_trait::async_trait;

use super::RedisRegistry;
use super::replies::{nonsense, text};
use super::scripts;
use crate::{AuditLog, AuditMax, CHECKPOINTS_MAX, RegistryError};

/// An entry of a stream: its id, and its fields with their values.
type Entry = (String, Vec<Vec<u8>>);

fn lines(entries: Vec<Entry>) -> Result<Vec<String>, RegistryError> {
    let line = |(_, fields): Entry| {
        let line = fields.get(1).ok_or_else(|| nonsense("no line of a record"))?;
        text(line).map(str::to_owned)
    };
    entries.into_iter().map(line).collect()
}

#[async_trait]
impl AuditLog for RedisRegistry {
    async fn audit_end(&self, tenant: &str) -> Result<Option<String>, RegistryError> {
        let [log, ..] = self.names.audit(tenant);
        let mut cmd = redis::cmd("XREVRANGE");
        cmd.arg(log).arg("+").arg("-").arg("COUNT").arg(1);
        let last: Vec<Entry> = self.lines.repeatable(&cmd).await?;
        Ok(lines(last)?.pop())
    }

    async fn append_audit(
        &self,
        tenant: &str,
        after: u64,
        lines: &[String],
        max: AuditMax,
    ) -> Result<bool, RegistryError> {
        let [log, size, _] = self.names.audit(tenant);
        let (after, bytes) = (after.to_string(), max.bytes.to_string());
        let age_ms = max.age.as_millis().to_string();
        let mut args = vec![after.as_bytes(), bytes.as_bytes(), age_ms.as_bytes()];
        args.extend(lines.iter().map(String::as_bytes));
        let done: i64 = self.lines.script(&scripts::APPEND_AUDIT, &[&log, &size], &args).await?;
        Ok(done == 1)
    }

    async fn audit_lines(
        &self,
        tenant: &str,
        after: u64,
        count: usize,
    ) -> Result<Vec<String>, RegistryError> {
        let [log, ..] = self.names.audit(tenant);
        let mut cmd = redis::cmd("XRANGE");
        cmd.arg(log).arg(format!("({after}-0")).arg("+").arg("COUNT").arg(count);
        lines(self.lines.repeatable(&cmd).await?)
    }

    async fn keep_checkpoint(
        &self,
        tenant: &str,
        last: Option<&str>,
        checkpoint: &str,
    ) -> Result<bool, RegistryError> {
        let [.., checkpoints] = self.names.audit(tenant);
        let most = CHECKPOINTS_MAX.to_string();
        let args = [last.unwrap_or_default().as_bytes(), checkpoint.as_bytes(), most.as_bytes()];
        let done: i64 = self.lines.script(&scripts::KEEP_CHECKPOINT, &[&checkpoints], &args).await?;
        Ok(done == 1)
    }

    async fn checkpoints(&self, tenant: &str) -> Result<Vec<String>, RegistryError> {
        let [.., checkpoints] = self.names.audit(tenant);
        let mut cmd = redis::cmd("LRANGE");
        cmd.arg(checkpoints).arg(0).arg(-1);
        self.lines.repeatable(&cmd).await
    }
}
