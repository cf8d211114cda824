//! Netting: a symbol has one position, and all its deals go there.

use model::{DealEntry, Money, Side, Volume};

use super::book::Fill;
use super::deal::Realised;
use super::desk::Desk;
use super::{DealReport, Order, Position, Ticket};
use crate::catalogue::{Symbol, SymbolId};

impl Desk<'_> {
    /// What of a volume opens: all of it, less what it closes of a position on the other side.
    pub(super) fn opened_by(&self, symbol: SymbolId, side: Side, volume: Volume) -> Volume {
        match self.account.net(symbol) {
            Some(position) if position.side != side => volume - position.volume.min(volume),
            _ => volume,
        }
    }

    /// Makes the deal of an order that names no position: it enlarges the one of the symbol, reduces it, closes it
    /// or turns it round.
    pub(super) fn net(&mut self, symbol: &Symbol, order: &mut Order, side: Side, fill: Fill) -> DealReport {
        let Some(position) = self.account.net(symbol.id) else {
            return self.enlarge(symbol, order, order.ticket, side, fill);
        };
        let (id, held) = (position.id, position.volume);
        let is_along = position.side == side;
        order.position = Some(id);
        if is_along {
            self.hand_over_stops(id, order);
            self.enlarge(symbol, order, id, side, fill)
        } else if fill.volume <= held {
            self.reduce(symbol, order, id, fill, DealEntry::Out)
        } else {
            self.reverse(symbol, order, id, side, fill)
        }
    }

    /// The stops of an order replace those of the position that it enlarges, also by none (MetaTrader 5 Help, "Inheritance
    /// of Stop Loss and Take Profit"); a further fill of the same order does not undo what was changed since.
    fn hand_over_stops(&mut self, id: Ticket, order: &Order) {
        if let Some(position) = self.account.positions.get_mut(&id)
            && position.order != order.ticket
        {
            (position.sl, position.tp) = (order.sl, order.tp);
        }
    }

    /// Closes a position and opens the rest of the volume on the other side, by one deal. The position keeps its
    /// number; all else is that of the order.
    fn reverse(&mut self, symbol: &Symbol, order: &Order, id: Ticket, side: Side, fill: Fill) -> DealReport {
        let rate_margin = self.margin_rate(symbol, side).unwrap_or(1.0);
        let Some(closed) = self.account.positions.get(&id) else { return DealReport::default() };
        let opened = fill.volume - closed.volume;
        let commission = self.reversal_commission(symbol, fill, opened);
        let deposit = &self.account.terms.deposit;
        let closing = Fill { volume: closed.volume, ..fill };
        let Realised { profit, rate_profit, swap } =
            Realised::of(symbol, closed, closing, deposit, self.market);
        // The charge of a deal belongs to what it closes and to what it opens, by volume.
        let kept = commission - commission.part(closing.volume, fill.volume, deposit.digits);
        let position = Position {
            id,
            order: order.ticket,
            symbol: symbol.id,
            side,
            volume: opened,
            price_open: fill.price,
            price_current: fill.price,
            sl: order.sl,
            tp: order.tp,
            profit: Money::ZERO,
            rate_profit,
            rate_margin,
            commission: kept,
            swap: Money::ZERO,
            opened: self.now,
            updated: self.now,
            reason: order.reason,
            comment: order.comment.clone(),
        };
        let price_position = closed.price_open;
        let mut deal = self.deal_of(order, side, fill, DealEntry::InOut);
        deal.price_position = price_position;
        (deal.profit, deal.swap, deal.commission) = (profit, swap, commission);
        (deal.rate_profit, deal.rate_margin) = (rate_profit, rate_margin);
        self.account.positions.insert(id, position);
        self.book_deal(deal.clone());
        self.account.revalue(self.market, Some(symbol.id));
        let position = self.account.positions.get(&id).cloned();
        DealReport { deal: Some(deal), position, other: None, funds: self.account.funds() }
    }
}
