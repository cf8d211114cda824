//! What is kept of the trial, in Redis.

use access::TrialMark;
use async_trait::async_trait;

use super::RedisRegistry;
use super::replies::{Row, nonsense, parsed};
use super::scripts;
use crate::{RegistryError, TrialStore};

fn mark(row: &Row) -> Result<TrialMark, RegistryError> {
    let [began, mark] = row.as_slice() else { return Err(nonsense("no trial")) };
    Ok(TrialMark { began_s: parsed(began)?, mark_s: parsed(mark)? })
}

#[async_trait]
impl TrialStore for RedisRegistry {
    async fn trial(&self) -> Result<Option<TrialMark>, RegistryError> {
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(self.names.trial()).arg("began").arg("mark");
        let row: Vec<Option<Vec<u8>>> = self.lines.repeatable(&cmd).await?;
        match row.into_iter().collect::<Option<Row>>() {
            Some(row) => mark(&row).map(Some),
            None => Ok(None),
        }
    }

    async fn keep_trial(&self, kept: TrialMark) -> Result<TrialMark, RegistryError> {
        let (began, latest) = (kept.began_s.to_string(), kept.mark_s.to_string());
        let args = [began.as_bytes(), latest.as_bytes()];
        mark(&self.lines.script(&scripts::KEEP_TRIAL, &[&self.names.trial()], &args).await?)
    }
}
