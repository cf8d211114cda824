//! Looking back: a busy account remembers less than what it was asked for, and what became of a request is judged by all of that.

use std::collections::{BTreeMap, VecDeque};

use wire::records::{Deal, Order};

use super::{Newest, State};
use crate::ranges::Recent;
use crate::session::trade::Sent;

/// Deals, and orders, that are looked back at: what is searched for each request. Accounts that do more within the time of an
/// unsure request do not learn what became of it.
const LOOK_BACK_MAX: usize = 8_192;
/// How much further back than needed is asked for, seconds: clocks differ, and a server may have set its own by an hour.
const MARGIN_S: i64 = 2 * 3600;

/// What a state shows beside what it remembers.
#[derive(Debug, Default)]
pub(super) struct LookBack {
    /// From when on nothing is missing, seconds of the server's clock. None where only what is remembered is there.
    from_s: Option<i64>,
}

impl State {
    /// From when on the history of a request that was sent then is asked for, seconds of the server's clock.
    pub(in crate::session) fn history_of(&self, sent_ms: i64) -> i64 {
        (sent_ms + self.zone.ahead_ms()) / 1000 - MARGIN_S
    }

    /// Whether all deals and ended orders are there that came after a request.
    pub(in crate::session) fn shows_all_since(&self, sent: &Sent) -> bool {
        let is_looked_back_at = self
            .look_back
            .from_s
            .is_some_and(|from_s| sent.sent_ms > 0 && from_s <= self.history_of(sent.sent_ms));
        is_looked_back_at || self.remembers_after(sent.after_deal, sent.after_order)
    }

    /// Judges while everything of a fresh history stands beside what is remembered. The state was brought up to date by it
    /// before.
    pub(in crate::session) fn look_back<T>(
        &mut self,
        recent: Recent,
        judge: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let Recent { history, is_whole, from_s } = recent;
        if history.deals.len() > LOOK_BACK_MAX || history.orders.len() > LOOK_BACK_MAX {
            return judge(self);
        }
        // What was pushed since it was asked for is remembered, or it is missing.
        let newest = Newest {
            deal: history.deals.iter().map(|deal| deal.deal).max().unwrap_or(0),
            order: history.orders.iter().map(|order| order.trade_order).max().unwrap_or(0),
        };
        let is_gapless = self.forgotten.deal <= newest.deal && self.forgotten.order <= newest.order;
        let deals = merged(history.deals, &self.deals, |deal: &Deal| deal.deal);
        let ended = merged(history.orders, &self.ended, |order: &Order| order.trade_order);
        let remembered =
            (std::mem::replace(&mut self.deals, deals), std::mem::replace(&mut self.ended, ended));
        self.look_back.from_s = (is_whole && is_gapless).then_some(from_s);
        let judged = judge(self);
        self.look_back.from_s = None;
        (self.deals, self.ended) = remembered;
        judged
    }
}

/// Both in the order of their tickets; what is remembered may be newer than what was fetched.
fn merged<R: Clone>(fetched: Vec<R>, remembered: &VecDeque<R>, ticket: impl Fn(&R) -> i64) -> VecDeque<R> {
    let mut all: BTreeMap<i64, R> = fetched.into_iter().map(|record| (ticket(&record), record)).collect();
    all.extend(remembered.iter().map(|record| (ticket(record), record.clone())));
    all.into_values().collect()
}
