//! Journal and idempotency keys in Redis.

use async_trait::async_trait;
use bytes::Bytes;

use super::RedisRegistry;
use super::replies::{Row, nonsense, parsed, sent, text, written};
use super::scripts;
use crate::journal::settled_before;
use crate::limits::{BEGUN_MAX, EARLY_MAX, SETTLED_BYTES, SETTLED_MAX};
use crate::{CallOutcome, Entry, Fence, Journal, Key, Keyed, Keys, RegistryError, Written};

/// How the key of an entry stands beside it: its kind in one letter, then what makes it.
fn mark(key: Option<&Key>) -> String {
    match key {
        None => "0".to_owned(),
        Some(Key::Chosen(name)) => format!("1{name}"),
        Some(Key::Implied { print, attempt }) => format!("2{attempt}:{print}"),
    }
}

/// The key of a mark.
fn key_of(mark: &[u8]) -> Result<Option<Key>, RegistryError> {
    let (kind, rest) = mark.split_first().ok_or_else(|| nonsense("an entry without a mark"))?;
    let rest = text(rest)?;
    Ok(match kind {
        b'1' => Some(Key::Chosen(rest.to_owned())),
        b'2' => {
            let parts = rest.split_once(':').ok_or_else(|| nonsense("a key without an attempt"))?;
            Some(Key::Implied { print: parts.1.to_owned(), attempt: parts.0.to_owned() })
        }
        _ => None,
    })
}

#[async_trait]
impl Journal for RedisRegistry {
    async fn begin(&self, token: &str, fence: Fence, entry: &Entry) -> Result<Written, RegistryError> {
        entry.check()?;
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let (number, most) = (entry.number.to_string(), BEGUN_MAX.to_string());
        let (key, mark) = (entry.key.as_ref(), mark(entry.key.as_ref()));
        let args = [
            fence.as_bytes(),
            number.as_bytes(),
            &entry.request,
            mark.as_bytes(),
            key.map_or("", Key::name).as_bytes(),
            key.map_or("", Key::attempt).as_bytes(),
            most.as_bytes(),
        ];
        let book = key.map_or(&names.chosen, |key| names.of(key));
        let keys = [&*names.record, &names.begun, &book.keys, &book.bytes];
        match self.lines.script(&scripts::BEGIN, &keys, &args).await? {
            -1 => Err(RegistryError(format!("{BEGUN_MAX} requests of {token} have no outcome yet"))),
            -2 => Err(settled_before(token, entry.number)),
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
        let number = number.to_string();
        let most = [SETTLED_MAX, SETTLED_BYTES, EARLY_MAX].map(|most| most.to_string());
        let [settled, bytes, early] = most.each_ref().map(String::as_bytes);
        let args = [fence.as_bytes(), number.as_bytes(), outcome, settled, bytes, early];
        let keys = [&*names.record, &names.begun, &names.journal];
        Ok(written(self.lines.script(&scripts::SETTLE, &keys, &args).await?))
    }

    async fn unsettled(&self, token: &str) -> Result<Vec<Entry>, RegistryError> {
        let names = self.names.session(token);
        let row: Row = self.lines.script(&scripts::UNSETTLED, &[&names.begun], &[]).await?;
        let each = row.chunks_exact(3).map(|fields| {
            Ok(Entry {
                number: parsed(&fields[0])?,
                key: key_of(&fields[2])?,
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
        key: &Key,
        fingerprint: &str,
    ) -> Result<Keyed, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let bounds = key.bounds();
        let kept_for = bounds.kept_for.as_millis().to_string();
        let (most, most_bytes) = (bounds.count.to_string(), bounds.bytes.to_string());
        let args = [&*fence, key.name(), key.attempt(), fingerprint, &kept_for, &most, &most_bytes];
        let args = args.map(str::as_bytes);
        let book = names.of(key);
        let keys = [&*names.record, &book.keys, &book.times, &book.bytes];
        let row: Row = self.lines.script(&scripts::BEGIN_KEY, &keys, &args).await?;
        match row.iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
            [b"stale"] => Ok(Keyed::Stale),
            [b"new"] => Ok(Keyed::New),
            [b"open", attempt] => Ok(Keyed::Open { attempt: text(attempt)?.to_owned() }),
            [b"other"] => Ok(Keyed::Other),
            [b"full"] => Ok(Keyed::Full),
            [b"done", attempt, outcome] => {
                let (outcome, attempt) = (Bytes::copy_from_slice(outcome), text(attempt)?.to_owned());
                Ok(Keyed::Done { outcome, attempt })
            }
            _ => Err(nonsense("not what a key says")),
        }
    }

    async fn settle_key(
        &self,
        token: &str,
        fence: Fence,
        key: &Key,
        outcome: &CallOutcome,
    ) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let is_known: &[u8] = if outcome.is_known { b"1" } else { b"0" };
        let number = outcome.number.map(|number| number.to_string()).unwrap_or_default();
        let args = [
            fence.as_bytes(),
            key.name().as_bytes(),
            key.attempt().as_bytes(),
            &outcome.text,
            is_known,
            number.as_bytes(),
        ];
        let keys = [&*names.record, &names.of(key).keys, &names.of(key).bytes];
        Ok(written(self.lines.script(&scripts::SETTLE_KEY, &keys, &args).await?))
    }

    async fn free_key(&self, token: &str, fence: Fence, key: &Key) -> Result<Written, RegistryError> {
        let (names, fence) = (self.names.session(token), sent(fence)?);
        let book = names.of(key);
        let keys = [&*names.record, &book.keys, &book.times, &book.bytes];
        let args = [fence.as_bytes(), key.name().as_bytes(), key.attempt().as_bytes()];
        Ok(written(self.lines.script(&scripts::FREE_KEY, &keys, &args).await?))
    }
}
