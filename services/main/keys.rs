//! `mt5rest key`: what it does, and prints.

use std::time::{Duration, UNIX_EPOCH};

use access::{ApiKey, KeyRecord, Tenant};
use anyhow::{Context, Result};
use registry::{ApiKeys, KeyInfo, KeyManager, MemoryRegistry, RedisRegistry};
use serde_json::json;

use crate::options::{KeyRole, KeyStore, KeyTask};

/// The last moment of the year 9999: later ones have no such text.
const LAST_MS: u64 = 253_402_300_799_999;

/// Does it; what is printed is all there is on standard output.
pub(crate) fn run(role: KeyRole) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let printed = tokio.block_on(async {
        let store = open(&role.store)?;
        work(&KeyManager::new(&*store), role.task).await
    })?;
    print!("{printed}");
    Ok(())
}

fn open(store: &KeyStore) -> Result<Box<dyn ApiKeys>> {
    Ok(match store {
        KeyStore::Folder(folder) => {
            Box::new(MemoryRegistry::new().with_api_keys_in(folder).context("--data is of no use")?)
        }
        KeyStore::Redis { url, prefix } => {
            let registry = RedisRegistry::connect(url.expose()).context("--redis-url is of no use")?;
            Box::new(registry.with_prefix(prefix))
        }
    })
}

async fn work(keys: &KeyManager<'_>, task: KeyTask) -> Result<String> {
    let alone = |key: &ApiKey| format!("{}\n", key.expose());
    Ok(match task {
        KeyTask::Create(new) => alone(&keys.create(new).await?),
        KeyTask::Rotate { id, keep_days } => alone(&keys.rotate(&id, keep_days).await?),
        KeyTask::List(tenant) => keys.list(tenant.as_ref()).await?.iter().map(line).collect(),
        KeyTask::Show(id) => format!("{:#}\n", shown(&keys.show(&id).await?)),
        KeyTask::Revoke(id) => keys.revoke(&id).await.map(|()| String::new())?,
        KeyTask::Change(id, change) => {
            keys.edit(&id, |record| change.apply(record, runtime::unix_ms())).await?;
            String::new()
        }
    })
}

/// Id, tenant, kind, scopes, expiry, last use.
fn line(info: &KeyInfo) -> String {
    let KeyInfo { id, tenant, record, used_ms } = info;
    let KeyRecord { kind, scopes, .. } = record;
    let expiry = match record.revoked_ms {
        Some(_) => "revoked".to_owned(),
        None => time(record.expires_ms),
    };
    let used = used_ms.map_or_else(|| "never".to_owned(), time);
    format!("{id}\t{tenant}\t{kind}\t{scopes}\t{expiry}\t{used}\n")
}

fn shown(KeyInfo { id, tenant, record, used_ms }: &KeyInfo) -> serde_json::Value {
    json!({
        "id": id.as_str(),
        "tenant": Tenant::as_str(tenant),
        "kind": record.kind,
        "scopes": record.scopes,
        "limits": record.limits,
        "created": time(record.created_ms),
        "expires": time(record.expires_ms),
        "revoked": record.revoked_ms.map(time),
        "lastUse": used_ms.map(time),
    })
}

/// A moment, in UTC and to the second.
fn time(ms: i64) -> String {
    let ms = u64::try_from(ms).unwrap_or_default().min(LAST_MS);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(ms)).to_string()
}
