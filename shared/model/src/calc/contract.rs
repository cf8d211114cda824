//! What of a symbol and of an account the arithmetic needs.

use crate::{CalcMode, Price, Side};

/// Bit of a symbol's `margin_flags`: only the larger leg of a hedge pays margin.
pub const MARGIN_LARGER_LEG: u32 = 4;
/// Bit of a symbol's `margin_flags`: profit of long positions does not count as free margin.
pub const MARGIN_NO_LONG_PROFIT: u32 = 8;
/// Bit of a symbol's `trade_flags`: profit is converted by market rates even for forex.
pub const PROFIT_BY_MARKET_RATES: u32 = 1;

/// The terms of a symbol that profit and margin depend on, after account settings were applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// How profit and margin are computed.
    pub calc_mode: CalcMode,
    /// Price digits.
    pub digits: u32,
    /// Units of the base asset in a lot.
    pub contract_size: f64,
    /// What a bond repays, profit currency; its price is per cent of that. Zero: it is none, or nobody told.
    pub face_value: f64,
    /// Interest that has accrued on a bond, profit currency; its price leaves it out.
    pub accrued_interest: f64,
    /// The part of its value by which collateral covers margin.
    pub liquidity_rate: f64,
    /// Value of one tick and one lot, profit currency (futures, CFD on indices).
    pub tick_value: f64,
    /// Price step.
    pub tick_size: f64,
    /// Currency in which profit arises.
    pub currency_profit: String,
    /// Its digits.
    pub currency_profit_digits: u32,
    /// Currency in which margin is computed.
    pub currency_margin: String,
    /// Fixed margin a lot, margin currency; zero: by formula.
    pub margin_initial: f64,
    /// Contract size (or money a lot, if `margin_initial` is set) for the hedged part.
    pub margin_hedged: f64,
    /// Margin ratios by order type when a position is opened.
    pub rates_initial: [f64; 8],
    /// Margin ratios by order type for what is open; zero: the initial one.
    pub rates_maintenance: [f64; 8],
    /// See [`MARGIN_LARGER_LEG`] and [`MARGIN_NO_LONG_PROFIT`].
    pub margin_flags: u32,
    /// See [`PROFIT_BY_MARKET_RATES`].
    pub trade_flags: u32,
}

impl Contract {
    /// The margin ratio for an open position of this side: maintenance, or initial where that is zero.
    #[must_use]
    pub fn open_rate(&self, side: Side) -> f64 {
        let index = side.number() as usize;
        let maintenance = self.rates_maintenance[index];
        if maintenance > 0.0 { maintenance } else { self.rates_initial[index] }
    }

    /// Whether profit follows the forex rule (both ends rounded, one rate by side).
    #[must_use]
    pub fn is_forex(&self) -> bool {
        matches!(self.calc_mode, CalcMode::Forex | CalcMode::ForexNoLeverage)
    }
}

/// The account's own money: what profits and margins are converted into.
#[derive(Clone, Debug, PartialEq)]
pub struct Deposit {
    /// Currency code.
    pub currency: String,
    /// Money digits.
    pub digits: u32,
    /// 100 means 1:100.
    pub leverage: u32,
}

/// Both sides of a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BidAsk {
    /// What sellers get.
    pub bid: Price,
    /// What buyers pay.
    pub ask: Price,
}

impl BidAsk {
    /// The price at which a new position of this side opens.
    #[must_use]
    pub const fn open(self, side: Side) -> Price {
        match side {
            Side::Buy => self.ask,
            Side::Sell => self.bid,
        }
    }

    /// The price at which a position of this side closes.
    #[must_use]
    pub const fn close(self, side: Side) -> Price {
        self.open(side.opposite())
    }
}
