//! Equal connect calls that come while the first is under way are one: what becomes of it is the answer to all. Those of
//! other processes wait for it and find what it has made.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use error::Error;
use registry::AccountName;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::backend::Caller;

/// What became of a connect call.
#[derive(Clone)]
struct Outcome {
    token: Result<String, Error>,
    /// Where it must go instead.
    elsewhere: Option<String>,
}

/// Connect calls under way, by what stands for each with all its parameters.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<HashMap<String, watch::Receiver<Option<Outcome>>>>);

impl UnderWay {
    fn calls(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<Option<Outcome>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of the first call of this print, or the outcome to come of the one that is.
    fn enter(&self, print: &str) -> Result<First<'_>, watch::Receiver<Option<Outcome>>> {
        let mut calls = self.calls();
        if let Some(first) = calls.get(print) {
            return Err(first.clone());
        }
        let (told, outcome) = watch::channel(None);
        calls.insert(print.to_owned(), outcome);
        Ok(First { calls: self, print: print.to_owned(), told })
    }
}

/// The place of a call that equal ones wait for, until it is dropped.
struct First<'a> {
    calls: &'a UnderWay,
    print: String,
    told: watch::Sender<Option<Outcome>>,
}

impl Drop for First<'_> {
    fn drop(&mut self) {
        self.calls.calls().remove(&self.print);
    }
}

impl Caller<'_> {
    /// Connects, unless an equal call does so already.
    pub(super) async fn once(
        &self,
        print: String,
        deadline: Instant,
        connecting: impl Future<Output = Result<String, Error>>,
    ) -> Result<String, Error> {
        loop {
            let mut first = match self.worker.connects.enter(&print) {
                Ok(place) => {
                    let token = self.in_turn(&print, deadline, connecting).await;
                    place
                        .told
                        .send_replace(Some(Outcome { token: token.clone(), elsewhere: self.elsewhere() }));
                    return token;
                }
                Err(first) => first,
            };
            let told = timeout_at(deadline, first.wait_for(Option::is_some)).await;
            let outcome = match told {
                Ok(Ok(outcome)) => outcome.clone(),
                // It was given up without a word.
                Ok(Err(_)) => continue,
                Err(_) => return Err(Error::timeout("The login")),
            };
            let Some(Outcome { token, elsewhere }) = outcome else { continue };
            return match elsewhere {
                Some(address) => Err(self.go_to(address)),
                None => token,
            };
        }
    }

    /// One after the other in all processes: the next finds what the first has made.
    async fn in_turn(
        &self,
        print: &str,
        deadline: Instant,
        connecting: impl Future<Output = Result<String, Error>>,
    ) -> Result<String, Error> {
        let _turn = self.worker.turn(&AccountName::new(format!("equal/{print}")), deadline).await?;
        connecting.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_wait_are_told_and_the_next_begins_anew() {
        let calls = UnderWay::default();
        let Ok(first) = calls.enter("a") else { panic!("somebody is there") };
        assert!(calls.enter("b").is_ok(), "another call waits for nobody");
        let Err(mut waiting) = calls.enter("a") else { panic!("nobody is there") };
        first.told.send_replace(Some(Outcome { token: Ok("token".into()), elsewhere: None }));
        drop(first);
        let told = waiting.wait_for(Option::is_some).await.unwrap().clone();
        assert_eq!(told.unwrap().token.unwrap(), "token");
        let Ok(given_up) = calls.enter("a") else { panic!("it is over") };
        let Err(mut waiting) = calls.enter("a") else { panic!("nobody is there") };
        drop(given_up);
        assert!(waiting.wait_for(Option::is_some).await.is_err());
        assert!(calls.enter("a").is_ok());
    }
}
