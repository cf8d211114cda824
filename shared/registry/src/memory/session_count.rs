//! The number of sessions in memory, where none is left behind.

use async_trait::async_trait;

use super::MemoryRegistry;
use super::sessions::Session;
use crate::{RegistryError, SessionCount};

#[async_trait]
impl SessionCount for MemoryRegistry {
    async fn count_sessions(&self) -> Result<usize, RegistryError> {
        Ok(self.state().sessions.values().filter(|session| session.ended.is_none()).count())
    }

    async fn older_sessions(&self, token: &str) -> Result<usize, RegistryError> {
        let state = self.state();
        let own = state.sessions.get(token).filter(|session| session.ended.is_none());
        let is_older =
            |other: &&Session| other.ended.is_none() && own.is_some_and(|own| other.number < own.number);
        Ok(state.sessions.values().filter(is_older).count())
    }

    async fn recount_sessions(&self) -> Result<(), RegistryError> {
        Ok(())
    }
}
