//! The record of what was done, in memory.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use async_trait::async_trait;

use super::MemoryRegistry;
use crate::{AuditLog, AuditMax, CHECKPOINTS_MAX, RegistryError};

/// The record of a tenant.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// The number of the last line.
    last: u64,
    lines: VecDeque<(Instant, String)>,
    bytes: usize,
    checkpoints: VecDeque<String>,
}

/// By tenant.
pub(super) type Chains = HashMap<String, Chain>;

#[async_trait]
impl AuditLog for MemoryRegistry {
    async fn audit_end(&self, tenant: &str) -> Result<Option<String>, RegistryError> {
        let state = self.state();
        let last = state.audit.get(tenant).and_then(|chain| chain.lines.back());
        Ok(last.map(|(_, line)| line.clone()))
    }

    async fn append_audit(
        &self,
        tenant: &str,
        after: u64,
        lines: &[String],
        max: AuditMax,
    ) -> Result<bool, RegistryError> {
        let mut state = self.state();
        let chain = state.audit.entry(tenant.to_owned()).or_default();
        if chain.last != after {
            return Ok(false);
        }
        let now = Instant::now();
        for line in lines {
            chain.last += 1;
            chain.bytes += line.len();
            chain.lines.push_back((now, line.clone()));
        }
        while chain.lines.len() > 1
            && chain.lines.front().is_some_and(|(at, _)| chain.bytes > max.bytes || at.elapsed() > max.age)
        {
            chain.bytes -= chain.lines.pop_front().map_or(0, |(_, line)| line.len());
        }
        Ok(true)
    }

    async fn audit_lines(
        &self,
        tenant: &str,
        after: u64,
        count: usize,
    ) -> Result<Vec<String>, RegistryError> {
        let state = self.state();
        let Some(chain) = state.audit.get(tenant) else { return Ok(Vec::new()) };
        let first = chain.last - chain.lines.len() as u64;
        let skipped = usize::try_from(after.saturating_sub(first)).unwrap_or(usize::MAX);
        Ok(chain.lines.iter().skip(skipped).take(count).map(|(_, line)| line.clone()).collect())
    }

    async fn keep_checkpoint(
        &self,
        tenant: &str,
        last: Option<&str>,
        checkpoint: &str,
    ) -> Result<bool, RegistryError> {
        let mut state = self.state();
        let kept = &mut state.audit.entry(tenant.to_owned()).or_default().checkpoints;
        if kept.back().map(String::as_str) != last {
            return Ok(false);
        }
        kept.push_back(checkpoint.to_owned());
        if kept.len() > CHECKPOINTS_MAX {
            kept.pop_front();
        }
        Ok(true)
    }

    async fn checkpoints(&self, tenant: &str) -> Result<Vec<String>, RegistryError> {
        let state = self.state();
        Ok(state
            .audit
            .get(tenant)
            .map(|chain| chain.checkpoints.iter().cloned().collect())
            .unwrap_or_default())
    }
}
