//! The numbers that a refused order had to keep to, as the session knows them: terms, prices, positions, funds.

use calls::ServerTime;
use calls::values::ExpirationType;
use error::{
    Code, Details, Error, ExpirationDetails, FreezeDetails, MarginDetails, PriceDetails, StopsDetails,
    VolumeDetails,
};
use model::calc::{BidAsk, order_margin};
use model::{Money, OrderType, Price, Side, TradeAction, Volume};
use wire::records::{TradeRequest, TradeResult};

use super::state::{OpenPosition, State};
use super::terms::Terms;

/// The parameter that has the price of an order.
const PRICE: &str = "price";

/// The error of a refused request, with the numbers that help to mend it as far as they are known. The prices that are
/// missing begin to come.
pub(crate) fn explained(error: Error, request: &TradeRequest, state: &mut State) -> Error {
    if error.details().is_some() {
        return error;
    }
    let Some(details) = details(error.code(), request, state) else { return error };
    if details.lacks_price() {
        watch(request, state);
    }
    error.with_details(details)
}

/// The same at once, with the prices of the server's verdict where it tells some. Without numbers where a price is
/// missing: it is for the caller to wait for it.
pub(super) fn refused(
    error: Error,
    request: &TradeRequest,
    result: &TradeResult,
    state: &mut State,
) -> Error {
    let quote = (result.bid > 0.0 && result.ask > 0.0).then_some((result.bid, result.ask));
    match quote {
        Some((bid, ask)) if error.code() == Code::Requote => {
            let given = Some(request.price_order).filter(|price| *price > 0.0);
            let nearest = side_of(request).map(|side| if side == Side::Buy { ask } else { bid });
            error.with_details(Details::Price(PriceDetails {
                parameter: PRICE.to_owned(),
                given,
                bid: Some(bid),
                ask: Some(ask),
                order_price: None,
                least_distance: 0.0,
                nearest,
            }))
        }
        _ => match details(error.code(), request, state) {
            Some(details) if !details.lacks_price() => error.with_details(details),
            _ => error,
        },
    }
}

/// Has the prices come that the numbers of a refusal are made of.
fn watch(request: &TradeRequest, state: &mut State) {
    let Some(terms) = state.terms_of(&request.trade_symbol) else { return };
    let ways = state.conversion_ways([terms.contract.currency_margin.as_str()]);
    ways.into_iter().chain([terms.full.symbol_id]).for_each(|id| state.quotes.watch(id));
}

/// The error of a volume that is none, or one that the symbol does not have.
pub(crate) fn volume_refused(error: Error, given: f64, terms: &Terms) -> Error {
    error.with_details(Details::Volume(Possible::new(terms).near(given)))
}

/// The error of a close of more than there is.
pub(crate) fn close_refused(error: Error, given: f64, held: Volume, terms: &Terms) -> Error {
    error.with_details(Details::Volume(Possible::closing(terms, held).near(given)))
}

pub(super) fn details(code: Code, request: &TradeRequest, state: &mut State) -> Option<Details> {
    let terms = state.terms_of(&request.trade_symbol)?;
    let quote = state.quotes.prices(terms.full.symbol_id);
    match code {
        Code::InvalidVolume | Code::VolumeCloseExceedsPosition | Code::VolumeLimitReached => {
            let given = Volume::from_units(request.trade_volume);
            Some(Details::Volume(possible(code, request, &terms, state).near(given.lots())))
        }
        Code::InvalidStops => Some(Details::Stops(stops(request, &terms, quote, state)?)),
        Code::InvalidPrice | Code::PriceChanged => Some(Details::Price(price(request, &terms, quote))),
        Code::InvalidExpiration => {
            let now = runtime::unix_ms() + state.zone.ahead_ms();
            let now = ServerTime::from_seconds(now.div_euclid(1000));
            Some(Details::Expiration(expiration(request, &terms, now)))
        }
        Code::NoMoney => Some(Details::Margin(margin(request, &terms, quote, state))),
        Code::ModificationFailed => freeze(request, &terms, quote, state).map(Details::Freeze),
        _ => None,
    }
}

/// Volumes that a symbol has.
struct Possible {
    least: u64,
    most: u64,
    step: u64,
}

impl Possible {
    fn new(terms: &Terms) -> Self {
        let trade = &terms.trade;
        Self { least: trade.volume_min, most: trade.volume_max, step: trade.volume_step.max(1) }
    }

    /// Of a part of a position: the least volume of an order does not bind there.
    fn closing(terms: &Terms, held: Volume) -> Self {
        let whole = Self::new(terms);
        Self { least: whole.step.min(held.units()), most: whole.most.min(held.units()), step: whole.step }
    }

    fn near(&self, given: f64) -> VolumeDetails {
        let lots = |units: u64| Volume::from_units(units).lots();
        let most = self.most / self.step * self.step;
        let least = self.least.div_ceil(self.step) * self.step;
        let wanted = Volume::from_lots(given).unwrap_or(Volume::ZERO).units();
        let on_step = wanted.saturating_add(self.step / 2) / self.step * self.step;
        let nearest = (least <= most && most > 0).then(|| lots(on_step.clamp(least, most)));
        VolumeDetails {
            given,
            least: lots(self.least),
            most: lots(self.most),
            step: lots(self.step),
            nearest,
        }
    }
}

fn possible(code: Code, request: &TradeRequest, terms: &Terms, state: &State) -> Possible {
    let position = i64::try_from(request.trade_position).ok().and_then(|id| state.positions.get(&id));
    if let Some(open) = position {
        return Possible::closing(terms, open.volume());
    }
    let whole = Possible::new(terms);
    let limit = terms.trade.volume_limit;
    if code != Code::VolumeLimitReached || limit == 0 {
        return whole;
    }
    // The limit is for all that is open or pending in one direction.
    let side = side_of(request);
    let is_same = |symbol: &str, of: Option<Side>| symbol == request.trade_symbol && of == side;
    let positions =
        state.positions.values().filter(|open| is_same(&open.record.trade_symbol, Some(open.side())));
    let orders = state.orders.values().filter(|order| {
        let kind = OrderType::from_number(order.order_type);
        is_same(&order.trade_symbol, kind.and_then(OrderType::side))
    });
    let held = positions.map(|open| open.record.trade_volume);
    let waiting = orders.map(|order| u64::try_from(order.volume_current).unwrap_or(0));
    let taken = held.chain(waiting).fold(0, u64::saturating_add);
    Possible { most: whole.most.min(limit.saturating_sub(taken)), ..whole }
}

fn kind_of(request: &TradeRequest) -> Option<OrderType> {
    OrderType::from_number(request.trade_type)
}

pub(super) fn side_of(request: &TradeRequest) -> Option<Side> {
    kind_of(request).and_then(OrderType::side)
}

/// The least distance of stops and pending orders from the market.
fn level(terms: &Terms) -> Price {
    Price::from_points(i64::from(terms.trade.trade_stops_level.max(0)), terms.full.digits)
}

/// A price on the symbol's step that is not above, or not below, this one.
fn on_step(price: Price, terms: &Terms, is_up: bool) -> Price {
    let step =
        Price::from_f64(terms.contract.tick_size, terms.full.digits).map_or(1, |step| step.units().max(1));
    let below = price.units().div_euclid(step) * step;
    let is_exact = below == price.units();
    Price::from_units(if is_up && !is_exact { below + step } else { below })
}

fn stops(
    request: &TradeRequest,
    terms: &Terms,
    quote: Option<BidAsk>,
    state: &State,
) -> Option<StopsDetails> {
    let digits = terms.full.digits;
    let kind = kind_of(request)?;
    let position = i64::try_from(request.trade_position).ok().and_then(|id| state.positions.get(&id));
    let side = match position {
        Some(open) => open.side(),
        None => kind.side()?,
    };
    // The limit of a stop-limit order is where it will be filled.
    let own = if request.price_trigger > 0.0 { request.price_trigger } else { request.price_order };
    let present = match position {
        None if kind.is_pending() => Price::from_f64(own, digits),
        _ => quote.map(|quote| quote.close(side)),
    };
    let given = |price: f64| (price > 0.0).then(|| Price::from_f64(price, digits)).flatten();
    let level = level(terms);
    let nearest = |given: Option<Price>, is_above: bool| {
        let (given, present) = (given?, present?);
        let bound = if is_above { present + level } else { present - level };
        let bound = on_step(bound, terms, is_above);
        Some(if is_above { given.max(bound) } else { given.min(bound) })
    };
    let (loss, profit) = (given(request.price_sl), given(request.price_tp));
    let is_buy = side == Side::Buy;
    let plain = |price: Option<Price>| price.map(Price::to_f64);
    Some(StopsDetails {
        side: if is_buy { error::Side::Buy } else { error::Side::Sell },
        least_distance: level.to_f64(),
        present_price: plain(present),
        stop_loss: plain(loss),
        take_profit: plain(profit),
        nearest_stop_loss: plain(nearest(loss, !is_buy)),
        nearest_take_profit: plain(nearest(profit, is_buy)),
    })
}

fn price(request: &TradeRequest, terms: &Terms, quote: Option<BidAsk>) -> PriceDetails {
    let kind = kind_of(request);
    let level = level(terms);
    let at = |price: f64| Price::from_f64(price, terms.full.digits).filter(|price| price.units() > 0);
    let (price, limit) = (at(request.price_order), at(request.price_trigger));
    let possible = quote.and_then(|quote| nearest_price(kind?, price, quote, terms));
    let is_stop_limit = kind.is_some_and(OrderType::is_stop_limit);
    // What is missing is told before what is wrong.
    let is_limit = is_stop_limit && price.is_some() && (limit.is_none() || possible == price);
    let (parameter, given, nearest) = if is_limit {
        // Calls differ in the name of the limit.
        let is_change = request.trade_action == TradeAction::Modify.number();
        let parameter = if is_change { "stoplimit" } else { "stopLimitPrice" };
        (parameter, limit, nearest_limit(kind, limit, possible.or(price), terms))
    } else {
        (PRICE, price, possible)
    };
    PriceDetails {
        parameter: parameter.to_owned(),
        given: given.map(Price::to_f64),
        bid: quote.map(|quote| quote.bid.to_f64()),
        ask: quote.map(|quote| quote.ask.to_f64()),
        order_price: price.filter(|_| is_limit).map(Price::to_f64),
        least_distance: if kind.is_some_and(OrderType::is_pending) { level.to_f64() } else { 0.0 },
        nearest: nearest.map(Price::to_f64),
    }
}

/// The price of an order that is possible and nearest to the given one.
fn nearest_price(kind: OrderType, given: Option<Price>, quote: BidAsk, terms: &Terms) -> Option<Price> {
    let (bid, ask, level) = (quote.bid, quote.ask, level(terms));
    // Servers differ in which side of the spread bounds a limit order: this is right for all of them.
    let (bound, is_up) = match kind {
        OrderType::Buy => return Some(ask),
        OrderType::Sell => return Some(bid),
        OrderType::BuyLimit => (bid.min(ask - level), false),
        OrderType::SellLimit => (ask.max(bid + level), true),
        OrderType::BuyStop | OrderType::BuyStopLimit => (ask + level, true),
        OrderType::SellStop | OrderType::SellStopLimit => (bid - level, false),
        OrderType::CloseBy => return None,
    };
    Some(beyond(bound, given, terms, is_up))
}

/// The limit of a stop-limit order at a price that is possible and nearest to the given one.
fn nearest_limit(
    kind: Option<OrderType>,
    given: Option<Price>,
    price: Option<Price>,
    terms: &Terms,
) -> Option<Price> {
    let (price, is_up) = (price?, kind? == OrderType::SellStopLimit);
    let bound = if is_up { price + level(terms) } else { price - level(terms) };
    Some(beyond(bound, given, terms, is_up))
}

/// The price on the symbol's step that is not on this side of a bound, and nearest to the given one.
fn beyond(bound: Price, given: Option<Price>, terms: &Terms, is_up: bool) -> Price {
    let bound = on_step(bound, terms, is_up);
    let given = given.map_or(bound, |given| on_step(given, terms, is_up));
    if is_up { given.max(bound) } else { given.min(bound) }
}

fn freeze(
    request: &TradeRequest,
    terms: &Terms,
    quote: Option<BidAsk>,
    state: &State,
) -> Option<FreezeDetails> {
    let digits = terms.full.digits;
    let distance = Price::from_points(i64::from(terms.trade.trade_freeze_level.max(0)), digits);
    if distance.is_zero() {
        return None;
    }
    let ticket = |number: u64| i64::try_from(number).ok();
    let order = ticket(request.trade_order).and_then(|id| state.orders.get(&id)).and_then(|order| {
        let side = OrderType::from_number(order.order_type)?.side()?;
        Some((quote.map(|quote| quote.open(side)), [order.price_order, 0.0]))
    });
    let named = [request.trade_position, request.position_by].map(ticket);
    // Without hedging an order changes the position of its symbol and need not name it.
    let is_meant = |open: &&OpenPosition| {
        let record = &open.record;
        named.contains(&Some(record.position_id))
            || (!state.is_hedging() && record.trade_symbol == request.trade_symbol)
    };
    let positions = state.positions.values().filter(is_meant);
    let stops =
        positions.map(|open| (quote.map(|quote| quote.close(open.side())), [open.record.sl, open.record.tp]));
    let told = order.into_iter().chain(stops).filter_map(|(present, prices)| {
        let prices = prices.into_iter().filter(|price| *price > 0.0);
        let mut prices = prices.filter_map(|price| Price::from_f64(price, digits)).peekable();
        prices.peek()?;
        // Without a price nothing is known to be near.
        let is_near = |price: &Price| {
            present.is_some_and(|present| (present - *price).units().abs() <= distance.units())
        };
        Some(FreezeDetails {
            freeze_distance: distance.to_f64(),
            present_price: present.map(Price::to_f64),
            too_near: prices.filter(is_near).map(Price::to_f64).collect(),
        })
    });
    // Where nothing is so near, it was refused for something else. While the price is missing, that is for the caller to wait for.
    told.into_iter().find(|one| !one.too_near.is_empty() || one.present_price.is_none())
}

fn expiration(request: &TradeRequest, terms: &Terms, now: ServerTime) -> ExpirationDetails {
    let flags = terms.trade.trade_time_flags;
    let is_taken =
        |kind: ExpirationType| u32::try_from(kind.number()).is_ok_and(|bit| flags & (1 << bit) != 0);
    let kind = ExpirationType::from_number(request.type_time.into());
    let is_dated = matches!(kind, Some(ExpirationType::Specified | ExpirationType::SpecifiedDay));
    let missing = match kind {
        Some(kind) if is_dated && is_taken(kind) => (request.time_expiration == 0).then_some("expiration"),
        // What is meant where nothing is said, and the symbol does not take that.
        Some(ExpirationType::Gtc) if !is_taken(ExpirationType::Gtc) => Some("expirationType"),
        _ => None,
    };
    let types = ExpirationType::ALL.iter().copied().filter(|kind| is_taken(*kind));
    ExpirationDetails {
        missing: missing.map(str::to_owned),
        types: types.map(|kind| kind.as_str().to_owned()).collect(),
        server_time: now.to_string(),
    }
}

fn margin(request: &TradeRequest, terms: &Terms, quote: Option<BidAsk>, state: &mut State) -> MarginDetails {
    let free = state.figures().map(|(equity, _)| equity.free_margin);
    let needed = || {
        let kind = kind_of(request)?;
        let price = match kind {
            OrderType::Buy => quote?.ask,
            OrderType::Sell => quote?.bid,
            _ => Price::from_f64(request.price_order, terms.full.digits)?,
        };
        let market = state.quotes.market(&state.catalogue);
        let volume = Volume::from_units(request.trade_volume);
        order_margin(&terms.contract, kind, volume, price, &state.deposit(), &market)
    };
    MarginDetails {
        needed: needed().map(Money::to_f64),
        free: free.map(Money::to_f64),
        currency: state.account.main.account_currency.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wire::records::FullSymbol;

    use super::*;

    fn terms(change: impl FnOnce(&mut FullSymbol)) -> Terms {
        let mut full = FullSymbol { digits: 2, tick_size: 0.25, ..FullSymbol::default() };
        (full.trade.volume_min, full.trade.volume_max, full.trade.volume_step) =
            (3_000_000, 10_000_000, 2_000_000);
        change(&mut full);
        Terms::new(Arc::new(full), &[])
    }

    #[test]
    fn the_nearest_volume_is_one_that_the_symbol_has() {
        let nearest = |given: f64| Possible::new(&terms(|_| {})).near(given).nearest;
        // From the first step at or above the least one to the last at or below the greatest.
        let cases = [(0.0, 0.04), (0.03, 0.04), (0.049, 0.04), (0.051, 0.06), (0.5, 0.1), (f64::NAN, 0.04)];
        for (given, expected) in cases {
            assert_eq!(nearest(given), Some(expected), "{given}");
        }
        let full = Possible { most: 0, ..Possible::new(&terms(|_| {})) };
        assert_eq!(full.near(1.0).nearest, None);
        let part = Possible::closing(&terms(|_| {}), Volume::from_units(4_000_000)).near(0.001);
        assert_eq!((part.least, part.most, part.nearest), (0.02, 0.04, Some(0.02)));
    }

    #[test]
    fn the_nearest_price_is_on_the_step_and_on_the_side_of_the_order() {
        let (terms, at) =
            (terms(|full| full.trade.trade_stops_level = 30), |price| Price::from_f64(price, 2).unwrap());
        let quote = BidAsk { bid: at(10.0), ask: at(10.1) };
        let cases = [
            (OrderType::BuyLimit, 11.0, 9.75),
            (OrderType::BuyLimit, 9.3, 9.25),
            (OrderType::SellLimit, 9.0, 10.5),
            (OrderType::BuyStop, 9.0, 10.5),
            (OrderType::SellStop, 11.0, 9.5),
            (OrderType::Buy, 1.0, 10.1),
            (OrderType::Sell, 1.0, 10.0),
        ];
        for (kind, given, expected) in cases {
            let request =
                TradeRequest { trade_type: kind.number(), price_order: given, ..TradeRequest::default() };
            assert_eq!(price(&request, &terms, Some(quote)).nearest, Some(expected), "{kind:?} {given}");
            assert_eq!(price(&request, &terms, None).nearest, None);
        }
    }

    #[test]
    fn the_price_of_a_stop_limit_order_that_is_wrong_is_named() {
        let (terms, at) =
            (terms(|full| full.trade.trade_stops_level = 30), |price| Price::from_f64(price, 2).unwrap());
        let quote = BidAsk { bid: at(10.0), ask: at(10.1) };
        let (buy, sell) = (OrderType::BuyStopLimit, OrderType::SellStopLimit);
        // Kind, price and limit, and the parameter with its nearest price.
        let cases = [
            (buy, 11.0, 10.9, "limit", 10.5),
            (buy, 11.0, 12.0, "limit", 10.5),
            (buy, 11.0, 0.0, "limit", 10.5),
            (buy, 9.0, 0.0, "limit", 10.0),
            (buy, 9.0, 8.0, "price", 10.5),
            (buy, 0.0, 8.0, "price", 10.5),
            (sell, 9.0, 9.1, "limit", 9.5),
            (sell, 9.0, 8.0, "limit", 9.5),
            (sell, 9.0, 0.0, "limit", 9.5),
            (sell, 11.0, 12.0, "price", 9.5),
            (OrderType::BuyLimit, 11.0, 12.0, "price", 9.75),
        ];
        for (kind, price_order, price_trigger, wrong, nearest) in cases {
            for (action, limit) in
                [(TradeAction::Pending, "stopLimitPrice"), (TradeAction::Modify, "stoplimit")]
            {
                let (trade_type, trade_action) = (kind.number(), action.number());
                let request = TradeRequest {
                    trade_action,
                    trade_type,
                    price_order,
                    price_trigger,
                    ..TradeRequest::default()
                };
                let told = price(&request, &terms, Some(quote));
                let name = if wrong == "limit" { limit } else { "price" };
                assert_eq!((told.parameter.as_str(), told.nearest), (name, Some(nearest)), "{request:?}");
                let given = if wrong == "limit" { price_trigger } else { price_order };
                assert_eq!(told.given, (given > 0.0).then_some(given), "{request:?}");
            }
        }
    }

    #[test]
    fn a_missing_parameter_of_an_expiration_is_named() {
        let now = ServerTime::from_seconds(1_800_000_000);
        // Bits of what the symbol takes, the kind and date of the request, and what is missing.
        let cases = [
            (15, 2, 0, Some("expiration")),
            (15, 3, 0, Some("expiration")),
            (15, 2, 1, None),
            (2, 0, 0, Some("expirationType")),
            (1, 2, 0, None),
        ];
        for (flags, kind, at, expected) in cases {
            let terms = terms(|full| full.trade.trade_time_flags = flags);
            let request = TradeRequest { type_time: kind, time_expiration: at, ..TradeRequest::default() };
            let told = expiration(&request, &terms, now);
            assert_eq!(told.missing.as_deref(), expected, "{flags} {kind} {at}");
            assert_eq!(told.server_time, "2027-01-15T08:00:00");
        }
        let types =
            expiration(&TradeRequest::default(), &terms(|full| full.trade.trade_time_flags = 6), now).types;
        assert_eq!(types, ["Today", "Specified"]);
    }
}
