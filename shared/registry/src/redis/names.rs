//! Every key of the registry in Redis is made here.
//!
//! In a cluster a script may only touch keys of one slot, which is chosen by what stands in braces. Keys of a session
//! share a slot, so do the records of all workers, and the keys of an account.

use crate::Key;

/// What all keys and channels begin with, unless the registry is told otherwise.
pub(super) const PREFIX: &str = "mt5rest:";

/// Makes keys.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

/// Keys of a session.
#[derive(Clone, Debug)]
pub(super) struct SessionNames {
    /// Hash: all of it but what outlives it.
    pub(super) record: String,
    /// Hash: login data of a session that has ended.
    pub(super) kept: String,
    /// Stream: events.
    pub(super) log: String,
    /// Stream: settled trade requests.
    pub(super) journal: String,
    /// Hash: trade requests without an outcome.
    pub(super) begun: String,
    /// Of idempotency keys.
    pub(super) chosen: KeyNames,
    /// Of keys that calls imply.
    pub(super) implied: KeyNames,
    /// Channel: what it tells.
    pub(super) channel: String,
}

/// Where keys of one kind are.
#[derive(Clone, Debug)]
pub(super) struct KeyNames {
    /// Hash: what each says.
    pub(super) keys: String,
    /// Sorted set: when they were begun.
    pub(super) times: String,
    /// Number: the bytes of them all.
    pub(super) bytes: String,
}

impl SessionNames {
    /// All keys, in the order that scripts have them.
    pub(super) fn all(&self) -> [&str; 11] {
        let (chosen, implied) = (&self.chosen, &self.implied);
        [
            &self.record,
            &self.kept,
            &self.log,
            &self.journal,
            &self.begun,
            &chosen.keys,
            &chosen.times,
            &chosen.bytes,
            &implied.keys,
            &implied.times,
            &implied.bytes,
        ]
    }

    /// Where keys of this kind are.
    pub(super) fn of(&self, key: &Key) -> &KeyNames {
        match key {
            Key::Chosen(_) => &self.chosen,
            Key::Implied { .. } => &self.implied,
        }
    }
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Keys of a session.
    pub(super) fn session(&self, token: &str) -> SessionNames {
        let name = |kind| self.name("session", token, kind);
        SessionNames {
            record: name("record"),
            kept: name("kept"),
            log: name("log"),
            journal: name("journal"),
            begun: name("begun"),
            chosen: KeyNames { keys: name("keys"), times: name("times"), bytes: name("keys_bytes") },
            implied: KeyNames {
                keys: name("implied"),
                times: name("implied_times"),
                bytes: name("implied_bytes"),
            },
            channel: name("channel"),
        }
    }

    /// Sorted set, hash, hash, sorted set: until when workers live; what they are; their sessions; who is dead since when.
    pub(super) fn workers(&self) -> [String; 4] {
        ["lives", "infos", "sessions", "dead"].map(|kind| format!("{}{{workers}}:{kind}", self.prefix))
    }

    /// Sorted set: tokens to a worker's name.
    pub(super) fn tokens_at(&self, worker: &str) -> String {
        self.name("worker", worker, "tokens")
    }

    /// Sorted set: tokens of an account.
    pub(super) fn tokens_of(&self, account: &str) -> String {
        self.name("account", account, "tokens")
    }

    /// Sorted set: tokens of sessions in quarantine.
    pub(super) fn quarantine(&self) -> String {
        format!("{}{{quarantine}}:tokens", self.prefix)
    }

    /// Text: who connects the account.
    pub(super) fn turn(&self, account: &str) -> String {
        self.name("account", account, "turn")
    }

    /// Hash: the guards of an account.
    pub(super) fn guards(&self, account: &str) -> String {
        self.name("account", account, "guards")
    }

    /// Hash: logins of an account, and its refusals.
    pub(super) fn account_bucket(&self, account: &str) -> String {
        self.name("account", account, "logins")
    }

    /// Hash: logins at a broker.
    pub(super) fn broker_bucket(&self, broker: &str) -> String {
        self.name("broker", broker, "logins")
    }

    /// Hash: what was drawn from a bucket.
    pub(super) fn rate_bucket(&self, bucket: &str) -> String {
        self.name("rate", bucket, "drawn")
    }

    /// Sorted sets: brokers and accounts with logins of late.
    pub(super) fn seen(&self) -> [String; 2] {
        ["brokers", "accounts"].map(|kind| format!("{}{{logins}}:{kind}", self.prefix))
    }

    /// Sorted sets, hash, number: when sessions have ended, and when they expire; the bytes of each, and of all.
    pub(super) fn ended(&self) -> [String; 4] {
        ["times", "expiries", "sizes", "bytes"].map(|kind| format!("{}{{ended}}:{kind}", self.prefix))
    }

    /// Hash, hash, sorted set, hash, hash, number: records of API keys, their tenants, when they end, when they were used last,
    /// how many a tenant has; and what changes with each change of them.
    pub(super) fn api_keys(&self) -> [String; 6] {
        ["records", "tenants", "ends", "uses", "counts", "stamp"]
            .map(|kind| format!("{}{{api_keys}}:{kind}", self.prefix))
    }

    /// Hash, sorted set: contents of tickets, and when they end.
    pub(super) fn tickets(&self) -> [String; 2] {
        ["contents", "ends"].map(|kind| format!("{}{{tickets}}:{kind}", self.prefix))
    }

    /// Stream, number, list: lines of the record of a tenant, their bytes, and its checkpoints.
    pub(super) fn audit(&self, tenant: &str) -> [String; 3] {
        ["lines", "bytes", "checkpoints"].map(|kind| self.name("audit", tenant, kind))
    }

    /// Hash: what is kept of the trial.
    pub(super) fn trial(&self) -> String {
        format!("{}{{trial}}:mark", self.prefix)
    }

    /// Sorted set: tokens of all sessions that have not ended, the oldest first.
    pub(super) fn counted(&self) -> String {
        format!("{}{{counted}}:tokens", self.prefix)
    }

    /// Whose channel it is.
    pub(super) fn token_of(&self, channel: &[u8]) -> Option<String> {
        let rest = std::str::from_utf8(channel).ok()?.strip_prefix(&self.prefix)?;
        let escaped = rest.strip_prefix("session:{")?.strip_suffix("}:channel")?;
        if escaped == "%" {
            return Some(String::new());
        }
        Some(escaped.replace("%7D", "}").replace("%7B", "{").replace("%25", "%"))
    }

    fn name(&self, group: &str, of: &str, kind: &str) -> String {
        format!("{}{group}:{{{}}}:{kind}", self.prefix, escaped(of))
    }
}

/// The text without braces, which would end the part that chooses the slot; never empty, for then all of the key would.
fn escaped(text: &str) -> String {
    if text.is_empty() {
        return "%".to_owned();
    }
    text.replace('%', "%25").replace('{', "%7B").replace('}', "%7D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_chose_cannot_leave_its_slot() {
        let names = Names::new(PREFIX);
        for token in ["", "}", "{", "{}", "a}b", "a{b}c", "%7D", "%", "é"] {
            let record = names.session(token).record;
            let tag = record.split_once('{').unwrap().1.split_once('}').unwrap().0;
            assert!(!tag.is_empty() && record.matches(['{', '}']).count() == 2, "{token}: {record}");
        }
        let records = ["", "%", "}", "%7D", "%25"].map(|token| names.session(token).record);
        assert!(records.iter().enumerate().all(|(index, one)| !records[..index].contains(one)));
        for token in ["", "}", "%7D", "%", "%257D", "a{b}c"] {
            assert_eq!(names.token_of(names.session(token).channel.as_bytes()).as_deref(), Some(token));
        }
        assert_eq!(names.session("a}b").log, "mt5rest:session:{a%7Db}:log");
        assert_ne!(names.tokens_of("workers"), names.workers()[0]);
    }
}
