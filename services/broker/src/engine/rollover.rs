//! What the passing of time does: swaps at midnight, and orders that end.

use std::time::Duration;

use model::calc::{profit_of, rate_buy, rate_sell, value_of};
use model::{DealEntry, Money, OrderState, Price, Reason, ServerTime, Side, SwapMode, day_start_s, pow10};

use super::book::Fill;
use super::desk::Desk;
use super::{Change, DealReport, Engine, Event, List, Position};
use crate::catalogue::Symbol;

/// Midnights caught up with at once. A clock that jumps further charges no more than a year of swaps.
const MIDNIGHTS_MAX: i64 = 366;
/// Days of the year in which swap rates are stated.
const SWAP_DAYS: f64 = 360.0;
const DAY: Duration = Duration::from_hours(24);

impl Engine {
    /// Restates the moments that are compared with the present by a clock that was set. Those of the past stay what the
    /// clock showed then.
    pub(super) fn set_clock(&mut self, by_ms: i64) {
        if self.now != ServerTime::default() {
            self.now = self.now.set_by(by_ms);
        }
        self.market.set_clock(by_ms);
        let offers = self.accounts.values_mut().flat_map(|account| account.offers.values_mut());
        offers.for_each(|offer| offer.until = offer.until.set_by(by_ms));
    }

    /// Moves the clock on, never back, and does what falls due on the way. After the clock was set back, orders end when
    /// it shows their time once more, but nights that have passed do not pass again.
    pub(super) fn pass_time(&mut self, time: ServerTime, events: &mut Vec<Event>) {
        let (before, now) = (self.furthest, self.now.max(time));
        self.furthest = before.max(now);
        // The first command starts the clock: nothing was open before it.
        if before == ServerTime::default() {
            self.now = now;
            return;
        }
        let today = day_start_s(now.seconds());
        let first = day_start_s(before.seconds()).max(today - MIDNIGHTS_MAX * 86_400);
        let mut midnight = ServerTime::from_parts(first, 0) + DAY;
        // Counted, since the end of time is a midnight that never passes.
        for _ in 0..=MIDNIGHTS_MAX {
            if midnight > now {
                break;
            }
            self.now = self.now.max(midnight);
            self.expire(events);
            self.roll_over(events);
            midnight = midnight + DAY;
        }
        self.now = now;
        self.expire(events);
    }

    fn expire(&mut self, events: &mut Vec<Event>) {
        for (login, ticket) in self.ledger.expired(self.now) {
            if let Some(mut desk) = self.desk(login, events) {
                desk.expire(ticket);
            }
        }
    }

    fn roll_over(&mut self, events: &mut Vec<Event>) {
        // The night belongs to the day that ends.
        let ended = (self.now.weekday() + 6) % 7;
        let logins: Vec<_> = self.accounts.keys().copied().collect();
        for login in logins {
            if let Some(mut desk) = self.desk(login, events) {
                if !std::mem::take(&mut desk.account.day_profit).is_zero() {
                    let funds = desk.account.funds();
                    desk.events.push(Event::NewDay { login, funds });
                }
                desk.charge_swaps(ended);
            }
        }
    }
}

impl Desk<'_> {
    fn charge_swaps(&mut self, weekday: usize) {
        self.account.revalue_all(self.market);
        let mut charged = Vec::new();
        for position in self.account.positions.values() {
            let Some(symbol) = self.market.symbol(position.symbol) else { continue };
            let nights = symbol.swap.rates[weekday];
            if nights > 0.0
                && let Some(amount) = self.swap_of(&symbol, position, nights)
                && !amount.is_zero()
            {
                charged.push((position.id, amount));
            }
        }
        self.reopen_all(weekday);
        for (id, amount) in charged {
            let Some(position) = self.account.positions.get_mut(&id) else { continue };
            position.swap += amount;
            position.updated = self.now;
            let position = Some(position.clone());
            let funds = self.account.funds();
            self.report(Change::Updated, DealReport { position, funds, ..DealReport::default() });
        }
        self.enforce_margin();
    }

    /// Closes and opens again the positions whose symbols charge swaps that way.
    fn reopen_all(&mut self, weekday: usize) {
        let ids: Vec<_> = self.account.positions.keys().copied().collect();
        for id in ids {
            let Some(position) = self.account.positions.get(&id).cloned() else { continue };
            let Some(symbol) = self.market.symbol(position.symbol) else { continue };
            let nights = symbol.swap.rates[weekday];
            let Some(quote) = self.market.price(symbol.id).filter(|_| nights > 0.0) else { continue };
            let (close, swap) = match (symbol.swap.mode, position.side) {
                (SwapMode::ReopenClose, side) => (quote.close(side), symbol.swap.of(side)),
                (SwapMode::ReopenBid, side) => (quote.bid, symbol.swap.of(side)),
                _ => continue,
            };
            // A charge makes the opening price worse: higher for buys, lower for sells.
            let shift = -position.side.sign() * swap * nights * symbol.points(1).to_f64();
            let Some(open) = symbol.price(close.to_f64() + shift) else { continue };
            self.reopen(&symbol, &position, quote.close(position.side), open);
        }
    }

    /// Realises what a position has gained so far and opens it again, under the same number and without a commission.
    fn reopen(&mut self, symbol: &Symbol, position: &Position, close: Price, open: Price) {
        let (id, side, volume) = (position.id, position.side, position.volume);
        let order_of = |desk: &mut Self, side: Side| {
            let mut order = desk.market_order(symbol, side, volume);
            (order.position, order.reason) = (Some(id), Reason::Rollover);
            (order.sl, order.tp) = (position.sl, position.tp);
            order.comment.clone_from(&position.comment);
            order
        };
        for price in [close, open] {
            let is_closing = self.account.positions.contains_key(&id);
            let fill = Fill { volume, price };
            let side = if is_closing { side.opposite() } else { side };
            let mut order = order_of(self, side);
            order.is_closing = is_closing;
            self.announce(List::Open, Change::Added, &order);
            let report = if is_closing {
                self.reduce(symbol, &order, id, fill, DealEntry::Out)
            } else {
                let report = self.enlarge(symbol, &mut order, id, side, fill);
                self.keep_costs(report, position)
            };
            order.volume_current -= volume;
            self.finish(order, OrderState::Filled);
            self.report(Change::Added, report);
        }
        self.account.settle_margin(self.market);
    }

    /// What opening a position has cost is still of what is open: closing it in between was not its holder's.
    fn keep_costs(&mut self, report: DealReport, before: &Position) -> DealReport {
        if let Some(position) = self.account.positions.get_mut(&before.id) {
            position.commission = before.commission;
        }
        DealReport { position: self.account.positions.get(&before.id).cloned(), ..report }
    }

    /// The swap of so many nights, account currency. `None` while a rate is missing. The two modes that reopen
    /// positions charge nothing here.
    fn swap_of(&self, symbol: &Symbol, position: &Position, nights: f64) -> Option<Money> {
        let contract = &symbol.contract;
        let deposit = &self.account.terms.deposit;
        let swap = symbol.swap.of(position.side);
        let volume = position.volume;
        let in_currency = |amount: f64, currency: &str| {
            let convert = if amount < 0.0 { rate_buy } else { rate_sell };
            let rate = convert(currency, &deposit.currency, self.market)?;
            Some(Money::round(amount * nights * rate, deposit.digits))
        };
        let interest = |price: Price| {
            let value = value_of(contract, volume, price);
            in_currency(value * swap / 100.0 / SWAP_DAYS, &contract.currency_profit)
        };
        match symbol.swap.mode {
            SwapMode::Off | SwapMode::ReopenClose | SwapMode::ReopenBid => Some(Money::ZERO),
            SwapMode::Points => {
                let open = position.price_current;
                let change = swap * nights / pow10(symbol.digits()) as f64;
                let close = open + Price::from_f64(change, model::SCALE_DIGITS)?;
                profit_of(contract, Side::Buy, volume, open, close, deposit, self.market).map(|p| p.money)
            }
            SwapMode::BaseCurrency => in_currency(swap * volume.lots(), &symbol.currency_base),
            SwapMode::MarginCurrency => in_currency(swap * volume.lots(), &contract.currency_margin),
            SwapMode::DepositCurrency => in_currency(swap * volume.lots(), &deposit.currency),
            SwapMode::InterestCurrent => interest(position.price_current),
            SwapMode::InterestOpen => interest(position.price_open),
        }
    }
}
