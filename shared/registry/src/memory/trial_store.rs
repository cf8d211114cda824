//! What is kept of the trial, in memory.

use access::TrialMark;
use async_trait::async_trait;

use super::MemoryRegistry;
use crate::{RegistryError, TrialStore};

#[async_trait]
impl TrialStore for MemoryRegistry {
    async fn trial(&self) -> Result<Option<TrialMark>, RegistryError> {
        Ok(self.state().trial_mark)
    }

    async fn keep_trial(&self, mark: TrialMark) -> Result<TrialMark, RegistryError> {
        let mut state = self.state();
        let kept = state.trial_mark.map_or(mark, |there| there.and(mark));
        state.trial_mark = Some(kept);
        Ok(kept)
    }
}
