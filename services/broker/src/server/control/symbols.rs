//! Symbols: their terms and prices.

use model::{Execution, Price, TradeMode, Volume};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Control, ControlError, Stopped};
use crate::catalogue::{BOOK_DEPTH, Session, Symbol};
use crate::server::edits::open_market;
use crate::server::hub::Hub;

/// Names of the trade modes, in the order of their numbers.
const TRADE_MODES: [(&str, TradeMode); 5] = [
    ("disabled", TradeMode::Disabled),
    ("long_only", TradeMode::LongOnly),
    ("short_only", TradeMode::ShortOnly),
    ("close_only", TradeMode::CloseOnly),
    ("full", TradeMode::Full),
];
/// Names of the executions, in the order of their numbers.
const EXECUTIONS: [(&str, Execution); 4] = [
    ("request", Execution::Request),
    ("instant", Execution::Instant),
    ("market", Execution::Market),
    ("exchange", Execution::Exchange),
];
/// Largest distance of stops and freezing, points.
const LEVEL_MAX: i32 = 1_000_000;
/// All bits of the fillings.
const FILL_FLAGS_MAX: u32 = 7;
/// Largest margin rate.
const RATE_MAX: f64 = 1000.0;
/// Largest swap, either way.
const SWAP_MAX: f64 = 1e6;

/// Sessions of a week: seven days, Sunday first, each a list of pairs of minutes of the server clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// When prices come.
    pub quotes: [Vec<Session>; 7],
    /// When orders are executed.
    pub trades: [Vec<Session>; 7],
}

/// A symbol as operators see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SymbolView {
    /// Its name.
    pub name: String,
    /// Price digits.
    pub digits: u32,
    /// Last bid; none while there is no price.
    pub bid: Option<f64>,
    /// Last ask.
    pub ask: Option<f64>,
    /// Whether orders are executed now.
    pub is_open: bool,
    /// `disabled`, `long_only`, `short_only`, `close_only` or `full`.
    pub trade_mode: &'static str,
    /// `request`, `instant`, `market` or `exchange`.
    pub execution: &'static str,
    /// Points.
    pub stops_level: i32,
    /// Points.
    pub freeze_level: i32,
    /// Lots.
    pub volume_min: f64,
    /// Lots.
    pub volume_max: f64,
    /// Lots.
    pub volume_step: f64,
    /// Lots in one direction; 0: no limit.
    pub volume_limit: f64,
    /// Fillings: 1 FOK, 2 IOC, 4 BOC.
    pub fill_flags: u32,
    /// In the unit of the symbol's swap mode.
    pub swap_long: f64,
    /// In the unit of the symbol's swap mode.
    pub swap_short: f64,
    /// Factor on the margin of buys.
    pub margin_rate_long: f64,
    /// Factor on the margin of sells.
    pub margin_rate_short: f64,
    /// Factor on the margin of limit orders that wait; 0: they hold none.
    pub margin_rate_limits: f64,
    /// Sessions.
    pub hours: Hours,
}

/// What is to change in a symbol; what is left out stays. Units as in [`SymbolView`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)] // As in the view.
pub struct SymbolEdit {
    pub trade_mode: Option<String>,
    pub execution: Option<String>,
    pub stops_level: Option<i32>,
    pub freeze_level: Option<i32>,
    pub volume_min: Option<f64>,
    pub volume_max: Option<f64>,
    pub volume_step: Option<f64>,
    pub volume_limit: Option<f64>,
    pub fill_flags: Option<u32>,
    pub swap_long: Option<f64>,
    pub swap_short: Option<f64>,
    pub margin_rate_long: Option<f64>,
    pub margin_rate_short: Option<f64>,
    pub margin_rate_limits: Option<f64>,
    pub hours: Option<Hours>,
}

impl Control {
    /// All symbols, by number.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn symbols(&self) -> Result<Vec<SymbolView>, Stopped> {
        self.with(|hub| hub.catalogue.symbols().iter().map(|symbol| hub.symbol_view(symbol)).collect()).await
    }

    /// A symbol as operators see it.
    ///
    /// # Errors
    /// For an unknown symbol.
    pub async fn symbol(&self, name: &str) -> Result<SymbolView, ControlError> {
        let name = name.to_owned();
        let view = self.with(move |hub| hub.catalogue.by_name(&name).map(|symbol| hub.symbol_view(symbol)));
        view.await?.ok_or(ControlError::Symbol)
    }

    /// Changes a symbol: all that is asked for, or nothing. New requests are judged by the new terms, and clients are
    /// told.
    ///
    /// # Errors
    /// For an unknown symbol, or terms that cannot be.
    pub async fn edit_symbol(&self, name: &str, edit: SymbolEdit) -> Result<(), ControlError> {
        let (kept, keeps) = (edit.clone(), self.keeps);
        self.change_symbol(
            name,
            move |symbol| edit.apply_to(symbol),
            move |hub, name| {
                if keeps {
                    hub.keep_terms(name, &kept);
                }
            },
        )
        .await
    }

    /// Opens a symbol's market around the clock, or closes it: no prices, no trades, until other hours are set.
    ///
    /// # Errors
    /// For an unknown symbol.
    pub async fn open_market(&self, name: &str, open: bool) -> Result<(), ControlError> {
        let keeps = self.keeps;
        let change = move |symbol: &mut Symbol| {
            open_market(symbol, open);
            Ok(())
        };
        self.change_symbol(name, change, move |hub, name| {
            if keeps {
                hub.keep_market(name, open);
            }
        })
        .await
    }

    /// Sets a symbol's price, and lets a generated or recorded one go on from there.
    ///
    /// # Errors
    /// For an unknown symbol, or prices that cannot be.
    pub async fn set_price(&self, name: &str, bid: f64, ask: f64) -> Result<(), ControlError> {
        let name = name.to_owned();
        self.with(move |hub| {
            let symbol = hub.catalogue.by_name(&name).ok_or(ControlError::Symbol)?;
            let prices = symbol.price(bid).zip(symbol.price(ask)).ok_or(ControlError::Price)?;
            hub.set_price(&name, prices)
        })
        .await?
    }

    /// Moves a symbol's price by so many points at once, and lets a generated or recorded one go on from there.
    ///
    /// # Errors
    /// For an unknown symbol, one without a price, or a jump below zero.
    pub async fn jump(&self, name: &str, points: i64) -> Result<(), ControlError> {
        let name = name.to_owned();
        self.with(move |hub| {
            let symbol = hub.catalogue.by_name(&name).ok_or(ControlError::Symbol)?;
            let price = hub.engine.quote(symbol.id).ok_or(ControlError::NoPrice)?.price;
            let way = symbol.points(points);
            hub.set_price(&name, (price.bid + way, price.ask + way))
        })
        .await?
    }

    async fn change_symbol(
        &self,
        name: &str,
        change: impl FnOnce(&mut Symbol) -> Result<(), ControlError> + Send + 'static,
        keep: impl FnOnce(&mut Hub, &str) + Send + 'static,
    ) -> Result<(), ControlError> {
        let name = name.to_owned();
        self.keep(move |hub| {
            let mut symbol = Symbol::clone(hub.catalogue.by_name(&name).ok_or(ControlError::Symbol)?);
            let had_book = symbol.has_book();
            change(&mut symbol)?;
            let (id, has_book) = (symbol.id, symbol.has_book());
            hub.replace_symbols(vec![symbol.clone()], true);
            hub.keep_holidays();
            keep(hub, &name);
            // A book that nobody could trade on yet is filled by the price that is there.
            if let Some(quote) = hub.engine.quote(id).filter(|_| has_book && !had_book) {
                hub.quote(&symbol, quote.price.bid, quote.price.ask, None);
            }
            Ok(())
        })
        .await
    }
}

impl Hub {
    fn symbol_view(&self, symbol: &Symbol) -> SymbolView {
        let quote = self.engine.quote(symbol.id);
        let name_of = |names: &[(&'static str, u32)], number| {
            names.iter().find(|(_, own)| *own == number).map_or("", |(name, _)| *name)
        };
        let [rate_long, rate_short, rate_limits, ..] = symbol.contract.rates_initial;
        SymbolView {
            name: symbol.name.clone(),
            digits: symbol.digits(),
            bid: quote.map(|quote| quote.price.bid.to_f64()),
            ask: quote.map(|quote| quote.price.ask.to_f64()),
            is_open: symbol.schedule.is_traded(self.clock.now()),
            trade_mode: name_of(
                &TRADE_MODES.map(|(name, mode)| (name, mode.number())),
                symbol.trade_mode.number(),
            ),
            execution: name_of(
                &EXECUTIONS.map(|(name, how)| (name, how.number())),
                symbol.execution.number(),
            ),
            stops_level: symbol.stops_level,
            freeze_level: symbol.freeze_level,
            volume_min: symbol.volume_min.lots(),
            volume_max: symbol.volume_max.lots(),
            volume_step: symbol.volume_step.lots(),
            volume_limit: symbol.volume_limit.lots(),
            fill_flags: symbol.fill_flags,
            swap_long: symbol.swap.long,
            swap_short: symbol.swap.short,
            margin_rate_long: rate_long,
            margin_rate_short: rate_short,
            margin_rate_limits: rate_limits,
            hours: Hours { quotes: symbol.schedule.quotes.clone(), trades: symbol.schedule.trades.clone() },
        }
    }

    fn set_price(&mut self, name: &str, (bid, ask): (Price, Price)) -> Result<(), ControlError> {
        let symbol = self.catalogue.by_name(name).cloned().ok_or(ControlError::Symbol)?;
        if bid <= Price::ZERO || ask < bid {
            return Err(ControlError::Price);
        }
        self.lead(&symbol, f64::midpoint(bid.to_f64(), ask.to_f64()));
        self.quote(&symbol, bid, ask, None);
        Ok(())
    }
}

impl SymbolEdit {
    /// Changes this, too.
    pub(in crate::server) fn amend(&mut self, later: &Self) {
        let both = (serde_json::to_value(&*self), serde_json::to_value(later));
        let (Ok(Value::Object(mut all)), Ok(Value::Object(later))) = both else { return };
        all.extend(later.into_iter().filter(|(_, value)| !value.is_null()));
        *self = serde_json::from_value(Value::Object(all)).unwrap_or_default();
    }

    pub(in crate::server) fn apply_to(self, symbol: &mut Symbol) -> Result<(), ControlError> {
        if let Some(name) = self.trade_mode {
            let wrong = "\"trade_mode\" must be disabled, long_only, short_only, close_only or full";
            symbol.trade_mode = named(&TRADE_MODES, &name, wrong)?;
        }
        if let Some(name) = self.execution {
            let wrong = "\"execution\" must be request, instant, market or exchange";
            symbol.execution = named(&EXECUTIONS, &name, wrong)?;
            symbol.book_depth = if symbol.has_book() { BOOK_DEPTH } else { 0 };
        }
        let levels =
            [(&mut symbol.stops_level, self.stops_level), (&mut symbol.freeze_level, self.freeze_level)];
        let wrong = "\"stops_level\" and \"freeze_level\" are points from 0 to 1,000,000";
        replace(levels, |level| (0..=LEVEL_MAX).contains(level), wrong)?;
        let wrong =
            "\"fill_flags\" are the sum of 1 (fill or kill), 2 (immediate or cancel) and 4 (book or cancel)";
        replace([(&mut symbol.fill_flags, self.fill_flags)], |flags| *flags <= FILL_FLAGS_MAX, wrong)?;
        let swaps = [(&mut symbol.swap.long, self.swap_long), (&mut symbol.swap.short, self.swap_short)];
        replace(
            swaps,
            |swap| swap.abs() <= SWAP_MAX,
            "\"swap_long\" and \"swap_short\" are numbers up to 1,000,000",
        )?;
        let [long, short, buy_limit, sell_limit, ..] = &mut symbol.contract.rates_initial;
        let rates = [
            (long, self.margin_rate_long),
            (short, self.margin_rate_short),
            (buy_limit, self.margin_rate_limits),
            (sell_limit, self.margin_rate_limits),
        ];
        let wrong = "\"margin_rate_long\", \"margin_rate_short\" and \"margin_rate_limits\" are factors from 0 to 1000";
        replace(rates, |rate| (0.0..=RATE_MAX).contains(rate), wrong)?;
        for (own, lots) in [
            (&mut symbol.volume_min, self.volume_min),
            (&mut symbol.volume_max, self.volume_max),
            (&mut symbol.volume_step, self.volume_step),
            (&mut symbol.volume_limit, self.volume_limit),
        ] {
            if let Some(lots) = lots {
                *own =
                    Volume::from_lots(lots).ok_or(ControlError::Invalid("volumes are lots, 0 or above"))?;
            }
        }
        let fits = !symbol.volume_step.is_zero()
            && !symbol.volume_min.is_zero()
            && symbol.volume_min <= symbol.volume_max
            && symbol.volume_min.units().is_multiple_of(symbol.volume_step.units());
        if !fits {
            return Err(ControlError::Invalid(
                "\"volume_min\" must be above 0, a multiple of \"volume_step\" and at most \"volume_max\"",
            ));
        }
        if let Some(Hours { quotes, trades }) = self.hours {
            (symbol.schedule.quotes, symbol.schedule.trades) = (quotes, trades);
            if !symbol.schedule.is_possible() {
                return Err(ControlError::Invalid(
                    "\"hours\" have seven days, Sunday first, of up to 16 sessions [from, to): minutes from 0 to 1440",
                ));
            }
        }
        Ok(())
    }
}

fn named<T: Copy>(names: &[(&str, T)], name: &str, wrong: &'static str) -> Result<T, ControlError> {
    let found = names.iter().find(|(own, _)| *own == name);
    found.map(|(_, value)| *value).ok_or(ControlError::Invalid(wrong))
}

/// Replaces what is given, if it may be so.
fn replace<T, const N: usize>(
    fields: [(&mut T, Option<T>); N],
    may_be: impl Fn(&T) -> bool,
    wrong: &'static str,
) -> Result<(), ControlError> {
    for (own, given) in fields {
        if let Some(given) = given {
            if !may_be(&given) {
                return Err(ControlError::Invalid(wrong));
            }
            *own = given;
        }
    }
    Ok(())
}
