//! Pending orders: placing, changing, removing, expiring.

use std::time::Duration;

use model::calc::holds_margin;
use model::{Expiration, Filling, OrderState, Price, Reason, Retcode, ServerTime, Side, day_start_s};

use super::desk::{Desk, Done};
use super::market_order::done;
use super::{Change, List, Order, TradeRequest, check};
use crate::catalogue::Symbol;

const DAY: Duration = Duration::from_hours(24);

/// When an order ends by itself.
pub(super) fn end_of(order: &Order) -> Option<ServerTime> {
    let day_end = |time: ServerTime| ServerTime::from_parts(day_start_s(time.seconds()), 0) + DAY;
    match order.expiration {
        Expiration::GoodTillCancelled => None,
        Expiration::Day => Some(day_end(order.placed)),
        Expiration::Specified => order.expires,
        Expiration::SpecifiedDay => order.expires.map(day_end),
    }
}

impl Desk<'_> {
    /// Places a pending order. Where its type has a margin ratio it holds margin from now on, and there must be enough;
    /// others are checked when they are filled.
    pub(super) fn place(&mut self, request: &TradeRequest) -> Result<Done, Retcode> {
        let symbol = self.named_symbol(&request.symbol)?;
        let side = request.kind.side().filter(|_| request.kind.is_pending());
        let side = side.ok_or(Retcode::INVALID_ORDER)?;
        check::filling(&symbol, request.kind, request.filling)?;
        check::volume(&symbol, request.volume)?;
        check::direction(&symbol, side)?;
        check::kind(&symbol, request.kind)?;
        let expires = check::expiration(&symbol, request.expiration, request.expires_s, self.now)?;
        let quote = self.open_market(&symbol)?;
        let price = check::price(&symbol, request.price, Retcode::INVALID_PRICE)?;
        let limit_price = self.limit_price(&symbol, request, None)?;
        check::pending_prices(&symbol, request.kind, price, limit_price, quote)?;
        let (sl, tp) = (check::stop(&symbol, request.sl)?, check::stop(&symbol, request.tp)?);
        check::stops(&symbol, side, limit_price.unwrap_or(price), sl, tp)?;
        if self.account.orders.len() >= self.ledger.limits.orders_max {
            return Err(Retcode::ORDER_LIMIT);
        }
        self.volume_limit(&symbol, side, request.volume)?;
        let mut order = self.market_order(&symbol, side, request.volume);
        order.kind = request.kind;
        order.state = OrderState::Placed;
        (order.price, order.limit_price, order.sl, order.tp) = (price, limit_price, sl, tp);
        (order.filling, order.expiration, order.expires) = (request.filling, request.expiration, expires);
        order.comment.clone_from(&request.comment);
        match self.margin_rate(&symbol, side) {
            Some(rate) => order.rate_margin = rate,
            None if holds_margin(&symbol.contract, order.kind) => return Err(Retcode::NO_QUOTES),
            None => {}
        }
        let is_limit = matches!(order.kind.flag(), 2);
        if symbol.has_book() && is_limit {
            return self.match_limit(&symbol, side, order);
        }
        self.afford_order(&order)?;
        let ticket = order.ticket;
        self.announce(List::Open, Change::Added, &order);
        self.keep_working(order);
        Ok(Done::of(Retcode::PLACED, Some(ticket)))
    }

    /// Matches a new limit order with the book; what its filling lets remain goes on working.
    fn match_limit(&mut self, symbol: &Symbol, side: Side, order: Order) -> Result<Done, Retcode> {
        let volume = order.volume_initial;
        let fill = self.fill_under(symbol, side, volume, order.filling, Some(order.price))?;
        match fill {
            Some(fill) => {
                self.position_limit(symbol.id)?;
                self.afford(symbol, side, fill, order.rest_after(fill).as_ref())?;
            }
            None => self.afford_order(&order)?,
        }
        let mut order = order;
        if order.filling == Filling::BookOrCancel {
            // It rests in the book now; from here on it is filled as any other.
            order.filling = Filling::Return;
        }
        let ticket = order.ticket;
        let deal = self.execute(symbol, order, fill);
        Ok(done(ticket, volume, deal))
    }

    /// The limit price of a stop-limit request; a missing one keeps what was there.
    fn limit_price(
        &self,
        symbol: &Symbol,
        request: &TradeRequest,
        old: Option<Price>,
    ) -> Result<Option<Price>, Retcode> {
        let kind_has_one = old.is_some() || request.kind.is_stop_limit();
        match old {
            _ if !kind_has_one => Ok(None),
            Some(old) if request.limit_price == 0.0 => Ok(Some(old)),
            _ => check::price(symbol, request.limit_price, Retcode::INVALID_PRICE).map(Some),
        }
    }

    /// Changes prices and end of a pending order.
    pub(super) fn modify(&mut self, request: &TradeRequest) -> Result<Done, Retcode> {
        let (order, symbol) = self.changeable(request)?;
        let side = order.kind.side().ok_or(Retcode::INVALID_REQUEST)?;
        let expires = check::expiration(&symbol, request.expiration, request.expires_s, self.now)?;
        let quote = self.open_market(&symbol)?;
        let price = check::price(&symbol, request.price, Retcode::INVALID_PRICE)?;
        let limit_price = self.limit_price(&symbol, request, order.limit_price)?;
        let (sl, tp) = (check::stop(&symbol, request.sl)?, check::stop(&symbol, request.tp)?);
        check::order_not_frozen(&symbol, &order, quote.open(side))?;
        let moves = (price, limit_price) != (order.price, order.limit_price);
        if moves {
            check::pending_prices(&symbol, order.kind, price, limit_price, quote)?;
        }
        let reference = limit_price.unwrap_or(price);
        let changed = |new, old| if moves || new != old { new } else { None };
        check::stops(&symbol, side, reference, changed(sl, order.sl), changed(tp, order.tp))?;
        let lives = (request.expiration, expires) != (order.expiration, order.expires);
        if !moves && !lives && (sl, tp) == (order.sl, order.tp) {
            return Err(Retcode::NO_CHANGES);
        }
        let ticket = order.ticket;
        let mut order = order;
        (order.price, order.limit_price, order.sl, order.tp) = (price, limit_price, sl, tp);
        (order.expiration, order.expires) = (request.expiration, expires);
        self.afford_order(&order)?;
        self.take_working(ticket);
        self.announce(List::Open, Change::Updated, &order);
        self.keep_working(order);
        // On an exchange a limit order may now reach into the book.
        self.activate(ticket);
        Ok(Done::of(Retcode::DONE, Some(ticket)))
    }

    /// Removes a pending order.
    pub(super) fn remove(&mut self, request: &TradeRequest) -> Result<Done, Retcode> {
        let (order, symbol) = self.changeable(request)?;
        let side = order.kind.side().ok_or(Retcode::INVALID_REQUEST)?;
        let quote = self.open_market(&symbol)?;
        if order.kind.is_pending() {
            check::order_not_frozen(&symbol, &order, quote.open(side))?;
        }
        let ticket = order.ticket;
        let order = self.take_working(ticket).unwrap_or(order);
        self.finish(order, OrderState::Canceled);
        Ok(Done::of(Retcode::DONE, Some(ticket)))
    }

    /// The working order that a request names, with its symbol. Market orders that wait for volume can only be
    /// removed.
    fn changeable(&self, request: &TradeRequest) -> Result<(Order, std::sync::Arc<Symbol>), Retcode> {
        let order = request.order.and_then(|ticket| self.account.orders.get(&ticket));
        let order = order.ok_or(Retcode::INVALID_REQUEST)?;
        let is_removal = request.action == model::TradeAction::Remove;
        if !order.kind.is_pending() && !is_removal {
            return Err(Retcode::INVALID_REQUEST);
        }
        Ok((order.clone(), self.known_symbol(order.symbol)?))
    }

    /// Ends an order whose time has come.
    pub(super) fn expire(&mut self, ticket: super::Ticket) {
        if let Some(mut order) = self.take_working(ticket) {
            order.reason = Reason::Web;
            self.finish(order, OrderState::Expired);
        }
    }
}
