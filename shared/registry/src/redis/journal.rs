//! Journal and idempotency keys in Redis.

use async_trait::async_trait;
use bytes::Bytes;

use super::RedisRegistry;
use super::replies::{Row, nonsense, parsed, sent, text, written};
use super::scripts;
use crate::limits::{BEGUN_MAX, KEYS_KEPT, KEYS_MAX, SETTLED_MAX};
use crate::{Entry, Fence, Journal, Keyed, Keys, RegistryError, Written};

#[async_trait]
impl Journal for RedisRegistry {
    async fn begin(&self, token: &str, fence: Fence, entry: &Entry) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let (number, most) = (entry.number.to_string(), BEGUN_MAX.to_string());
        let (has_key, key) = match &entry.key {
            Some(key) => ("1", key.as_str()),
            None => ("0", ""),
        };
        let args = [
            fence.as_bytes(),
            number.as_bytes(),
            &entry.request,
            has_key.as_bytes(),
            key.as_bytes(),
            most.as_bytes(),
        ];
        let keys = [&*names.record, &names.begun, &names.keys];
        match self.lines.script(&scripts::BEGIN, &keys, &args).await? {
            -1 => Err(RegistryError(format!("{BEGUN_MAX} requests of {token} have no outcome yet"))),
            done => Ok(written(done)),
        }
    }

    async fn settle(
        &self,
        token: &str,
        fence: Fence,
        number: u32,
        outcome: &Bytes,
    ) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let (number, kept) = (number.to_string(), SETTLED_MAX.to_string());
        let args = [fence.as_bytes(), number.as_bytes(), outcome, kept.as_bytes()];
        let keys = [&*names.record, &names.begun, &names.journal];
        Ok(written(self.lines.script(&scripts::SETTLE, &keys, &args).await?))
    }

    async fn unsettled(&self, token: &str) -> Result<Vec<Entry>, RegistryError> {
        let names = self.names.session(token);
        let row: Row = self.lines.script(&scripts::UNSETTLED, &[&names.begun], &[]).await?;
        let each = row.chunks_exact(3).map(|fields| {
            let (has_key, key) =
                fields[2].split_first().ok_or_else(|| nonsense("an entry without a mark"))?;
            Ok(Entry {
                number: parsed(&fields[0])?,
                key: if *has_key == b'1' { Some(text(key)?.to_owned()) } else { None },
                request: Bytes::copy_from_slice(&fields[1]),
            })
        });
        let mut entries: Vec<Entry> = each.collect::<Result<_, RegistryError>>()?;
        entries.sort_by_key(|entry| entry.number);
        Ok(entries)
    }

    async fn journal(&self, token: &str) -> Result<Vec<(u32, Bytes, Option<Bytes>)>, RegistryError> {
        let names = self.names.session(token);
        let row: Row = self.lines.script(&scripts::JOURNAL, &[&names.begun, &names.journal], &[]).await?;
        let each = row.chunks_exact(4).map(|fields| {
            let outcome = (fields[0] == b"1").then(|| Bytes::copy_from_slice(&fields[3]));
            Ok((parsed(&fields[1])?, Bytes::copy_from_slice(&fields[2]), outcome))
        });
        let mut entries: Vec<_> = each.collect::<Result<_, RegistryError>>()?;
        entries.sort_by_key(|(number, ..)| *number);
        Ok(entries)
    }
}

#[async_trait]
impl Keys for RedisRegistry {
    async fn begin_key(
        &self,
        token: &str,
        fence: Fence,
        key: &str,
        fingerprint: &str,
    ) -> Result<Keyed, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let (kept, most) = (KEYS_KEPT.as_millis().to_string(), KEYS_MAX.to_string());
        let args = [&*fence, key, fingerprint, &kept, &most].map(str::as_bytes);
        let keys = [&*names.record, &names.keys, &names.times];
        let row: Row = self.lines.script(&scripts::BEGIN_KEY, &keys, &args).await?;
        match row.iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
            [b"stale"] => Ok(Keyed::Stale),
            [b"new"] => Ok(Keyed::New),
            [b"open"] => Ok(Keyed::Open),
            [b"other"] => Ok(Keyed::Other),
            [b"full"] => Ok(Keyed::Full),
            [b"done", outcome] => Ok(Keyed::Done(Bytes::copy_from_slice(outcome))),
            _ => Err(nonsense("not what a key says")),
        }
    }

    async fn settle_key(
        &self,
        token: &str,
        fence: Fence,
        key: &str,
        outcome: &Bytes,
    ) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let args = [fence.as_bytes(), key.as_bytes(), outcome];
        Ok(written(self.lines.script(&scripts::SETTLE_KEY, &[&names.record, &names.keys], &args).await?))
    }

    async fn free_key(&self, token: &str, fence: Fence, key: &str) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let keys = [&*names.record, &names.keys, &names.times];
        let args = [fence.as_bytes(), key.as_bytes()];
        Ok(written(self.lines.script(&scripts::FREE_KEY, &keys, &args).await?))
    }
}
