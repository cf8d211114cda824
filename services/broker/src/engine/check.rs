//! The checks of a trade request (protocol 11.3). Each is a question with a return code for a no; their
//! order is decided by the callers.

use model::calc::BidAsk;
use model::{
    Execution, Expiration, Filling, OrderType, Price, Retcode, ServerTime, Side, TradeMode, Volume, pow10,
};

use super::{Order, Position};
use crate::catalogue::Symbol;

/// No price is as large as this.
const PRICE_MAX: f64 = 1e9;
/// Bits of `order_flags` that allow stop loss and take profit.
const STOP_LOSS_FLAG: u32 = 16;
const TAKE_PROFIT_FLAG: u32 = 32;

type Check = Result<(), Retcode>;

fn require(holds: bool, otherwise: Retcode) -> Check {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// A price of a request: on the symbol's step within a tenth of a digit, above zero, below the limit.
pub(super) fn price(symbol: &Symbol, value: f64, otherwise: Retcode) -> Result<Price, Retcode> {
    require(value.is_finite() && value > 0.0 && value < PRICE_MAX, otherwise)?;
    let price = Price::from_f64(value, symbol.digits()).ok_or(otherwise)?;
    let tolerance = 0.1 / pow10(symbol.digits()) as f64;
    require((value - price.to_f64()).abs() <= tolerance, otherwise)?;
    require(price.units() % symbol.tick_size.units().max(1) == 0, otherwise)?;
    Ok(price)
}

/// A stop loss or take profit of a request; zero is none.
pub(super) fn stop(symbol: &Symbol, value: f64) -> Result<Option<Price>, Retcode> {
    if value == 0.0 { Ok(None) } else { price(symbol, value, Retcode::INVALID_STOPS).map(Some) }
}

/// Whether the symbol is traded at all. Collateral never is: it covers the trading of other symbols.
pub(super) fn tradable(symbol: &Symbol) -> Check {
    let is_traded = symbol.trade_mode != TradeMode::Disabled && !symbol.is_collateral();
    require(is_traded, Retcode::TRADE_DISABLED)
}

/// Whether a new position of this side may be opened.
pub(super) fn direction(symbol: &Symbol, side: Side) -> Check {
    match (symbol.trade_mode, side) {
        (TradeMode::Full, _) | (TradeMode::LongOnly, Side::Buy) | (TradeMode::ShortOnly, Side::Sell) => {
            Ok(())
        }
        (TradeMode::LongOnly, _) => Err(Retcode::LONG_ONLY),
        (TradeMode::ShortOnly, _) => Err(Retcode::SHORT_ONLY),
        (TradeMode::CloseOnly, _) => Err(Retcode::CLOSE_ONLY),
        (TradeMode::Disabled, _) => Err(Retcode::TRADE_DISABLED),
    }
}

/// Whether the symbol takes orders of this kind.
pub(super) fn kind(symbol: &Symbol, kind: OrderType) -> Check {
    require(symbol.order_flags & kind.flag() != 0, Retcode::INVALID_ORDER)
}

/// Whether an order of this kind may be filled so (protocol 10.3).
pub(super) fn filling(symbol: &Symbol, kind: OrderType, filling: Filling) -> Check {
    let flagged = symbol.fill_flags & filling.flag() != 0;
    let is_limit = matches!(kind, OrderType::BuyLimit | OrderType::SellLimit);
    let fits = match (symbol.execution, kind.is_pending()) {
        (Execution::Request | Execution::Instant, false) => filling == Filling::FillOrKill,
        (Execution::Market, false) => match filling {
            Filling::FillOrKill | Filling::ImmediateOrCancel => flagged,
            Filling::Return => {
                symbol.fill_flags & (Filling::FillOrKill.flag() | Filling::ImmediateOrCancel.flag()) == 0
            }
            Filling::BookOrCancel => false,
        },
        (Execution::Exchange, false) => {
            filling == Filling::Return || (flagged && filling != Filling::BookOrCancel)
        }
        (Execution::Exchange, true) => filling == Filling::Return || (flagged && is_limit),
        (_, true) => filling == Filling::Return,
    };
    require(fits, Retcode::INVALID_FILLING)
}

/// Whether a new order may have this volume.
pub(super) fn volume(symbol: &Symbol, volume: Volume) -> Check {
    require(!volume.is_zero() && volume >= symbol.volume_min, Retcode::INVALID_VOLUME)?;
    closing_volume(symbol, volume)
}

/// Whether a position may be closed by this volume; the smallest volume does not bind here.
pub(super) fn closing_volume(symbol: &Symbol, volume: Volume) -> Check {
    let on_step = volume.units().is_multiple_of(symbol.volume_step.units().max(1));
    require(!volume.is_zero() && volume <= symbol.volume_max && on_step, Retcode::INVALID_VOLUME)
}

/// Whether an order may live so long; gives the moment of its end where one was needed.
pub(super) fn expiration(
    symbol: &Symbol,
    kind: Expiration,
    expires_s: i64,
    now: ServerTime,
) -> Result<Option<ServerTime>, Retcode> {
    let wrong = Retcode::INVALID_EXPIRATION;
    require(symbol.time_flags & kind.flag() != 0, wrong)?;
    match kind {
        Expiration::GoodTillCancelled | Expiration::Day => Ok(None),
        Expiration::Specified => {
            let end = ServerTime::from_parts(expires_s, 0);
            require(end > now, wrong).map(|()| Some(end))
        }
        Expiration::SpecifiedDay => {
            require(model::day_start_s(expires_s) >= model::day_start_s(now.seconds()), wrong)?;
            Ok(Some(ServerTime::from_parts(expires_s, 0)))
        }
    }
}

/// Whether the prices of a pending order are on their sides of the market.
pub(super) fn pending_prices(
    symbol: &Symbol,
    kind: OrderType,
    price: Price,
    limit: Option<Price>,
    quote: BidAsk,
) -> Check {
    let level = symbol.points(i64::from(symbol.stops_level));
    let (bid, ask) = (quote.bid, quote.ask);
    let limit = limit.unwrap_or(price);
    let fits = match kind {
        // An exchange takes limit orders at any price.
        OrderType::BuyLimit | OrderType::SellLimit if symbol.has_book() => true,
        OrderType::BuyLimit => price <= ask - level,
        OrderType::SellLimit => price >= bid + level,
        OrderType::BuyStop => price >= ask + level,
        OrderType::SellStop => price <= bid - level,
        OrderType::BuyStopLimit => price >= ask + level && limit <= price - level,
        OrderType::SellStopLimit => price <= bid - level && limit >= price + level,
        OrderType::Buy | OrderType::Sell | OrderType::CloseBy => false,
    };
    require(fits, Retcode::INVALID_PRICE)
}

/// Whether stop loss and take profit are on their sides of `reference`: the closing price of a position, or
/// the price of a pending order.
pub(super) fn stops(
    symbol: &Symbol,
    side: Side,
    reference: Price,
    sl: Option<Price>,
    tp: Option<Price>,
) -> Check {
    let level = symbol.points(i64::from(symbol.stops_level));
    let allowed = |flag: u32| symbol.order_flags & flag != 0;
    let below = |price: Price| price <= reference - level;
    let above = |price: Price| price >= reference + level;
    let fits = match side {
        Side::Buy => sl.is_none_or(below) && tp.is_none_or(above),
        Side::Sell => sl.is_none_or(above) && tp.is_none_or(below),
    };
    let flagged = (sl.is_none() || allowed(STOP_LOSS_FLAG)) && (tp.is_none() || allowed(TAKE_PROFIT_FLAG));
    require(fits && flagged, Retcode::INVALID_STOPS)
}

/// Whether the market is far enough from an order for it to be changed.
pub(super) fn order_not_frozen(symbol: &Symbol, order: &Order, market: Price) -> Check {
    require(!is_frozen(symbol, order.price, market), Retcode::FROZEN)
}

/// Whether the market is far enough from a position's stops for it to be changed.
pub(super) fn position_not_frozen(symbol: &Symbol, position: &Position, quote: BidAsk) -> Check {
    let market = quote.close(position.side);
    let frozen = [position.sl, position.tp].into_iter().flatten().any(|at| is_frozen(symbol, at, market));
    require(!frozen, Retcode::FROZEN)
}

fn is_frozen(symbol: &Symbol, at: Price, market: Price) -> bool {
    let distance = (at.units() - market.units()).abs();
    symbol.freeze_level > 0 && distance <= symbol.points(i64::from(symbol.freeze_level)).units()
}
