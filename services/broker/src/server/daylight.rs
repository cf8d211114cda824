//! What follows when the server clock is set: daylight saving time begins or ends.

use super::hub::Hub;
use crate::catalogue::{Catalogue, Symbol};
use crate::engine::Command;
use crate::zone::Zone;

impl Hub {
    /// Sets the clock if its zone says so, and tells accounts; markets keep the hours of the places where they are.
    pub(super) fn follow_clock(&mut self) {
        if self.set_clock() {
            self.tell_clock();
        }
        self.follow_hours(true);
    }

    /// Begins or ends daylight saving time now, or leaves it to the calendar again. Silently: accounts go on believing
    /// what they were told before.
    pub(super) fn switch_daylight(&mut self, wanted: Option<bool>, is_silent: bool) {
        self.clock.want_daylight(wanted);
        self.set_clock();
        if !is_silent {
            self.tell_clock();
        }
        self.follow_hours(!is_silent);
    }

    fn set_clock(&mut self) -> bool {
        let Some(by_ms) = self.clock.follow() else { return false };
        tracing::info!(by_ms, zone = %self.clock.zone(), "the server clock is set");
        self.source.set_clock(self.clock.set_ms());
        self.figures.values_mut().for_each(|figures| figures.set_clock(by_ms));
        if by_ms < 0 {
            self.charts.set_back(self.clock.now(), self.catalogue.symbols());
        }
        self.apply(Command::ClockSet { by_ms });
        true
    }

    fn tell_clock(&mut self) {
        if self.clock.tell() {
            let logins: Vec<_> = self.by_login.keys().copied().collect();
            logins.into_iter().for_each(|login| self.tell_account(login));
        }
    }

    /// States the built-in hours by the clock as it is now. Hours that were edited are not built in any more.
    fn follow_hours(&mut self, is_told: bool) {
        let ahead_min = ahead_of_new_york_close(self.clock.ahead().ms(), self.clock.unix_s());
        let before_min = std::mem::replace(&mut self.hours_ahead_min, ahead_min);
        if before_min == ahead_min {
            return;
        }
        let of = |ahead_min| Catalogue::built_in_ahead(self.market_hours, ahead_min);
        let (before, after) = (of(before_min), of(ahead_min));
        let restated = |symbol: &std::sync::Arc<Symbol>| {
            let (before, after) = (before.get(symbol.id)?, after.get(symbol.id)?);
            let schedule = symbol.schedule.restated(&before.schedule, &after.schedule);
            (schedule != symbol.schedule).then(|| Symbol { schedule, ..Symbol::clone(symbol) })
        };
        let changed: Vec<Symbol> = self.catalogue.symbols().iter().filter_map(restated).collect();
        if !changed.is_empty() {
            self.replace_symbols(changed, is_told);
        }
    }
}

/// How far a server clock is ahead of the one that shows midnight when New York closes, minutes.
pub(super) fn ahead_of_new_york_close(ahead_ms: i64, unix_s: i64) -> i32 {
    i32::try_from((ahead_ms - Zone::NEW_YORK_CLOSE.ahead(unix_s).ms()) / 60_000).unwrap_or(0)
}
