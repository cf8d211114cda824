//! The symbols, as data. A row states what differs from the template of its class.

use model::{CalcMode, Execution, SwapMode, TradeMode};

use super::hours::Hours;
use super::row::Row;
use super::{Pace, Swap};

const FOK: u32 = 1;
const IOC: u32 = 2;
const BOC: u32 = 4;
/// Until cancelled, day, specified, specified day.
const ALL_TIMES: u32 = 15;
/// Market, limit, stop, stop-limit, SL, TP, close by.
const ALL_ORDERS: u32 = 127;

const WEDNESDAY: u32 = 3;
const FRIDAY: u32 = 5;
const NO_TRIPLE: u32 = 7;

/// A swap that is charged on weekday nights, three times on `triple_day`.
const fn weekday_swap(mode: SwapMode, long: f64, short: f64, triple_day: u32) -> Swap {
    let mut rates = [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0];
    rates[triple_day as usize] = 3.0;
    Swap { mode, long, short, triple_day, rates }
}

const fn points(long: f64, short: f64) -> Swap {
    weekday_swap(SwapMode::Points, long, short, WEDNESDAY)
}

/// Interest of shares and indices, which settle over the weekend on Fridays.
const fn interest(long: f64, short: f64) -> Swap {
    weekday_swap(SwapMode::InterestCurrent, long, short, FRIDAY)
}

/// Interest on every night of the week.
const fn nightly(long: f64, short: f64) -> Swap {
    Swap { mode: SwapMode::InterestOpen, long, short, triple_day: NO_TRIPLE, rates: [1.0; 7] }
}

const NO_SWAP: Swap =
    Swap { mode: SwapMode::Off, long: 0.0, short: 0.0, triple_day: NO_TRIPLE, rates: [0.0; 7] };

/// `daily` is the standard deviation of a day's change in per cent.
const fn pace(price: f64, daily: f64, spread: i64, ticks_per_second: f64) -> Pace {
    Pace { price, volatility: daily / 100.0, spread, ticks_per_second }
}

const FOREX: Row = Row {
    name: "",
    description: "",
    folder: r"Forex\Majors",
    base: "",
    profit: "USD",
    margin: "",
    digits: 5,
    tick_points: 1,
    tick_value: 0.0,
    contract_size: 100_000.0,
    face_value: 0.0,
    accrued_interest: 0.0,
    liquidity_rate: 0.0,
    calc_mode: CalcMode::Forex,
    margin_rate: 1.0,
    margin_rate_limits: 0.0,
    margin_initial: 0.0,
    trade_mode: TradeMode::Full,
    execution: Execution::Market,
    fill_flags: FOK | IOC,
    time_flags: ALL_TIMES,
    order_flags: ALL_ORDERS,
    stops_level: 0,
    freeze_level: 0,
    volumes: [0.01, 100.0, 0.01, 0.0],
    swap: NO_SWAP,
    hours: Hours::Forex,
    pace: pace(1.0, 0.5, 10, 1.0),
    drivers: &[],
    basis: "",
    isin: "",
    exchange: "",
    country: "",
    sector: 0,
    industry: 0,
};

const CROSS: Row = Row { folder: r"Forex\Crosses", ..FOREX };

const METAL: Row = Row {
    folder: "Metals",
    calc_mode: CalcMode::CfdLeverage,
    hours: Hours::Metals,
    volumes: [0.01, 50.0, 0.01, 200.0],
    ..FOREX
};

const INDEX: Row = Row {
    folder: "Indices",
    calc_mode: CalcMode::CfdIndex,
    contract_size: 1.0,
    margin_rate: 0.05,
    digits: 1,
    tick_value: 0.1,
    volumes: [0.1, 250.0, 0.1, 1000.0],
    hours: Hours::Derivatives,
    stops_level: 10,
    ..FOREX
};

const OIL: Row = Row {
    folder: "Energies",
    calc_mode: CalcMode::Cfd,
    contract_size: 1000.0,
    margin_rate: 0.1,
    digits: 2,
    base: "USD",
    margin: "USD",
    volumes: [0.01, 50.0, 0.01, 0.0],
    hours: Hours::Derivatives,
    ..FOREX
};

const CRYPTO: Row = Row {
    folder: "Crypto",
    calc_mode: CalcMode::Cfd,
    contract_size: 1.0,
    margin_rate: 0.5,
    margin: "USD",
    digits: 2,
    volumes: [0.01, 20.0, 0.01, 100.0],
    hours: Hours::Crypto,
    ..FOREX
};

const STOCK: Row = Row {
    folder: r"Stocks\US",
    calc_mode: CalcMode::Stocks,
    contract_size: 1.0,
    margin_rate: 0.5,
    margin_rate_limits: 0.5,
    base: "USD",
    margin: "USD",
    digits: 2,
    execution: Execution::Exchange,
    fill_flags: FOK | IOC | BOC,
    volumes: [1.0, 10_000.0, 1.0, 50_000.0],
    swap: interest(-6.5, 1.5),
    hours: Hours::Stocks,
    exchange: "NASDAQ",
    country: "US",
    sector: 11,
    ..FOREX
};

/// Notes of 1,000 dollars each, traded in per cent of that. They pay their interest themselves: no swap.
const BOND: Row = Row {
    folder: r"Bonds\US",
    calc_mode: CalcMode::Bonds,
    face_value: 1000.0,
    accrued_interest: 10.6,
    margin_rate: 0.1,
    margin_rate_limits: 0.1,
    volumes: [1.0, 5000.0, 1.0, 20_000.0],
    swap: NO_SWAP,
    exchange: "NYSE",
    sector: 0,
    ..STOCK
};

/// All symbols. The order gives their numbers: append, never reorder.
pub(super) const ROWS: &[Row] = &[
    Row {
        name: "EURUSD",
        description: "Euro vs US Dollar",
        base: "EUR",
        margin: "EUR",
        swap: points(-7.2, 2.9),
        pace: pace(1.085, 0.45, 8, 2.0),
        ..FOREX
    },
    Row {
        name: "GBPUSD",
        description: "Pound Sterling vs US Dollar",
        base: "GBP",
        margin: "GBP",
        swap: points(-3.9, -1.8),
        pace: pace(1.268, 0.52, 11, 1.8),
        ..FOREX
    },
    Row {
        name: "USDJPY",
        description: "US Dollar vs Japanese Yen",
        base: "USD",
        margin: "USD",
        profit: "JPY",
        digits: 3,
        swap: points(9.4, -19.6),
        pace: pace(150.2, 0.55, 9, 2.0),
        ..FOREX
    },
    Row {
        name: "USDCHF",
        description: "US Dollar vs Swiss Franc",
        base: "USD",
        margin: "USD",
        profit: "CHF",
        swap: points(6.1, -11.8),
        pace: pace(0.881, 0.45, 13, 1.2),
        ..FOREX
    },
    Row {
        name: "USDCAD",
        description: "US Dollar vs Canadian Dollar",
        base: "USD",
        margin: "USD",
        profit: "CAD",
        swap: points(1.3, -5.7),
        pace: pace(1.372, 0.40, 14, 1.2),
        ..FOREX
    },
    Row {
        name: "AUDUSD",
        description: "Australian Dollar vs US Dollar",
        base: "AUD",
        margin: "AUD",
        swap: points(-3.4, 0.6),
        pace: pace(0.652, 0.60, 11, 1.3),
        ..FOREX
    },
    Row {
        name: "NZDUSD",
        description: "New Zealand Dollar vs US Dollar",
        base: "NZD",
        margin: "NZD",
        swap: points(-1.9, -0.8),
        pace: pace(0.598, 0.62, 15, 1.0),
        ..FOREX
    },
    Row {
        name: "EURGBP",
        description: "Euro vs Pound Sterling",
        base: "EUR",
        margin: "EUR",
        profit: "GBP",
        swap: points(-4.8, 1.1),
        pace: pace(0.856, 0.40, 13, 1.0),
        drivers: &[("EURUSD", 1.0), ("GBPUSD", -1.0)],
        ..CROSS
    },
    Row {
        name: "EURJPY",
        description: "Euro vs Japanese Yen",
        base: "EUR",
        margin: "EUR",
        profit: "JPY",
        digits: 3,
        swap: points(4.6, -14.2),
        pace: pace(162.9, 0.60, 15, 1.5),
        drivers: &[("EURUSD", 1.0), ("USDJPY", 1.0)],
        ..CROSS
    },
    Row {
        name: "GBPJPY",
        description: "Pound Sterling vs Japanese Yen",
        base: "GBP",
        margin: "GBP",
        profit: "JPY",
        digits: 3,
        execution: Execution::Instant,
        stops_level: 20,
        freeze_level: 10,
        swap: points(11.3, -25.4),
        pace: pace(190.4, 0.65, 22, 1.5),
        drivers: &[("GBPUSD", 1.0), ("USDJPY", 1.0)],
        ..CROSS
    },
    Row {
        name: "EURCHF",
        description: "Euro vs Swiss Franc",
        base: "EUR",
        margin: "EUR",
        profit: "CHF",
        swap: points(1.7, -7.9),
        pace: pace(0.956, 0.35, 17, 0.8),
        drivers: &[("EURUSD", 1.0), ("USDCHF", 1.0)],
        ..CROSS
    },
    Row {
        name: "AUDJPY",
        description: "Australian Dollar vs Japanese Yen",
        base: "AUD",
        margin: "AUD",
        profit: "JPY",
        digits: 3,
        swap: points(4.2, -11.5),
        pace: pace(97.9, 0.70, 18, 1.0),
        drivers: &[("AUDUSD", 1.0), ("USDJPY", 1.0)],
        ..CROSS
    },
    Row {
        name: "EURAUD",
        description: "Euro vs Australian Dollar",
        base: "EUR",
        margin: "EUR",
        profit: "AUD",
        swap: points(-6.6, 0.9),
        pace: pace(1.664, 0.55, 21, 1.0),
        drivers: &[("EURUSD", 1.0), ("AUDUSD", -1.0)],
        ..CROSS
    },
    Row {
        name: "USDTRY",
        description: "US Dollar vs Turkish Lira",
        folder: r"Forex\Exotics",
        base: "USD",
        margin: "USD",
        profit: "TRY",
        calc_mode: CalcMode::ForexNoLeverage,
        margin_rate: 0.2,
        volumes: [0.01, 20.0, 0.01, 50.0],
        stops_level: 100,
        swap: points(-4650.0, 980.0),
        pace: pace(34.2, 0.35, 1400, 0.5),
        ..FOREX
    },
    Row {
        name: "XAUUSD",
        description: "Gold, troy ounce vs US Dollar",
        base: "XAU",
        margin: "USD",
        digits: 2,
        contract_size: 100.0,
        swap: points(-42.7, 18.6),
        pace: pace(2655.0, 0.95, 18, 3.0),
        ..METAL
    },
    Row {
        name: "XAGUSD",
        description: "Silver, troy ounce vs US Dollar",
        base: "XAG",
        margin: "USD",
        digits: 3,
        contract_size: 5000.0,
        execution: Execution::Request,
        stops_level: 10,
        freeze_level: 5,
        swap: points(-5.1, 1.2),
        pace: pace(31.2, 1.7, 20, 1.5),
        ..METAL
    },
    Row {
        name: "US500",
        description: "US 500 index",
        base: "USD",
        margin: "USD",
        swap: interest(-7.3, 2.1),
        pace: pace(5920.0, 0.95, 5, 2.0),
        ..INDEX
    },
    Row {
        name: "DE40",
        description: "Germany 40 index",
        base: "EUR",
        margin: "EUR",
        profit: "EUR",
        swap: interest(-5.9, 0.8),
        pace: pace(19_250.0, 1.0, 12, 2.0),
        ..INDEX
    },
    Row {
        name: "JP225",
        description: "Japan 225 index",
        base: "JPY",
        margin: "JPY",
        profit: "JPY",
        digits: 0,
        tick_value: 1.0,
        contract_size: 10.0,
        swap: interest(-3.2, -1.9),
        pace: pace(38_400.0, 1.2, 8, 1.0),
        ..INDEX
    },
    Row {
        name: "USOIL",
        description: "WTI crude oil, barrel",
        swap: points(-3.4, 1.6),
        pace: pace(70.3, 1.9, 3, 1.2),
        ..OIL
    },
    Row {
        name: "UKOIL",
        description: "Brent crude oil, barrel",
        swap: points(-3.1, 1.4),
        pace: pace(74.1, 1.8, 3, 1.2),
        ..OIL
    },
    Row {
        name: "BTCUSD",
        description: "Bitcoin vs US Dollar",
        base: "BTC",
        swap: nightly(-20.0, -5.0),
        pace: pace(96_500.0, 2.5, 1800, 4.0),
        ..CRYPTO
    },
    Row {
        name: "ETHUSD",
        description: "Ethereum vs US Dollar",
        base: "ETH",
        volumes: [0.01, 200.0, 0.01, 1000.0],
        swap: nightly(-20.0, -5.0),
        pace: pace(3350.0, 3.1, 180, 3.0),
        ..CRYPTO
    },
    Row {
        name: "LTCUSD",
        description: "Litecoin vs US Dollar",
        base: "LTC",
        volumes: [0.1, 2000.0, 0.1, 10_000.0],
        swap: nightly(-20.0, -5.0),
        pace: pace(91.0, 3.8, 15, 1.0),
        ..CRYPTO
    },
    Row {
        name: "AAPL",
        description: "Apple Inc.",
        isin: "US0378331005",
        industry: 1101,
        pace: pace(229.5, 1.6, 2, 1.5),
        ..STOCK
    },
    Row {
        name: "MSFT",
        description: "Microsoft Corporation",
        isin: "US5949181045",
        industry: 1105,
        pace: pace(417.2, 1.5, 3, 1.5),
        ..STOCK
    },
    Row {
        name: "ES",
        description: "E-mini S&P 500 future, continuous",
        folder: r"Futures\Indices",
        base: "USD",
        margin: "USD",
        calc_mode: CalcMode::Futures,
        digits: 2,
        tick_points: 25,
        tick_value: 12.5,
        contract_size: 50.0,
        margin_initial: 13_200.0,
        volumes: [1.0, 100.0, 1.0, 500.0],
        hours: Hours::Derivatives,
        basis: "US500",
        exchange: "CME",
        country: "US",
        pace: pace(5920.0, 0.95, 25, 2.0),
        drivers: &[("US500", 1.0)],
        ..FOREX
    },
    Row {
        name: "UST2034",
        description: "US Treasury note 3.875% 15 Aug 2034",
        isin: "US91282CLF67",
        pace: pace(97.35, 0.45, 2, 0.5),
        ..BOND
    },
    Row {
        name: "GOLDBAR",
        description: "Gold of the client in custody, troy ounce",
        folder: "Collateral",
        base: "XAU",
        margin: "USD",
        digits: 2,
        contract_size: 1.0,
        liquidity_rate: 0.8,
        calc_mode: CalcMode::Collateral,
        trade_mode: TradeMode::Disabled,
        hours: Hours::Metals,
        pace: pace(2655.0, 0.95, 18, 1.0),
        drivers: &[("XAUUSD", 1.0)],
        ..FOREX
    },
];
