//! The order journal of a session: calls with an idempotency key happen once, and requests of unknown fate are
//! remembered, so that a caller who comes back does not double an order.
//!
//! It lives as long as the session. Keys are kept for 24 hours; reaching a limit is an answer, not an accident.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use error::{Code, Error};
use registry::Key;
use tokio::sync::watch;
use tokio::time::Instant;

use super::note::Recorded;

/// How long a key is remembered.
const KEEP: Duration = Duration::from_secs(24 * 3600);
/// Keys of a session that are remembered.
const KEYS_MAX: usize = 10_000;
/// For so long an equal `Safe` call is not sent beside a request of unknown fate, as it would not be beside one whose answer was
/// lost: whoever calls again after that has been told to look first.
const UNKNOWN_HOLDS: Duration = Duration::from_secs(600);
/// Requests of unknown fate that are remembered.
const UNKNOWN_MAX: usize = 256;

#[derive(Debug)]
struct Entry {
    fingerprint: String,
    made: Instant,
    outcome: watch::Receiver<Option<Recorded>>,
}

/// A request whose fate is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// Stands for its call and the parameters.
    pub(crate) fingerprint: String,
    /// Under what its call is remembered.
    pub(crate) key: Option<Key>,
    /// Its number.
    pub(crate) action_id: u32,
    /// Since when this process knows of it.
    pub(crate) since: Instant,
}

/// What a key says.
#[derive(Debug)]
pub(crate) enum Begun {
    /// The call is new: do it, and send its outcome. Sending `None`, or dropping this, forgets the key.
    New(watch::Sender<Option<Recorded>>),
    /// It was made before, or is being made: the outcome is here, or comes.
    Before(watch::Receiver<Option<Recorded>>),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: HashMap<String, Entry>,
    order: VecDeque<String>,
    unknown: VecDeque<Unknown>,
    /// Keys that the registry may have begun although its answer was lost, or that it could not be told to free. Nothing
    /// was sent under them.
    in_doubt: HashSet<Key>,
}

impl Journal {
    /// Begins a call under a key. `fingerprint` stands for the call and its parameters.
    pub(crate) fn begin(&mut self, key: &str, fingerprint: &str) -> Result<Begun, Error> {
        self.forget_old();
        if let Some(entry) = self.entries.get(key) {
            let abandoned = entry.outcome.has_changed().is_err() && entry.outcome.borrow().is_none();
            if !abandoned {
                if entry.fingerprint != fingerprint {
                    let detail =
                        "This idempotency key was used for another call. Use a new key for a new order.";
                    return Err(Error::new(Code::DuplicateAttempt, detail));
                }
                return Ok(Begun::Before(entry.outcome.clone()));
            }
            self.forget(key);
        }
        if self.entries.len() >= KEYS_MAX {
            return Err(Error::busy(format!(
                "{KEYS_MAX} idempotency keys of this session are remembered, the most possible. Old ones go after a day."
            )));
        }
        let (sender, outcome) = watch::channel(None);
        let entry = Entry { fingerprint: fingerprint.to_owned(), made: Instant::now(), outcome };
        self.entries.insert(key.to_owned(), entry);
        self.order.push_back(key.to_owned());
        Ok(Begun::New(sender))
    }

    /// Nothing was sent under a key, and the registry may say otherwise. Past the limit it stays at that: a key too many
    /// says "unknown", which is safe.
    pub(crate) fn doubt(&mut self, key: &Key) {
        if self.in_doubt.len() < KEYS_MAX {
            self.in_doubt.insert(key.clone());
        }
    }

    /// Whether nothing was sent under a key of which the registry says that it is open. Asked once, by who begins anew.
    pub(crate) fn take_doubt(&mut self, key: &Key) -> bool {
        self.in_doubt.remove(key)
    }

    /// The outcome of a call has become known after all.
    pub(crate) fn correct(&mut self, key: &str, outcome: Recorded) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.outcome = watch::channel(Some(outcome)).1;
        }
    }

    fn forget(&mut self, key: &str) {
        self.entries.remove(key);
        self.order.retain(|other| other != key);
    }

    fn forget_old(&mut self) {
        while let Some(oldest) = self.order.front() {
            if self.entries.get(oldest).is_some_and(|entry| entry.made.elapsed() < KEEP) {
                break;
            }
            self.entries.remove(oldest);
            self.order.pop_front();
        }
    }

    /// Remembers a request whose fate is unknown.
    pub(crate) fn remember_unknown(&mut self, unknown: Unknown) {
        if self.unknown.len() >= UNKNOWN_MAX {
            self.unknown.pop_front();
        }
        self.unknown.push_back(unknown);
    }

    /// An equal request of late whose fate is unknown. It stays here until that is known, so that whoever asks meanwhile
    /// finds it as well.
    pub(crate) fn unknown(&self, fingerprint: &str) -> Option<Unknown> {
        let is_equal = |unknown: &&Unknown| {
            unknown.fingerprint == fingerprint && unknown.since.elapsed() < UNKNOWN_HOLDS
        };
        self.unknown.iter().find(is_equal).cloned()
    }

    /// The request of the call of this key, if its fate is unknown.
    pub(crate) fn unknown_of(&self, key: &Key) -> Option<Unknown> {
        self.unknown.iter().find(|unknown| unknown.key.as_ref() == Some(key)).cloned()
    }

    /// The fate of a request is known.
    pub(crate) fn forget_unknown(&mut self, known: &Unknown) {
        self.unknown.retain(|unknown| unknown != known);
    }

    /// The fate of the request of this call is known.
    pub(crate) fn forget_unknown_of(&mut self, key: &Key) {
        self.unknown.retain(|unknown| unknown.key.as_ref() != Some(key));
    }
}

#[cfg(test)]
mod tests {
    use bus::Payload;

    use super::*;

    fn ok(text: &str) -> Option<Recorded> {
        Some(Ok(Payload::Text(text.into())))
    }

    #[tokio::test]
    async fn a_repeated_key_gets_the_first_outcome() {
        let mut journal = Journal::default();
        let Ok(Begun::New(sender)) = journal.begin("k", "buy 1") else { panic!("a new key is new") };
        let Ok(Begun::Before(mut outcome)) = journal.begin("k", "buy 1") else { panic!("it is under way") };
        sender.send_replace(ok("done"));
        drop(sender);
        assert_eq!(*outcome.wait_for(Option::is_some).await.unwrap(), ok("done"));
        assert!(matches!(journal.begin("k", "buy 1"), Ok(Begun::Before(_))), "it stays known");
        assert_eq!(journal.begin("k", "buy 2").unwrap_err().code(), Code::DuplicateAttempt);
    }

    #[tokio::test]
    async fn a_call_that_was_never_sent_may_be_tried_again() {
        let mut journal = Journal::default();
        drop(journal.begin("k", "buy 1").unwrap());
        assert!(matches!(journal.begin("k", "buy 2"), Ok(Begun::New(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_forgotten_after_a_day() {
        let mut journal = Journal::default();
        let Ok(Begun::New(sender)) = journal.begin("k", "buy 1") else { panic!("a new key is new") };
        sender.send_replace(ok("done"));
        tokio::time::advance(KEEP).await;
        assert!(matches!(journal.begin("k", "buy 2"), Ok(Begun::New(_))));
    }

    #[test]
    fn a_key_is_in_doubt_until_a_call_begins_under_it() {
        let mut journal = Journal::default();
        let key = |number: usize| Key::Chosen(number.to_string());
        assert!(!journal.take_doubt(&key(1)));
        journal.doubt(&key(1));
        assert!(journal.take_doubt(&key(1)) && !journal.take_doubt(&key(1)));
        (0..=KEYS_MAX).for_each(|number| journal.doubt(&key(number)));
        assert!(!journal.take_doubt(&key(KEYS_MAX)), "there is a limit");
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_request_is_found_by_equal_ones_until_it_is_known_and_not_for_ever() {
        let (mut journal, since) = (Journal::default(), Instant::now());
        let unknown = |action_id, key: Option<&str>| {
            let key = key.map(|name| Key::Chosen(name.to_owned()));
            Unknown { fingerprint: "buy 1".to_owned(), key, action_id, since }
        };
        let (first, second) = (unknown(1000, None), unknown(1001, Some("k")));
        journal.remember_unknown(first.clone());
        journal.remember_unknown(second.clone());
        assert_eq!(journal.unknown("buy 2"), None);
        assert_eq!(journal.unknown_of(&Key::Chosen("other".to_owned())), None);
        let key = Key::Chosen("k".to_owned());
        for _ in 0..2 {
            assert_eq!(journal.unknown_of(&key), Some(second.clone()), "not that of an equal call");
            assert_eq!(journal.unknown("buy 1"), Some(first.clone()), "while others ask about it too");
        }
        journal.forget_unknown_of(&key);
        assert_eq!(journal.unknown_of(&key), None);
        assert_eq!(journal.unknown("buy 1"), Some(first.clone()));
        journal.forget_unknown(&first);
        assert_eq!(journal.unknown("buy 1"), None);
        journal.remember_unknown(unknown(1002, Some("old")));
        tokio::time::advance(UNKNOWN_HOLDS).await;
        assert_eq!(journal.unknown("buy 1"), None);
        let of_key = journal.unknown_of(&Key::Chosen("old".to_owned()));
        assert_eq!(of_key, Some(unknown(1002, Some("old"))), "its key is corrected whenever it is known");
    }
}
