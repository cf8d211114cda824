//! The symbols that the broker offers, with the terms of each. The rows themselves are in `table`; this
//! module turns them into values the engine and the server use.

mod groups;
mod holidays;
mod hours;
mod row;
mod table;

use std::collections::HashMap;
use std::sync::Arc;

use hours::UTC_AHEAD_MIN;
use model::calc::Contract;
use model::{CalcMode, Execution, Price, Side, SwapMode, TradeMode, Volume, pow10};

pub use groups::{
    CommissionEntry, CommissionPer, CommissionRange, CommissionRule, CommissionTier, CommissionUnit, GROUPS,
    Group, GroupLeverage, group,
};
pub use holidays::Holiday;
pub use hours::{MarketHours, SESSIONS_MAX, Schedule, Session};

/// Levels on each side of an order book.
pub const BOOK_DEPTH: u32 = 10;

/// The number that stands for a symbol in ticks and subscriptions: its place in the catalogue, from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub u32);

impl SymbolId {
    /// Its place in a list of all symbols.
    #[must_use]
    pub fn index(self) -> usize {
        (self.0 as usize).wrapping_sub(1)
    }
}

/// Swap terms of a symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swap {
    /// What the two numbers mean.
    pub mode: SwapMode,
    /// For buys, a lot and night, in the unit of the mode.
    pub long: f64,
    /// For sells.
    pub short: f64,
    /// Weekday of the triple swap, 0 = Sunday; 7 = none.
    pub triple_day: u32,
    /// Multiplier for the night that ends each weekday, Sunday first.
    pub rates: [f64; 7],
}

impl Swap {
    /// For a position of this side, a lot and night, in the unit of the mode.
    #[must_use]
    pub const fn of(&self, side: Side) -> f64 {
        match side {
            Side::Buy => self.long,
            Side::Sell => self.short,
        }
    }
}

/// What a generated price moves by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Price around which the walk of two years stays.
    pub price: f64,
    /// Standard deviation of a day's change, a fraction of the price.
    pub volatility: f64,
    /// Usual spread, points.
    pub spread: i64,
    /// Average number of ticks a second.
    pub ticks_per_second: f64,
}

/// A symbol and everything about it but its price.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    /// Its number on the wire.
    pub id: SymbolId,
    /// Its name, the key everywhere else.
    pub name: String,
    /// In words.
    pub description: String,
    /// Folders and name, joined by backslashes.
    pub path: String,
    /// Underlying of a derivative, else empty.
    pub basis: String,
    /// International number of a security, else empty.
    pub isin: String,
    /// Where it is traded, else empty.
    pub exchange: String,
    /// Country code, else empty.
    pub country: String,
    /// Sector number.
    pub sector: u16,
    /// Industry number.
    pub industry: u16,
    /// Base currency.
    pub currency_base: String,
    /// What profit and margin depend on.
    pub contract: Contract,
    /// Smallest step of a price.
    pub tick_size: Price,
    /// What may be done with it.
    pub trade_mode: TradeMode,
    /// How market orders are executed.
    pub execution: Execution,
    /// Allowed fillings: 1 FOK, 2 IOC, 4 BOC.
    pub fill_flags: u32,
    /// Allowed order lives: 1 GTC, 2 day, 4 specified, 8 specified day.
    pub time_flags: u32,
    /// Allowed orders: 1 market, 2 limit, 4 stop, 8 stop-limit, 16 SL, 32 TP, 64 close by.
    pub order_flags: u32,
    /// Smallest distance of SL, TP and pending prices from the market, points.
    pub stops_level: i32,
    /// Distance from the market within which nothing may be changed, points.
    pub freeze_level: i32,
    /// Smallest volume of an order.
    pub volume_min: Volume,
    /// Largest volume of an order.
    pub volume_max: Volume,
    /// Step of volumes.
    pub volume_step: Volume,
    /// Largest volume in one direction, positions and orders together; zero: no limit.
    pub volume_limit: Volume,
    /// Swap terms.
    pub swap: Swap,
    /// Levels of an order book, zero where there is none.
    pub book_depth: u32,
    /// When it is quoted and traded.
    pub schedule: Schedule,
    /// How its price is generated.
    pub pace: Pace,
    /// The walks whose product it is, each with its exponent.
    pub drivers: Vec<(SymbolId, f64)>,
}

impl Symbol {
    /// Price digits.
    #[must_use]
    pub fn digits(&self) -> u32 {
        self.contract.digits
    }

    /// So many points as a price.
    #[must_use]
    pub fn points(&self, points: i64) -> Price {
        Price::from_points(points, self.digits())
    }

    /// Whether orders are matched with an order book.
    #[must_use]
    pub fn has_book(&self) -> bool {
        self.execution == Execution::Exchange
    }

    /// Whether it is held as cover for the margin of other symbols, and not traded.
    #[must_use]
    pub fn is_collateral(&self) -> bool {
        self.contract.calc_mode == CalcMode::Collateral
    }

    /// The nearest price on the symbol's step; `None` if `value` is not a price.
    #[must_use]
    pub fn price(&self, value: f64) -> Option<Price> {
        let rounded = Price::from_f64(value, self.digits())?;
        let step = self.tick_size.units().max(1);
        let steps = rounded.units().saturating_add(step / 2).div_euclid(step);
        Some(Price::from_units(steps.saturating_mul(step)))
    }
}

/// Money digits of a currency.
#[must_use]
pub fn currency_digits(currency: &str) -> u32 {
    match currency {
        "JPY" => 0,
        "BTC" | "ETH" | "LTC" => 8,
        _ => 2,
    }
}

/// All symbols, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Catalogue {
    symbols: Vec<Arc<Symbol>>,
    by_name: HashMap<String, SymbolId>,
}

impl Catalogue {
    /// The built-in symbols under these hours, stated by UTC as they are in winter.
    #[must_use]
    pub fn built_in(hours: MarketHours) -> Self {
        Self::built_in_ahead(hours, UTC_AHEAD_MIN)
    }

    /// The built-in symbols under these hours, stated by a clock that is so many minutes ahead of the one that shows
    /// midnight when New York closes.
    #[must_use]
    pub fn built_in_ahead(hours: MarketHours, ahead_min: i32) -> Self {
        let names: HashMap<&str, SymbolId> =
            (1..).zip(table::ROWS).map(|(number, row)| (row.name, SymbolId(number))).collect();
        let symbols = (1..).zip(table::ROWS).map(|(number, row)| {
            symbol_of(number, row, hours::schedule(row.hours, hours, ahead_min), &names)
        });
        Self::of(symbols.collect())
    }

    /// A catalogue of symbols whose numbers count from one.
    #[must_use]
    pub fn of(symbols: Vec<Symbol>) -> Self {
        let symbols: Vec<_> = symbols.into_iter().map(Arc::new).collect();
        let by_name = symbols.iter().map(|symbol| (symbol.name.clone(), symbol.id)).collect();
        Self { symbols, by_name }
    }

    /// The same symbols, some of them with other terms.
    #[must_use]
    pub fn with_all(&self, symbols: Vec<Symbol>) -> Self {
        let mut changed = self.clone();
        for symbol in symbols {
            if let Some(place) = changed.symbols.get_mut(symbol.id.index()) {
                *place = Arc::new(symbol);
            }
        }
        changed
    }

    /// All symbols, by number.
    #[must_use]
    pub fn symbols(&self) -> &[Arc<Symbol>] {
        &self.symbols
    }

    /// The symbol with this number.
    #[must_use]
    pub fn get(&self, id: SymbolId) -> Option<&Arc<Symbol>> {
        self.symbols.get(id.index())
    }

    /// The symbol with this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<Symbol>> {
        self.by_name.get(name).and_then(|id| self.get(*id))
    }

    /// The folders of all symbols, each once, in order of appearance.
    #[must_use]
    pub fn folders(&self) -> Vec<&str> {
        let mut folders: Vec<&str> = Vec::new();
        for symbol in &self.symbols {
            let folder = symbol.path.rsplit_once('\\').map_or("", |(folder, _)| folder);
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }
}

fn symbol_of(number: u32, row: &row::Row, schedule: Schedule, names: &HashMap<&str, SymbolId>) -> Symbol {
    let id = SymbolId(number);
    let drivers = row.drivers.iter().filter_map(|(name, power)| Some((*names.get(name)?, *power))).collect();
    let lots = |lots: f64| Volume::from_lots(lots).unwrap_or(Volume::ZERO);
    let [volume_min, volume_max, volume_step, volume_limit] = row.volumes.map(lots);
    Symbol {
        id,
        name: row.name.into(),
        description: row.description.into(),
        path: format!("{}\\{}", row.folder, row.name),
        basis: row.basis.into(),
        isin: row.isin.into(),
        exchange: row.exchange.into(),
        country: row.country.into(),
        sector: row.sector,
        industry: row.industry,
        currency_base: row.base.into(),
        contract: contract_of(row),
        tick_size: Price::from_points(row.tick_points, row.digits),
        trade_mode: row.trade_mode,
        execution: row.execution,
        fill_flags: row.fill_flags,
        time_flags: row.time_flags,
        order_flags: row.order_flags,
        stops_level: row.stops_level,
        freeze_level: row.freeze_level,
        volume_min,
        volume_max,
        volume_step,
        volume_limit,
        swap: row.swap,
        book_depth: if row.execution == Execution::Exchange { BOOK_DEPTH } else { 0 },
        schedule,
        pace: row.pace,
        drivers: if row.drivers.is_empty() { vec![(id, 1.0)] } else { drivers },
    }
}

fn contract_of(row: &row::Row) -> Contract {
    let tick_size = row.tick_points as f64 / pow10(row.digits) as f64;
    let (rate, limit) = (row.margin_rate, row.margin_rate_limits);
    let rates_initial = [rate, rate, limit, limit, 0.0, 0.0, 0.0, 0.0];
    let hedged = if row.calc_mode == CalcMode::Futures { row.margin_initial } else { row.contract_size };
    Contract {
        calc_mode: row.calc_mode,
        digits: row.digits,
        contract_size: row.contract_size,
        face_value: row.face_value,
        accrued_interest: row.accrued_interest,
        liquidity_rate: row.liquidity_rate,
        tick_value: row.tick_value,
        tick_size,
        currency_profit: row.profit.into(),
        currency_profit_digits: currency_digits(row.profit),
        currency_margin: row.margin.into(),
        margin_initial: row.margin_initial,
        margin_hedged: hedged / 2.0,
        rates_initial,
        rates_maintenance: [0.0; 8],
        margin_flags: 0,
        trade_flags: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::built_in(MarketHours::Always)
    }

    #[test]
    fn every_calculation_mode_of_the_demo_occurs() {
        let modes = [
            CalcMode::Forex,
            CalcMode::ForexNoLeverage,
            CalcMode::Cfd,
            CalcMode::CfdIndex,
            CalcMode::CfdLeverage,
            CalcMode::Futures,
            CalcMode::Stocks,
            CalcMode::Bonds,
            CalcMode::Collateral,
        ];
        let catalogue = catalogue();
        assert!(catalogue.symbols().len() >= 24);
        for mode in modes {
            assert!(catalogue.symbols().iter().any(|symbol| symbol.contract.calc_mode == mode), "{mode:?}");
        }
        for execution in Execution::ALL {
            assert!(catalogue.symbols().iter().any(|symbol| symbol.execution == *execution), "{execution:?}");
        }
    }

    #[test]
    fn numbers_names_and_drivers_lead_to_symbols() {
        let catalogue = catalogue();
        for symbol in catalogue.symbols() {
            assert_eq!(catalogue.get(symbol.id), Some(symbol));
            assert_eq!(catalogue.by_name(&symbol.name), Some(symbol));
            assert!(!symbol.drivers.is_empty(), "{}", symbol.name);
            for (driver, _) in &symbol.drivers {
                let driver = catalogue.get(*driver).expect("a driver is a symbol");
                assert_eq!(driver.drivers, [(driver.id, 1.0)], "{} is driven by a cross", symbol.name);
            }
        }
        assert_eq!(catalogue.get(SymbolId(0)), None);
        assert_eq!(catalogue.by_name("eurusd"), None);
    }

    #[test]
    fn terms_are_usable() {
        for symbol in catalogue().symbols() {
            let name = &symbol.name;
            assert!(symbol.name.len() <= 31 && symbol.path.encode_utf16().count() <= 127, "{name}");
            assert!(symbol.tick_size > Price::ZERO && symbol.pace.spread > 0, "{name}");
            assert!(symbol.volume_min <= symbol.volume_max && !symbol.volume_step.is_zero(), "{name}");
            assert_eq!(symbol.volume_min.units() % symbol.volume_step.units(), 0, "{name}");
            assert_eq!(
                symbol.price(symbol.pace.price).map(|p| p.units() % symbol.tick_size.units()),
                Some(0)
            );
            assert!(symbol.pace.volatility > 0.0 && symbol.pace.ticks_per_second > 0.0, "{name}");
        }
    }

    #[test]
    fn prices_go_to_the_nearest_step() {
        let catalogue = catalogue();
        let price = |name: &str, value| catalogue.by_name(name).unwrap().price(value).unwrap().to_string();
        assert_eq!(price("ES", 6000.13), "6000.25");
        assert_eq!(price("ES", 6000.12), "6000");
        assert_eq!(price("EURUSD", 1.085_424), "1.08542");
    }
}
