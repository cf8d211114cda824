//! Prices: pushes 8 and 17 (protocol 9.8, 9.9). Prices here are multiplied by 10^digits.

use crate::DecodeError;
use crate::kind::SCALED_MAX;
use crate::record::records;

records! {
    /// A change of price. Values whose bit in `fields` is clear are zero and mean "unchanged".
    pub struct Tick[50] {
        symbol_id: u32,
        tick_time: i32,
        /// See [`tick_field`].
        fields: u32,
        bid: f64,
        ask: f64,
        last: f64,
        tick_volume: i64,
        /// 0 to 999, added to the time.
        time_ms_delta: u32,
        /// Bit 512: delayed stream.
        flags: u16,
    }

    /// The day's figures of a symbol. Only values whose bit in `fields` is set count.
    pub struct SymbolDetails[274] {
        symbol_id: u32,
        /// See [`details_field`].
        fields: i64,
        lasttime: i32,
        digits: u32,
        bid_last: f64,
        bid_high: f64,
        bid_low: f64,
        ask_last: f64,
        ask_high: f64,
        ask_low: f64,
        last_last: f64,
        last_high: f64,
        last_low: f64,
        vol_last: i64,
        vol_high: i64,
        vol_low: i64,
        trade_deals: u32,
        trade_volume: u64,
        trade_turnover: u32,
        trade_interest: u32,
        trade_buy_orders: u32,
        trade_buy_volume: i64,
        trade_sell_orders: u32,
        trade_sell_volume: i64,
        price_open: f64,
        /// Previous close.
        price_close: f64,
        /// Average weighted price.
        price_aw: f64,
        /// Per cent × 10^2.
        price_change: f64,
        /// × 10^3.
        price_volatility: f64,
        price_theoretical: f64,
        /// Milliseconds, added to `lasttime`.
        lasttime_msc: i64,
        /// × 10^5, as all greeks.
        greeks_delta: i64,
        greeks_theta: i64,
        greeks_gamma: i64,
        greeks_vega: i64,
        greeks_rho: i64,
        greeks_omega: i64,
        /// × 10^5.
        price_sensitivity: i64,
        /// Bit 1: delayed stream.
        flags: u16,
    }
}

/// Refuses a price that is given and none: one that is not a number, or that nothing can cost.
fn check<'a>(
    record: &'static str,
    prices: impl IntoIterator<Item = &'a (bool, &'static str, f64)>,
) -> Result<(), DecodeError> {
    // Also false for what is not a number.
    let is_sane = |price: f64| price.abs() <= SCALED_MAX as f64;
    match prices.into_iter().find(|(is_given, _, price)| *is_given && !is_sane(*price)) {
        Some(&(_, field, _)) => Err(DecodeError::Absurd { record, field }),
        None => Ok(()),
    }
}

impl Tick {
    /// Whether every price that is given is one. What is not given may be anything.
    ///
    /// # Errors
    /// [`DecodeError::Absurd`] with the first that is none.
    pub fn check(&self) -> Result<(), DecodeError> {
        let has = |bit: u32| self.fields & bit != 0;
        check(
            "Tick",
            &[
                (has(tick_field::BID), "bid", self.bid),
                (has(tick_field::ASK), "ask", self.ask),
                (has(tick_field::LAST), "last", self.last),
            ],
        )
    }
}

impl SymbolDetails {
    /// Whether every figure that is given and shown is one. What is not given may be anything.
    ///
    /// # Errors
    /// [`DecodeError::Absurd`] with the first that is none.
    pub fn check(&self) -> Result<(), DecodeError> {
        let has = |bit: i64| self.fields & bit != 0;
        check(
            "SymbolDetails",
            &[
                (has(details_field::BID_HIGH), "bid_high", self.bid_high),
                (has(details_field::BID_LOW), "bid_low", self.bid_low),
                (has(details_field::LAST_HIGH), "last_high", self.last_high),
                (has(details_field::LAST_LOW), "last_low", self.last_low),
                (has(details_field::PRICE_OPEN), "price_open", self.price_open),
                (has(details_field::PRICE_CLOSE), "price_close", self.price_close),
                (has(details_field::PRICE_CHANGE), "price_change", self.price_change),
            ],
        )
    }
}

/// Bits of [`Tick::fields`].
pub mod tick_field {
    /// The bid is there.
    pub const BID: u32 = 1;
    /// The ask is there.
    pub const ASK: u32 = 2;
    /// The last price is there.
    pub const LAST: u32 = 4;
    /// The volume is there.
    pub const VOLUME: u32 = 8;
}

/// Bits of [`SymbolDetails::fields`] that forex and CFD symbols use.
pub mod details_field {
    /// Last bid.
    pub const BID_LAST: i64 = 1;
    /// Highest bid.
    pub const BID_HIGH: i64 = 1 << 1;
    /// Lowest bid.
    pub const BID_LOW: i64 = 1 << 2;
    /// Last ask.
    pub const ASK_LAST: i64 = 1 << 3;
    /// Highest ask.
    pub const ASK_HIGH: i64 = 1 << 4;
    /// Lowest ask.
    pub const ASK_LOW: i64 = 1 << 5;
    /// Last deal.
    pub const LAST_LAST: i64 = 1 << 6;
    /// Highest deal.
    pub const LAST_HIGH: i64 = 1 << 7;
    /// Lowest deal.
    pub const LAST_LOW: i64 = 1 << 8;
    /// Open of the day.
    pub const PRICE_OPEN: i64 = 1 << 20;
    /// Close of the day before.
    pub const PRICE_CLOSE: i64 = 1 << 21;
    /// Change in per cent.
    pub const PRICE_CHANGE: i64 = 1 << 23;
}
