//! `Safe` calls of a session: one that equals another whose answer has not reached its caller gets that one's outcome.
//!
//! What was begun and what came of it stands in the registry, under keys that the calls imply. Here is what only this
//! process knows: which calls are under way in it, and which answers it has given away without word of them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bus::Delivery;
use registry::Key;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Session;
use super::note::Recorded;

/// How long a call waits for word of the answer that an equal one was given. Only a process that has died, or cannot be
/// reached, says nothing for so long.
const WORD_LIMIT: Duration = Duration::from_secs(2);
/// Attempts whose answers are remembered; of others it is as if they had been given just now.
const ANSWERS_MAX: usize = 256;

/// What came of a call under a key.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Its outcome.
    pub(crate) result: Recorded,
    /// Under what that is kept. `None`: nothing was sent, so an equal call is a new one.
    pub(crate) under: Option<Key>,
    /// The call was not done; an equal one was.
    pub(crate) is_replayed: bool,
}

/// Who a call is among equal ones in this process.
#[derive(Debug)]
pub(crate) enum Joined {
    /// The first: to be done, and the others told. Dropped without a word, the next one is the first.
    First(watch::Sender<Option<Told>>),
    /// One is under way.
    Behind(watch::Receiver<Option<Told>>),
}

/// An attempt that was answered.
#[derive(Debug)]
struct Answered {
    attempt: String,
    /// Answers on their way.
    on_their_way: u32,
    /// When the last of them was given.
    last: Instant,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    under_way: HashMap<String, watch::Receiver<Option<Told>>>,
    answered: VecDeque<Answered>,
    /// Changes with every word of an answer.
    news: watch::Sender<()>,
}

impl Repeats {
    /// Puts a call of this print among the equal ones.
    pub(crate) fn join(&mut self, print: &str) -> Joined {
        // Those whose first call has ended are none.
        self.under_way.retain(|_, told| told.has_changed().is_ok());
        if let Some(told) = self.under_way.get(print) {
            return Joined::Behind(told.clone());
        }
        let (sender, told) = watch::channel(None);
        self.under_way.insert(print.to_owned(), told);
        Joined::First(sender)
    }

    /// An answer with the outcome of this attempt is given away.
    pub(crate) fn answered(&mut self, attempt: &str) {
        let now = Instant::now();
        if let Some(known) = self.find(attempt) {
            (known.on_their_way, known.last) = (known.on_their_way.saturating_add(1), now);
            return;
        }
        if self.answered.len() >= ANSWERS_MAX {
            self.answered.pop_front();
        }
        self.answered.push_back(Answered { attempt: attempt.to_owned(), on_their_way: 1, last: now });
    }

    /// What became of an answer. If it has arrived there is nothing left to wait for.
    pub(crate) fn delivered(&mut self, attempt: &str, delivery: Delivery) {
        match delivery {
            Delivery::Written => self.answered.retain(|known| known.attempt != attempt),
            Delivery::Lost => {
                if let Some(known) = self.find(attempt) {
                    known.on_their_way = known.on_their_way.saturating_sub(1);
                }
            }
        }
        self.news.send_replace(());
    }

    /// Until when word of an attempt's answer may come. `None`: nothing is awaited any more.
    fn awaited(&self, attempt: &str) -> Option<Instant> {
        let known = self.answered.iter().find(|known| known.attempt == attempt)?;
        let until = known.last + WORD_LIMIT;
        (known.on_their_way > 0 && Instant::now() < until).then_some(until)
    }

    fn find(&mut self, attempt: &str) -> Option<&mut Answered> {
        self.answered.iter_mut().find(|known| known.attempt == attempt)
    }
}

impl Session {
    /// Waits for word of the answer that was given for an attempt, not for long.
    pub(crate) async fn word_of_answer(&self, attempt: &str, deadline: Instant) {
        {
            let mut repeats = self.repeats();
            // The last owner answered it: when is not known.
            if repeats.find(attempt).is_none() {
                repeats.answered(attempt);
            }
        }
        loop {
            let (awaited, mut news) = {
                let repeats = self.repeats();
                (repeats.awaited(attempt), repeats.news.subscribe())
            };
            let Some(until) = awaited.filter(|_| Instant::now() < deadline) else { return };
            let _ = timeout_at(until.min(deadline), news.changed()).await;
        }
    }
}

/// By what name word of the answer to the call of a key is wanted.
pub(crate) fn receipt(key: &Key) -> String {
    format!("{}:{}", key.attempt(), key.name())
}

/// The key of a receipt.
pub(super) fn key_of(receipt: &str) -> Option<Key> {
    let (attempt, print) = receipt.split_once(':')?;
    Some(Key::Implied { print: print.to_owned(), attempt: attempt.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(repeats: &mut Repeats) -> watch::Sender<Option<Told>> {
        match repeats.join("print") {
            Joined::First(sender) => sender,
            Joined::Behind(_) => panic!("one is under way"),
        }
    }

    #[tokio::test]
    async fn of_equal_calls_one_is_done() {
        let mut repeats = Repeats::default();
        let sender = first(&mut repeats);
        let Joined::Behind(mut told) = repeats.join("print") else { panic!("two are done") };
        assert!(matches!(repeats.join("other"), Joined::First(_)));
        let result = Ok(bus::Payload::Text("done".into()));
        sender.send_replace(Some(Told { result: result.clone(), under: None, is_replayed: false }));
        drop(sender);
        let told = told.wait_for(Option::is_some).await.unwrap().clone();
        assert_eq!(told.unwrap().result, result);
        let sender = first(&mut repeats);
        let Joined::Behind(mut told) = repeats.join("print") else { panic!("two are done") };
        drop(sender);
        assert!(told.wait_for(Option::is_some).await.is_err(), "the first one has sent nothing");
        first(&mut repeats);
        assert_eq!(repeats.under_way.len(), 1, "those that have ended are forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn word_is_awaited_while_an_answer_is_on_its_way_and_not_for_long() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.awaited("1"), None);
        repeats.answered("1");
        assert!(repeats.awaited("1").is_some());
        repeats.delivered("1", Delivery::Lost);
        repeats.delivered("1", Delivery::Lost);
        assert_eq!(repeats.awaited("1"), None);
        for _ in 0..2 {
            repeats.answered("1");
        }
        repeats.delivered("1", Delivery::Lost);
        assert!(repeats.awaited("1").is_some(), "another one is on its way still");
        tokio::time::advance(WORD_LIMIT).await;
        assert_eq!(repeats.awaited("1"), None);
        repeats.answered("1");
        assert!(repeats.awaited("1").is_some());
        repeats.delivered("1", Delivery::Written);
        assert!(repeats.awaited("1").is_none() && repeats.answered.is_empty());
        (0..=ANSWERS_MAX).for_each(|attempt| repeats.answered(&attempt.to_string()));
        assert_eq!(repeats.answered.len(), ANSWERS_MAX);
    }

    #[test]
    fn a_receipt_names_its_key() {
        let key = Key::Implied { print: "a:b".to_owned(), attempt: "7".to_owned() };
        assert_eq!(key_of(&receipt(&key)), Some(key));
        assert_eq!(key_of("nonsense"), None);
    }
}
