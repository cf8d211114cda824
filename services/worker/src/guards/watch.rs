//! Looking after accounts with guards while their sessions are up: what trips, trips without anybody asking, and where something
//! has tripped, pending orders are deleted, and positions closed where that is wanted. Each is a call like a client's, written
//! into the journal, and closings are `Safe` ones: done once, whoever owns the session meanwhile.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use access::{Caller, GuardBook, Tenant, Worth, id_of};
use bus::{Ask, Delivery, Params};
use calls::CallId;
use error::Error;
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::session::state::State;
use crate::session::{Phase, Session};
use crate::worker::Worker;

/// Between two looks at what accounts are worth.
const EVERY: Duration = Duration::from_millis(500);
/// Guards of other processes' making are seen after so long.
const READ_EVERY: Duration = Duration::from_secs(2);
/// Accounts whose guards are read, or which are looked at, at the same time.
const AT_ONCE: usize = 16;
/// Orders and positions that are closed at the same time.
const CLOSED_AT_ONCE: usize = 8;
/// How long closing one may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);
/// Before closing is tried again where something is left: twice as long each time that something is refused.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What is known of a session's guards.
struct Watched {
    book: GuardBook,
    read_at: Instant,
    closing: Arc<Closing>,
}

/// Closing what a session has, by one task at a time.
#[derive(Default)]
struct Closing {
    is_running: AtomicBool,
    /// How often something was refused, in a row.
    refusals: AtomicU32,
}

impl Closing {
    /// Before the next time.
    fn pause(&self, is_done: bool) -> Duration {
        if is_done {
            self.refusals.store(0, Ordering::SeqCst);
            return PAUSE_FIRST;
        }
        let before = self.refusals.fetch_add(1, Ordering::SeqCst);
        PAUSE_FIRST.saturating_mul(1 << before.min(6)).min(PAUSE_MAX)
    }
}

/// What there is to close.
struct Held {
    worth: Option<Worth>,
    day: i64,
    orders: Vec<i64>,
    positions: Vec<i64>,
}

/// Watches until the worker stops.
pub(crate) async fn watch(worker: Weak<Worker>) {
    let Some(stop) = worker.upgrade().map(|worker| worker.shared.tasks.stop_signal()) else { return };
    let mut watched = HashMap::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = sleep(EVERY) => {}
        }
        let Some(worker) = worker.upgrade() else { return };
        worker.look_after_guards(&mut watched).await;
    }
}

impl Worker {
    async fn look_after_guards(self: &Arc<Self>, watched: &mut HashMap<String, Watched>) {
        let mut sessions = self.all_sessions();
        sessions.retain(|session| session.standing().holds());
        let tokens: std::collections::HashSet<&str> = sessions.iter().map(Session::token).collect();
        watched.retain(|token, _| tokens.contains(token.as_str()));
        let touched = std::mem::take(&mut *self.touched.tokens());
        let is_due = |session: &&Session| match watched.get(session.token()) {
            None => true,
            Some(known) => {
                let is_old = !known.book.is_empty() && known.read_at.elapsed() >= READ_EVERY;
                is_old || touched.contains(session.token())
            }
        };
        let due: Vec<Session> = sessions.iter().filter(is_due).cloned().collect();
        let read = stream::iter(due).map(|session| async move {
            let book = self.guards_of(&session).await;
            (session, book)
        });
        for (session, book) in read.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await {
            // While the registry is away, guards are as they were last seen.
            let Ok(book) = book else {
                self.touched.add(session.token());
                continue;
            };
            let known = watched.entry(session.token().to_owned()).or_insert_with(|| Watched {
                book: GuardBook::default(),
                read_at: Instant::now(),
                closing: Arc::default(),
            });
            (known.book, known.read_at) = (book, Instant::now());
        }
        let guarded = sessions.iter().filter_map(|session| {
            let known = watched.get(session.token()).filter(|known| !known.book.is_empty())?;
            Some((session, known))
        });
        stream::iter(guarded)
            .for_each_concurrent(AT_ONCE, |(session, known)| self.look_after(session, known))
            .await;
    }

    async fn look_after(self: &Arc<Self>, session: &Session, known: &Watched) {
        let look = |state: &mut State| Held {
            worth: state.worth(),
            day: state.day(),
            orders: state.orders.keys().copied().collect(),
            positions: state.positions.keys().copied().collect(),
        };
        // One that is not up has nothing to be closed by, and others do not wait for it.
        if !matches!(session.phase(), Phase::Online { .. }) {
            return;
        }
        let Ok(held) = session.visit(Instant::now() + super::WORTH_LIMIT, look).await else { return };
        let mut book = known.book.clone();
        if let Some(worth) = &held.worth {
            match self.trip(session, book.clone(), worth).await {
                Ok(changed) => book = changed,
                Err(failure) => tracing::warn!(%failure, "a guard that trips cannot be kept yet"),
            }
        }
        let tripped = || book.all().filter_map(|(_, guarded)| guarded.trip_on(held.day));
        if tripped().next().is_none() {
            return;
        }
        let closes_all = tripped().any(|trip| trip.close_all);
        let positions = if closes_all { held.positions } else { Vec::new() };
        if held.orders.is_empty() && positions.is_empty() {
            return;
        }
        if known.closing.is_running.swap(true, Ordering::SeqCst) {
            return;
        }
        let (worker, session, closing) = (Arc::clone(self), session.clone(), Arc::clone(&known.closing));
        self.shared.tasks.spawn(async move {
            let is_done = worker.close_for_guards(&session, held.orders, positions).await;
            sleep(closing.pause(is_done)).await;
            closing.is_running.store(false, Ordering::SeqCst);
        });
    }

    /// Deletes orders, then closes positions. Says whether all of it was done.
    async fn close_for_guards(&self, session: &Session, orders: Vec<i64>, positions: Vec<i64>) -> bool {
        let mut is_done = true;
        for (call, tickets) in [("OrderCancel", orders), ("OrderCloseSafe", positions)] {
            let Ok(call) = call.parse::<CallId>() else { return false };
            let closing = stream::iter(tickets)
                .map(|ticket| async move {
                    let closed = self.close_one(session, call, ticket).await;
                    closed.inspect_err(|failure| {
                        tracing::warn!(ticket, %failure, "what a guard closes is not closed yet");
                    })
                })
                .buffer_unordered(CLOSED_AT_ONCE);
            is_done &= closing.fold(true, |done, closed| async move { done && closed.is_ok() }).await;
        }
        is_done
    }

    async fn close_one(&self, session: &Session, call: CallId, ticket: i64) -> Result<(), Error> {
        let tenant = Tenant::of(session.token());
        let id = id_of(session.token()).to_owned();
        let ask = Ask {
            call,
            params: Params::from_iter([("id", id.clone()), ("ticket", ticket.to_string())]),
            id: Some(id),
            caller: Arc::new(Caller { tenant, ..Caller::clone(&Caller::local()) }),
            deadline: std::time::Instant::now() + CLOSE_LIMIT,
            idempotency_key: None,
            source: None,
        };
        let answer = self.serve(ask).await.answer;
        // Here it has arrived: the next attempt is a new one, not a look at what came of this one.
        if let Some(receipt) = &answer.receipt {
            session.delivered(receipt, Delivery::Written).await;
        }
        answer.result.map(drop)
    }
}
