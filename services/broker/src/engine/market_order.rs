//! Orders that execute at once: opening and closing at market, and the prices promised for it.

use std::time::Duration;

use model::calc::BidAsk;
use model::{Execution, Filling, Price, Retcode, Side, Volume};

use super::account::Offer;
use super::book::Fill;
use super::deal::market_side;
use super::desk::{Desk, Done};
use super::{Ticket, TradeRequest, check};
use crate::catalogue::Symbol;

/// How long a requote and a requested price stand; also told to clients, in seconds.
pub const OFFER_SPAN: Duration = Duration::from_secs(7);

impl Desk<'_> {
    /// Promises the current prices for a while.
    pub(super) fn ask_prices(&mut self, request: &TradeRequest) -> Result<Done, Retcode> {
        let symbol = self.named_symbol(&request.symbol)?;
        let quote = self.open_market(&symbol)?;
        self.promise(&symbol, quote);
        Ok(Done::of(Retcode::PRICES, None))
    }

    fn promise(&mut self, symbol: &Symbol, price: BidAsk) {
        self.account.offers.insert(symbol.id, Offer { price, until: self.now + OFFER_SPAN });
    }

    /// Trades without naming a position: opens one, or changes the one that a netting account has in the symbol.
    pub(super) fn open(&mut self, request: &TradeRequest) -> Result<Done, Retcode> {
        let symbol = self.named_symbol(&request.symbol)?;
        let side = market_side(request.kind).ok_or(Retcode::INVALID_ORDER)?;
        check::filling(&symbol, request.kind, request.filling)?;
        check::volume(&symbol, request.volume)?;
        let opened = self.opened_by(symbol.id, side, request.volume);
        if !opened.is_zero() {
            check::direction(&symbol, side)?;
        }
        check::kind(&symbol, request.kind)?;
        let quote = self.open_market(&symbol)?;
        if let Some(position) = self.account.net(symbol.id).filter(|position| position.side != side) {
            check::position_not_frozen(&symbol, position, quote)?;
        }
        let (sl, tp) = (check::stop(&symbol, request.sl)?, check::stop(&symbol, request.tp)?);
        check::stops(&symbol, side, quote.close(side), sl, tp)?;
        let promised = self.agree_price(&symbol, side, quote, request)?;
        self.position_limit(symbol.id)?;
        self.volume_limit(&symbol, side, opened)?;
        let fill = self.market_fill(&symbol, side, request.volume, request, promised)?;
        let resting = Fill { volume: request.volume, price: quote.open(side) };
        self.afford(&symbol, side, fill.unwrap_or(resting), None)?;
        let mut order = self.market_order(&symbol, side, request.volume);
        (order.sl, order.tp, order.filling) = (sl, tp, request.filling);
        order.comment.clone_from(&request.comment);
        self.account.offers.remove(&symbol.id);
        let ticket = order.ticket;
        let deal = self.execute(&symbol, order, fill);
        Ok(done(ticket, request.volume, deal))
    }

    /// Closes a position, or a part of it.
    pub(super) fn close(&mut self, id: Ticket, request: &TradeRequest) -> Result<Done, Retcode> {
        let position = self.position(Some(id))?;
        let symbol = self.known_symbol(position.symbol)?;
        let volume = if request.volume.is_zero() { position.volume } else { request.volume };
        if volume > position.volume {
            return Err(Retcode::INVALID_VOLUME);
        }
        let side = position.side.opposite();
        if market_side(request.kind) != Some(side) {
            return Err(Retcode::INVALID_REQUEST);
        }
        check::filling(&symbol, request.kind, request.filling)?;
        // A whole position can always be closed, whatever parts it was filled in.
        if volume < position.volume {
            check::closing_volume(&symbol, volume)?;
        }
        check::kind(&symbol, request.kind)?;
        let quote = self.open_market(&symbol)?;
        check::position_not_frozen(&symbol, &position, quote)?;
        self.account.closing_order(&position)?;
        if !self.closing_orders(id).is_empty() {
            return Err(Retcode::CLOSE_ORDER_EXISTS);
        }
        let promised = self.agree_price(&symbol, side, quote, request)?;
        let fill = self.market_fill(&symbol, side, volume, request, promised)?;
        let mut order = self.market_order(&symbol, side, volume);
        (order.position, order.is_closing, order.filling) = (Some(id), true, request.filling);
        order.comment.clone_from(&request.comment);
        self.account.offers.remove(&symbol.id);
        let ticket = order.ticket;
        let deal = self.execute(&symbol, order, fill);
        Ok(done(ticket, volume, deal))
    }

    /// The promised price that a request names, if it names one. On instant and request execution a price
    /// that the market has left, by more than the deviation, is answered by a requote.
    fn agree_price(
        &mut self,
        symbol: &Symbol,
        side: Side,
        quote: BidAsk,
        request: &TradeRequest,
    ) -> Result<Option<Price>, Retcode> {
        let deviation = match symbol.execution {
            Execution::Market | Execution::Exchange => return Ok(None),
            Execution::Instant => request.deviation,
            Execution::Request => 0,
        };
        if request.price == 0.0 {
            return Ok(None);
        }
        let asked = check::price(symbol, request.price, Retcode::INVALID_PRICE)?;
        let offer = self.account.offers.get(&symbol.id).filter(|offer| offer.until >= self.now);
        if offer.is_some_and(|offer| offer.price.open(side) == asked) {
            return Ok(Some(asked));
        }
        let market = quote.open(side);
        let worse = match side {
            Side::Buy => market - asked,
            Side::Sell => asked - market,
        };
        if worse > symbol.points(i64::from(deviation)) {
            self.promise(symbol, quote);
            return Err(Retcode::REQUOTE);
        }
        Ok(None)
    }

    /// What an order that executes at once gets. Nothing is an answer only where the order may wait for more.
    fn market_fill(
        &self,
        symbol: &Symbol,
        side: Side,
        volume: Volume,
        request: &TradeRequest,
        promised: Option<Price>,
    ) -> Result<Option<Fill>, Retcode> {
        let fill = match promised {
            Some(price) => Some(Fill { volume, price }),
            None => self.fill_under(symbol, side, volume, request.filling, None)?,
        };
        Ok(fill.map(|fill| part_of(symbol, fill, request.share)))
    }

    /// What the filling rule makes of the market's offer.
    pub(super) fn fill_under(
        &self,
        symbol: &Symbol,
        side: Side,
        volume: Volume,
        filling: Filling,
        limit: Option<Price>,
    ) -> Result<Option<Fill>, Retcode> {
        let offer = self.market.offer(symbol, side, volume, limit);
        match (filling, offer) {
            (Filling::Return, offer) => Ok(offer),
            (Filling::FillOrKill, Some(fill)) if fill.volume == volume => Ok(Some(fill)),
            (Filling::ImmediateOrCancel, Some(fill)) => Ok(Some(fill)),
            (Filling::BookOrCancel, None) => Ok(None),
            _ => Err(Retcode::REJECTED),
        }
    }
}

/// A part of a fill: whole steps, one at least.
fn part_of(symbol: &Symbol, fill: Fill, share: f64) -> Fill {
    if share >= 1.0 {
        return fill;
    }
    let step = symbol.volume_step.units().max(1);
    let part = (fill.volume.units() as f64 * share) as u64 / step * step;
    Fill { volume: Volume::from_units(part.max(step)).min(fill.volume), ..fill }
}

/// The answer to an order of `asked` volume after its first deal.
pub(super) fn done(ticket: Ticket, asked: Volume, deal: Option<super::Deal>) -> Done {
    let Some(deal) = deal else { return Done::of(Retcode::PLACED, Some(ticket)) };
    let retcode = if deal.volume == asked { Retcode::DONE } else { Retcode::DONE_PARTIALLY };
    Done { retcode, deal: Some(deal.ticket), order: Some(ticket), volume: deal.volume, price: deal.price }
}
