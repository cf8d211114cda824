//! API keys in memory.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::MemoryRegistry;
use crate::api_keys::check_ticket;
use crate::key_file::in_background;
use crate::limits::TICKETS_MAX;
use crate::{ApiKeyAdded, ApiKeyEntry, ApiKeys, RegistryError};

/// Tickets by name, each with the moment from which on it is of no use.
pub(super) type Tickets = std::collections::HashMap<String, (Instant, Bytes)>;

#[async_trait]
impl ApiKeys for MemoryRegistry {
    async fn add_api_key(&self, entry: &ApiKeyEntry) -> Result<ApiKeyAdded, RegistryError> {
        entry.check()?;
        let entry = entry.clone();
        self.change_keys(move |table, max| table.add(entry, max, runtime::unix_ms())).await
    }

    async fn api_keys(&self, ids: &[String]) -> Result<Vec<ApiKeyEntry>, RegistryError> {
        let ids = ids.to_vec();
        self.read_keys(move |table| ids.iter().filter_map(|id| table.get(id)).collect()).await
    }

    async fn all_api_keys(&self, tenant: Option<&str>) -> Result<Vec<ApiKeyEntry>, RegistryError> {
        let tenant = tenant.map(str::to_owned);
        self.read_keys(move |table| table.all(tenant.as_deref())).await
    }

    async fn change_api_key(&self, was: &str, entry: &ApiKeyEntry) -> Result<bool, RegistryError> {
        entry.check()?;
        let (was, entry) = (was.to_owned(), entry.clone());
        self.change_keys(move |table, _| table.change(&was, entry)).await
    }

    async fn api_keys_stamp(&self) -> Result<u64, RegistryError> {
        self.read_keys(|table| table.stamp()).await
    }

    async fn note_api_keys_used(&self, used: &[(String, i64)]) -> Result<(), RegistryError> {
        let used = used.to_vec();
        let Some(file) = self.key_file() else {
            self.state().api_keys.note_used(&used);
            return Ok(());
        };
        in_background(move || file.note_used(&used)).await
    }

    async fn api_keys_used(&self, ids: &[String]) -> Result<Vec<(String, i64)>, RegistryError> {
        let ids = ids.to_vec();
        let Some(file) = self.key_file() else { return Ok(self.state().api_keys.used(&ids)) };
        in_background(move || file.used(&ids)).await
    }

    async fn keep_ticket(&self, name: &str, content: &Bytes, keep: Duration) -> Result<bool, RegistryError> {
        check_ticket(content)?;
        let mut state = self.state();
        let now = Instant::now();
        if state.tickets.len() >= TICKETS_MAX {
            state.tickets.retain(|_, (until, _)| *until > now);
        }
        if state.tickets.len() >= TICKETS_MAX {
            return Ok(false);
        }
        state.tickets.insert(name.to_owned(), (now + keep, content.clone()));
        Ok(true)
    }

    async fn take_ticket(&self, name: &str) -> Result<Option<Bytes>, RegistryError> {
        let taken = self.state().tickets.remove(name);
        Ok(taken.filter(|(until, _)| *until > Instant::now()).map(|(_, content)| content))
    }
}
