//! What one owner of a session leaves to the next: login data, memo, and where the history goes on.

use bytes::Bytes;
use link::Credentials;
use tokio::sync::oneshot;
use wire::records::Portfolio;

use super::Actor;
use crate::login_data::LoginData;
use crate::ranges::Recent;
use crate::session::establish::Target;
use crate::session::memo::Memo;
use crate::session::note::Inherited;
use crate::session::resync::resync;
use crate::session::state::State;

/// How much further back than needed the history is asked for: the server's clock and ours may differ.
const HISTORY_MARGIN_S: i64 = 3600;

/// What the last owner of a session left.
#[derive(Debug)]
pub(crate) struct Legacy {
    /// Where it stood.
    pub(crate) memo: Memo,
    /// What it had sent.
    pub(crate) inherited: Inherited,
}

impl Actor {
    /// Writes the login data as they are now.
    pub(super) fn keep_login(&self) {
        if let Some(sealed) = self.sealed() {
            self.scribe.login(sealed);
        }
    }

    /// Tells everything that the registry should have of the session.
    pub(super) fn copy(&mut self, reply: oneshot::Sender<(Bytes, Bytes)>) {
        self.publisher.begin_memos();
        let memo = match (&mut self.state, &self.legacy) {
            (_, Some(legacy)) => legacy.memo.to_bytes(),
            (Some(state), None) => self.publisher.memo(state).to_bytes(),
            (None, None) => Bytes::new(),
        };
        if let Some(sealed) = self.sealed() {
            let _ = reply.send((sealed, memo));
        }
    }

    /// The login data as they are now. `None`: they cannot be sealed.
    pub(super) fn sealed(&self) -> Option<Bytes> {
        let earlier = self.target.credentials.earlier.clone().filter(|_| self.is_login_kept);
        let credentials = Credentials { earlier, ..self.target.credentials.clone() };
        let data = LoginData {
            account: self.account.clone(),
            target: Target { credentials, ..self.target.clone() },
            error_status: self.error_status,
            is_token_chosen: self.is_token_chosen,
            is_investor: self.admission.is_investor(),
            proved_ms: self.admission.proved_ms(),
            is_demo: self.admission.is_demo(),
        };
        data.seal(&self.shared.ring, &self.token)
            .inspect_err(|failure| {
                tracing::error!(%failure, cause = failure.cause(), "login data cannot be sealed");
            })
            .ok()
    }

    /// Another password has proved to be right.
    pub(super) fn set_password(&mut self, password: String) {
        self.target.credentials.password = password;
        self.keep_login();
    }

    /// The first state: of a session that begins, or that goes on where its last owner stood.
    pub(super) fn begin(&mut self, mut state: State, portfolio: Portfolio, recent: Recent) {
        if self.target.wants_history {
            state.past.want();
        }
        match self.legacy.take() {
            None => {
                state.load_past(recent.history);
                state.load(portfolio);
            }
            Some(Legacy { memo, inherited }) => {
                memo.restore(&mut state, &recent.history);
                self.publisher.restore(memo.wants(), &state);
                self.trades.take_over(inherited);
                self.held_back.extend(resync(&mut state, portfolio, &recent));
                self.trades.look_at(recent, None, &mut state);
            }
        }
        self.state = Some(state);
    }

    /// From when on the history is asked for, seconds of the server clock: before anything unknown can have happened.
    pub(super) fn history_from(&self) -> Option<i32> {
        match (&self.state, &self.legacy) {
            (_, Some(legacy)) => {
                let last = legacy.memo.last_deal_s();
                // A day is asked for at least, so that the session knows what it would otherwise.
                let day_ago = runtime::unix_ms() / 1000 - 26 * HISTORY_MARGIN_S;
                let from = if last == 0 { day_ago } else { last.min(day_ago) };
                Some(i32::try_from(from - HISTORY_MARGIN_S).unwrap_or(0))
            }
            (Some(state), None) => {
                let start = history_start(state);
                let of_requests =
                    self.trades.history_from(state).and_then(|from_s| i32::try_from(from_s).ok());
                Some(of_requests.map_or(start, |from| start.min(from)))
            }
            (None, None) => None,
        }
    }

    /// Gives the memo away once nothing is under way.
    pub(super) fn leave(&mut self, reply: oneshot::Sender<Memo>) {
        self.leaving.push(reply);
        self.leave_if_idle();
    }

    pub(super) fn leave_if_idle(&mut self) {
        if self.leaving.is_empty() || self.trades.are_under_way() || self.scribe.waiting() > 0 {
            return;
        }
        if !self.held_back.is_empty() {
            return;
        }
        let Some(state) = &mut self.state else { return };
        for reply in self.leaving.drain(..) {
            let _ = reply.send(self.publisher.memo(state));
        }
    }
}

/// Before the last deal, or a day ago.
fn history_start(state: &State) -> i32 {
    let last_deal = state.deals.back().map(|deal| i64::from(deal.time_create));
    let now = (runtime::unix_ms() + state.zone.ahead_ms()) / 1000;
    let known = last_deal.unwrap_or(now - 24 * HISTORY_MARGIN_S).min(now);
    i32::try_from(known - HISTORY_MARGIN_S).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::login_data::LoginData;
    use crate::session::actor::look::tests::actor;

    #[tokio::test]
    async fn login_data_say_what_the_password_may_also_while_there_is_no_state() {
        let mut actor = actor();
        actor.state = None;
        for is_investor in [true, false] {
            actor.admission.set_investor(is_investor);
            actor.set_password("secret".to_owned());
            let sealed = actor.sealed().unwrap();
            let data = LoginData::open(&Arc::clone(&actor.shared).ring, &actor.token, &sealed).unwrap();
            assert_eq!(data.is_investor, is_investor);
        }
    }
}
