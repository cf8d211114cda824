//! Closing a position by an opposite one.

use model::{DealEntry, OrderType, Retcode};

use super::book::Fill;
use super::desk::{Desk, Done};
use super::{Change, List, TradeRequest, check};

impl Desk<'_> {
    /// Closes the smaller volume of two opposite positions at the opening price of the second: the first deal
    /// takes the whole result, the second none.
    pub(super) fn close_by(&mut self, request: &TradeRequest) -> Result<Done, Retcode> {
        let position = self.position(request.position)?;
        let opposite = self.position(request.position_by)?;
        let symbol = self.known_symbol(position.symbol)?;
        check::kind(&symbol, OrderType::CloseBy)?;
        let is_netting = self.account.terms.is_netting();
        if is_netting || position.symbol != opposite.symbol || position.side == opposite.side {
            return Err(Retcode::INVALID_REQUEST);
        }
        let quote = self.open_market(&symbol)?;
        check::position_not_frozen(&symbol, &position, quote)?;
        check::position_not_frozen(&symbol, &opposite, quote)?;
        self.account.closing_pair(&position, &opposite)?;
        if !self.closing_orders(position.id).is_empty() || !self.closing_orders(opposite.id).is_empty() {
            return Err(Retcode::CLOSE_ORDER_EXISTS);
        }
        let fill = Fill { volume: position.volume.min(opposite.volume), price: opposite.price_open };
        let mut order = self.market_order(&symbol, position.side.opposite(), fill.volume);
        order.kind = OrderType::CloseBy;
        order.price = fill.price;
        (order.position, order.position_by) = (Some(position.id), Some(opposite.id));
        order.is_closing = true;
        order.comment.clone_from(&request.comment);
        self.announce(List::Open, Change::Added, &order);
        let mut report = self.reduce(&symbol, &order, position.id, fill, DealEntry::OutBy);
        let second = self.reduce(&symbol, &order, opposite.id, fill, DealEntry::OutBy);
        self.account.settle_margin(self.market);
        report.other = second.deal.zip(second.position);
        report.funds = second.funds;
        let deal = report.deal.as_ref().map(|deal| deal.ticket);
        let ticket = order.ticket;
        order.volume_current -= fill.volume;
        self.finish(order, model::OrderState::Filled);
        self.report(Change::Added, report);
        Ok(Done { deal, volume: fill.volume, price: fill.price, ..Done::of(Retcode::DONE, Some(ticket)) })
    }
}
