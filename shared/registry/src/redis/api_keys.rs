//! API keys in Redis. All of them share a slot: they are few, and read seldom.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::RedisRegistry;
use super::replies::{Row, nonsense, parsed, text};
use super::scripts::{self, Script};
use crate::api_keys::check_ticket;
use crate::limits::{API_KEYS_AT_ONCE, TICKETS_MAX};
use crate::{ApiKeyAdded, ApiKeyEntry, ApiKeys, RegistryError};

impl RedisRegistry {
    async fn of_api_keys<T: redis::FromRedisValue>(
        &self,
        script: &Script,
        args: &[&[u8]],
    ) -> Result<T, RegistryError> {
        let keys = self.names.api_keys();
        self.lines.script(script, &keys.each_ref().map(String::as_str), args).await
    }
}

#[async_trait]
impl ApiKeys for RedisRegistry {
    async fn add_api_key(&self, entry: &ApiKeyEntry) -> Result<ApiKeyAdded, RegistryError> {
        entry.check()?;
        let until = entry.until_ms.to_string();
        let (of_tenant, all) = (self.api_keys_max.of_tenant.to_string(), self.api_keys_max.all.to_string());
        let args = [&*entry.id, &entry.tenant, &until, &entry.record, &of_tenant, &all].map(str::as_bytes);
        let word: String = self.of_api_keys(&scripts::ADD_API_KEY, &args).await?;
        match word.as_str() {
            "yes" => Ok(ApiKeyAdded::Yes),
            "taken" => Ok(ApiKeyAdded::IdTaken),
            "tenant" => Ok(ApiKeyAdded::TenantFull),
            "full" => Ok(ApiKeyAdded::Full),
            _ => Err(nonsense("not what became of an API key")),
        }
    }

    async fn api_keys(&self, ids: &[String]) -> Result<Vec<ApiKeyEntry>, RegistryError> {
        let mut found = Vec::new();
        for ids in ids.chunks(API_KEYS_AT_ONCE) {
            let args: Vec<&[u8]> = ids.iter().map(String::as_bytes).collect();
            let row: Row = self.of_api_keys(&scripts::API_KEYS, &args).await?;
            for fields in row.chunks(4) {
                let [id, tenant, until, record] = fields else { return Err(nonsense("not an API key")) };
                found.push(ApiKeyEntry {
                    id: text(id)?.to_owned(),
                    tenant: text(tenant)?.to_owned(),
                    until_ms: parsed(until)?,
                    record: text(record)?.to_owned(),
                });
            }
        }
        Ok(found)
    }

    async fn all_api_keys(&self, tenant: Option<&str>) -> Result<Vec<ApiKeyEntry>, RegistryError> {
        let mut cmd = redis::cmd("ZRANGE");
        let [_, _, untils, ..] = self.names.api_keys();
        cmd.arg(untils).arg(0).arg(-1);
        let mut ids: Vec<String> = self.lines.repeatable(&cmd).await?;
        ids.sort();
        let mut all = self.api_keys(&ids).await?;
        all.retain(|entry| tenant.is_none_or(|tenant| tenant == entry.tenant));
        Ok(all)
    }

    async fn change_api_key(&self, was: &str, entry: &ApiKeyEntry) -> Result<bool, RegistryError> {
        entry.check()?;
        let until = entry.until_ms.to_string();
        let args = [&*entry.id, was, &until, &entry.record].map(str::as_bytes);
        Ok(self.of_api_keys::<i64>(&scripts::CHANGE_API_KEY, &args).await? == 1)
    }

    async fn api_keys_stamp(&self) -> Result<u64, RegistryError> {
        let mut cmd = redis::cmd("GET");
        let [.., stamp] = self.names.api_keys();
        cmd.arg(stamp);
        Ok(self.lines.repeatable::<Option<u64>>(&cmd).await?.unwrap_or_default())
    }

    async fn note_api_keys_used(&self, used: &[(String, i64)]) -> Result<(), RegistryError> {
        for used in used.chunks(API_KEYS_AT_ONCE) {
            let texts: Vec<String> = used.iter().flat_map(|(id, at)| [id.clone(), at.to_string()]).collect();
            let args: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
            self.of_api_keys::<i64>(&scripts::API_KEYS_USED, &args).await?;
        }
        Ok(())
    }

    async fn api_keys_used(&self, ids: &[String]) -> Result<Vec<(String, i64)>, RegistryError> {
        let [_, _, _, used, ..] = self.names.api_keys();
        let mut found = Vec::new();
        for ids in ids.chunks(API_KEYS_AT_ONCE) {
            let mut cmd = redis::cmd("HMGET");
            cmd.arg(&used).arg(ids);
            let times: Vec<Option<i64>> = self.lines.repeatable(&cmd).await?;
            found.extend(ids.iter().zip(times).filter_map(|(id, time)| Some((id.clone(), time?))));
        }
        Ok(found)
    }

    async fn keep_ticket(&self, name: &str, content: &Bytes, keep: Duration) -> Result<bool, RegistryError> {
        check_ticket(content)?;
        let (keep, most) = (keep.as_millis().to_string(), TICKETS_MAX.to_string());
        let args = [name.as_bytes(), content, keep.as_bytes(), most.as_bytes()];
        let [contents, times] = self.names.tickets();
        Ok(self.lines.script::<i64>(&scripts::KEEP_TICKET, &[&contents, &times], &args).await? == 1)
    }

    async fn take_ticket(&self, name: &str) -> Result<Option<Bytes>, RegistryError> {
        let [contents, times] = self.names.tickets();
        let args = [name.as_bytes()];
        let found: Option<Vec<u8>> =
            self.lines.script(&scripts::TAKE_TICKET, &[&contents, &times], &args).await?;
        Ok(found.map(Bytes::from))
    }
}
