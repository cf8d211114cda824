//! Guards of accounts and keys ([`access::GuardBook`]): kept in the registry for all processes, asked before a request is begun
//! (`session/guarding.rs`), and watched while sessions are up ([`watch`]).

mod watch;

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::{GuardBook, TooManyKeys, Worth};
use error::{Code, Error};
use registry::GuardsKept;
use tokio::time::Instant;

use crate::session::state::State;
use crate::session::{Guarding, Session, unreachable};
use crate::worker::Worker;

pub(crate) use watch::watch;

/// How often guards are changed anew when somebody was faster.
const CHANGES_MAX: u32 = 16;
/// How long a session may take to say what its account is worth.
pub(crate) const WORTH_LIMIT: Duration = Duration::from_secs(1);

/// Sessions whose guards may have changed.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<HashSet<String>>);

impl Touched {
    fn tokens(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn has(&self, token: &str) -> bool {
        self.tokens().contains(token)
    }

    fn add(&self, token: &str) {
        let mut tokens = self.tokens();
        if !tokens.contains(token) {
            tokens.insert(token.to_owned());
        }
    }
}

impl Worker {
    /// The guards of a session's account.
    pub(crate) async fn guards_of(&self, session: &Session) -> Result<GuardBook, Error> {
        let kept = self.registry().guards(&session.account().name()).await;
        Ok(kept.map_err(|failure| unreachable(&failure))?.book)
    }

    /// Changes the guards of a session's account. Answers them as they are then.
    pub(crate) async fn change_guards(
        &self,
        session: &Session,
        mut change: impl FnMut(&mut GuardBook) -> Result<(), Error> + Send,
    ) -> Result<GuardBook, Error> {
        let account = session.account().name();
        for _ in 0..CHANGES_MAX {
            let kept = self.registry().guards(&account).await;
            let GuardsKept { revision, book } = kept.map_err(|failure| unreachable(&failure))?;
            let mut changed = book.clone();
            change(&mut changed)?;
            if changed == book {
                return Ok(book);
            }
            let is_kept = self.registry().change_guards(&account, revision, &changed).await;
            if is_kept.map_err(|failure| unreachable(&failure))? {
                self.touch_account(session);
                return Ok(changed);
            }
        }
        Err(Error::busy("The guards of the account are being changed by others. Try again."))
    }

    /// All sessions of the account here have other guards now, whichever they were changed by.
    fn touch_account(&self, session: &Session) {
        let sessions = self.all_sessions();
        let own = sessions.iter().filter(|one| one.account() == session.account());
        own.for_each(|one| self.touched.add(one.token()));
    }

    /// What the requests of a caller must keep.
    pub(crate) async fn guarding(&self, session: &Session, by: &access::Caller) -> Guarding {
        Guarding { book: self.guards_now(session, by).await, key: by.key.clone() }
    }

    /// The same for one that is only tried: nothing is kept, and nothing trips.
    pub(crate) async fn guarding_of_tried(&self, session: &Session, by: &access::Caller) -> Guarding {
        let with_key = |mut book: GuardBook| {
            if let Some(key) = &by.key {
                book.put_key(key, &by.limits.guards).map_err(too_many)?;
            }
            Ok(book)
        };
        Guarding { book: self.guards_of(session).await.and_then(with_key), key: by.key.clone() }
    }

    /// The guards as they are for a caller, whose key may bring some of its own, with what trips at this moment.
    async fn guards_now(&self, session: &Session, by: &access::Caller) -> Result<GuardBook, Error> {
        let mut book = self.guards_of(session).await?;
        if let Some(key) = &by.key {
            let guards = &by.limits.guards;
            let is_known = match book.keys.get(key) {
                Some(known) => known.guards == *guards,
                None => guards.are_none(),
            };
            if !is_known {
                let put = |book: &mut GuardBook| book.put_key(key, guards).map(drop).map_err(too_many);
                book = self.change_guards(session, put).await?;
            }
        }
        if book.is_empty() {
            return Ok(book);
        }
        self.touched.add(session.token());
        match self.worth_of(session, &book).await {
            Some(worth) => self.trip(session, book, &worth).await,
            None => Ok(book),
        }
    }

    /// What the account is worth, where its guards want to know that and it can be told.
    async fn worth_of(&self, session: &Session, book: &GuardBook) -> Option<Worth> {
        if !book.all().any(|(_, guarded)| guarded.guards.watches_money()) {
            return None;
        }
        session.visit(Instant::now() + WORTH_LIMIT, State::worth).await.ok().flatten()
    }

    /// Has those guards trip that do at this worth, for all processes.
    async fn trip(&self, session: &Session, book: GuardBook, worth: &Worth) -> Result<GuardBook, Error> {
        let now_ms = runtime::unix_ms();
        if book.clone().trip(worth, now_ms).is_empty() {
            return Ok(book);
        }
        let mut tripped = Vec::new();
        let changed = self
            .change_guards(session, |book| {
                tripped = book.trip(worth, now_ms);
                Ok(())
            })
            .await?;
        for (key, by) in tripped {
            let login = session.account().login;
            tracing::warn!(login, key, %by, equity = worth.equity, loss = worth.loss, "a guard has tripped");
        }
        Ok(changed)
    }
}

fn too_many(full: TooManyKeys) -> Error {
    Error::new(Code::GuardLimit, format!("{full}."))
}
