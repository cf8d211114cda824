//! Guards at the one place that every trade request passes: whether an account may have what it would have with one.

use access::{Exposure, GuardBook, Tripwire, Worth};
use error::{Code, Error};
use model::{Money, TradeAction};
use wire::records::TradeRequest;

use super::reducing::only_reduces;
use super::state::State;
use super::today::day_of;

/// The guards that a request must keep.
#[derive(Debug)]
pub(crate) struct Guarding {
    /// Those of its account, or why they are not known.
    pub(crate) book: Result<GuardBook, Error>,
    /// The key of its caller.
    pub(crate) key: Option<String>,
}

impl Guarding {
    /// Whether none stands in the way of anything.
    pub(super) fn is_empty(&self) -> bool {
        let none = |book: &GuardBook| {
            book.of(self.key.as_deref()).all(|guarded| guarded.guards.are_none() && guarded.trip.is_none())
        };
        self.book.as_ref().is_ok_and(none)
    }

    /// Whether a request may be sent that does more than reduce, and may add to what is held. `under_way` are those that may have
    /// made what is not seen yet.
    ///
    /// # Errors
    /// With what it is refused.
    pub(super) fn check<'a>(
        &self,
        adds: bool,
        request: &'a TradeRequest,
        state: &mut State,
        under_way: impl Iterator<Item = &'a TradeRequest>,
    ) -> Result<(), Error> {
        let book = self.book.as_ref().map_err(Clone::clone)?;
        let day = state.day();
        let own = || book.of(self.key.as_deref());
        if let Some(trip) = own().find_map(|guarded| guarded.trip_on(day)) {
            return Err(tripped(trip.by));
        }
        if own().any(|guarded| guarded.guards.watches_money()) {
            let worth = state.worth().ok_or_else(worth_unknown)?;
            if let Some(by) = own().find_map(|guarded| guarded.guards.tripped_by(&worth)) {
                return Err(tripped(by));
            }
        }
        if adds {
            let with = state.exposure_with(request, under_way);
            for guarded in own() {
                guarded.guards.check(&with).map_err(|beyond| {
                    Error::new(Code::GuardLimit, format!("A guard refuses the order: {beyond}."))
                })?;
            }
        }
        Ok(())
    }

    /// With what a request would be refused that is only tried.
    pub(crate) fn refusal_of_tried(
        &self,
        adds: bool,
        request: &TradeRequest,
        state: &mut State,
    ) -> Option<Error> {
        if self.is_empty() || only_reduces(request, state, std::iter::empty()) {
            return None;
        }
        self.check(adds, request, state, std::iter::empty()).err()
    }
}

fn tripped(by: Tripwire) -> Error {
    let told = format!(
        "A guard of the account or of the key has tripped: {by}. Until it is reset, positions can be closed and orders \
         deleted only."
    );
    Error::new(Code::GuardTripped, told)
}

fn worth_unknown() -> Error {
    let told = "What the account is worth is not known at the moment, and its guards let nothing through without that.";
    Error::new(Code::ServerBusy, told)
}

impl State {
    /// Which day it is by the server's clock, counted since 1970.
    pub(crate) fn day(&self) -> i64 {
        day_of((runtime::unix_ms() + self.zone.ahead_ms()).div_euclid(1000))
    }

    /// What the account is worth now, and has lost today. `None` while that is not known.
    pub(crate) fn worth(&mut self) -> Option<Worth> {
        let (equity, floating) = self.figures()?;
        let (day, main) = (self.day(), &self.account.main);
        let accrued = Money::round(main.commission_daily, main.currency_digits);
        let gained = self.today.booked_on(day) + floating.total() + accrued;
        Some(Worth { equity: equity.equity.units(), loss: (-gained).units(), day })
    }

    /// What the account would have with an order: all of it added up, whatever the sides are, since each pending order may be
    /// filled, and none need be closed again.
    fn exposure_with<'a>(
        &self,
        request: &'a TradeRequest,
        under_way: impl Iterator<Item = &'a TradeRequest>,
    ) -> Exposure {
        let positions =
            self.positions.values().map(|open| (open.record.trade_symbol.as_str(), open.record.trade_volume));
        let orders = self
            .orders
            .values()
            .map(|order| (order.trade_symbol.as_str(), order.volume_current.unsigned_abs()));
        let requests = under_way.chain(std::iter::once(request));
        let requests = requests.map(|request| (request.trade_symbol.as_str(), request.trade_volume));
        let mut exposure = Exposure::default();
        for (symbol, units) in positions.chain(orders).chain(requests) {
            exposure.lots = exposure.lots.saturating_add(units);
            exposure.positions = exposure.positions.saturating_add(1);
            if symbol == request.trade_symbol {
                exposure.symbol_lots = exposure.symbol_lots.saturating_add(units);
            }
        }
        // Where a symbol has one position, an order at the market changes the one that is there.
        let is_at_market = TradeAction::from_number(request.trade_action) != Some(TradeAction::Pending);
        let has_one = || self.positions.values().any(|open| open.record.trade_symbol == request.trade_symbol);
        if !self.is_hedging() && is_at_market && has_one() {
            exposure.positions -= 1;
        }
        exposure
    }
}
