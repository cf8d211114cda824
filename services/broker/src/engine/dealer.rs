//! What a dealer does: deals by hand, and other terms of accounts and symbols.

use std::sync::Arc;

use model::{Price, Reason, Retcode};

use super::book::Fill;
use super::command::DealerDeal;
use super::desk::{Desk, Done};
use super::market_order::done;
use super::{AccountTerms, Engine, Event, Verdict};
use crate::catalogue::Catalogue;

/// No trader's request has this tag.
const NO_TAG: u64 = 0;

impl Engine {
    /// Makes a deal, and says in a verdict what came of it.
    pub(super) fn deal_by_hand(&mut self, deal: &DealerDeal, events: &mut Vec<Event>) {
        let verdict = match self.desk(deal.login, events) {
            Some(mut desk) => {
                let outcome = desk.deal_by_hand(deal);
                desk.enforce_margin();
                desk.verdict(Some(deal.symbol), outcome)
            }
            None => Verdict::of(Retcode::INVALID_REQUEST),
        };
        events.push(Event::Verdict { login: deal.login, tag: NO_TAG, verdict });
    }

    pub(super) fn change_terms(&mut self, terms: AccountTerms, events: &mut Vec<Event>) {
        if let Some(mut desk) = self.desk(terms.login, events) {
            desk.account.terms = terms;
            desk.settle();
        }
    }

    pub(super) fn change_symbols(&mut self, catalogue: Arc<Catalogue>, events: &mut Vec<Event>) {
        self.market.change_symbols(catalogue);
        let logins: Vec<_> = self.accounts.keys().copied().collect();
        for login in logins {
            if let Some(mut desk) = self.desk(login, events) {
                desk.settle();
            }
        }
    }
}

impl Desk<'_> {
    fn deal_by_hand(&mut self, deal: &DealerDeal) -> Result<Done, Retcode> {
        let symbol = self.market.symbol(deal.symbol).ok_or(Retcode::INVALID_REQUEST)?;
        let quote = self.market.price(symbol.id).ok_or(Retcode::NO_QUOTES)?;
        let price = deal.price.unwrap_or_else(|| quote.open(deal.side));
        if deal.volume.is_zero() || price <= Price::ZERO {
            return Err(Retcode::INVALID_VOLUME);
        }
        if deal.position.is_some() {
            let position = self.position(deal.position)?;
            if position.symbol != symbol.id || position.side == deal.side || position.volume < deal.volume {
                return Err(Retcode::INVALID_REQUEST);
            }
        }
        let mut order = self.market_order(&symbol, deal.side, deal.volume);
        (order.position, order.is_closing) = (deal.position, deal.position.is_some());
        order.reason = Reason::Dealer;
        order.comment.clone_from(&deal.comment);
        let ticket = order.ticket;
        let made = self.execute(&symbol, order, Some(Fill { volume: deal.volume, price }));
        Ok(done(ticket, deal.volume, made))
    }

    /// What has to be computed anew after terms have changed.
    fn settle(&mut self) {
        if !self.account.positions.is_empty() || !self.account.orders.is_empty() {
            self.account.revalue_all(self.market);
            self.account.settle_margin(self.market);
            self.enforce_margin();
        }
    }
}
