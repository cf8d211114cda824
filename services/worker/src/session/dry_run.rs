//! What a trade request would come to, by the terms, prices and funds that the session knows: nothing is sent.

use calls::reply::{Check, Costs, DryRun, MarginChange, Request};
use error::{Code, Details};
use model::calc::profit_of;
use model::{Money, Price, Side, TradeAction, TradeMode, Volume};
use wire::records::{Order, TradeRequest};

use super::details::{details, side_of};
use super::figures::Change;
use super::guarding::Guarding;
use super::state::State;
use super::terms::Terms;

/// A request with what the session would remember of it.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    pub(crate) request: TradeRequest,
    pub(crate) magic: i64,
}

/// Whether a price is missing for what would be told; they begin to come.
pub(crate) fn lacks_prices(tried: &Tried, state: &mut State) -> bool {
    let request = &tried.request;
    state.watch_order(&request.trade_symbol);
    let Some(terms) = state.terms_of(&request.trade_symbol) else { return false };
    state.quotes.prices(terms.full.symbol_id).is_none() || !state.converts(&terms.contract.currency_margin)
}

/// What it would come to now.
pub(crate) fn told(tried: &Tried, guarding: &Guarding, state: &mut State) -> DryRun {
    let request = &tried.request;
    let margin = margin(request, state);
    let checks = checks(request, margin.as_ref(), state);
    let refusal = guarding.refusal_of_tried(adds(request), request, state);
    let guards: Vec<String> = refusal.map(|refusal| refusal.detail().to_owned()).into_iter().collect();
    DryRun {
        dry_run: true,
        is_accepted: guards.is_empty() && checks.iter().all(|check| check.is_passed != Some(false)),
        checks,
        margin,
        costs: Costs { spread: spread(request, state), commission: None },
        guards,
        request: shown(tried),
    }
}

fn action(request: &TradeRequest) -> Option<TradeAction> {
    TradeAction::from_number(request.trade_action)
}

/// Whether it asks for a deal at market.
fn is_deal(request: &TradeRequest) -> bool {
    matches!(
        action(request),
        Some(
            TradeAction::DealRequest
                | TradeAction::DealInstant
                | TradeAction::DealMarket
                | TradeAction::DealExchange
        )
    )
}

/// Whether it may make more than there is.
fn adds(request: &TradeRequest) -> bool {
    (is_deal(request) && request.trade_position == 0) || action(request) == Some(TradeAction::Pending)
}

fn ticket(number: u64) -> Option<i64> {
    i64::try_from(number).ok().filter(|number| *number != 0)
}

/// What a new position of a deal is opened at.
fn open_price(request: &TradeRequest, terms: &Terms, state: &State) -> Option<(Side, Price)> {
    let side = side_of(request)?;
    Some((side, state.quotes.prices(terms.full.symbol_id)?.open(side)))
}

/// What would change in what is held; `None` while a price for it is missing.
fn change(request: &TradeRequest, state: &mut State) -> Option<Change> {
    let volume = Volume::from_units(request.trade_volume);
    let mut change = Change::default();
    match action(request) {
        Some(TradeAction::CloseBy) => {
            let both = [request.trade_position, request.position_by].into_iter().filter_map(ticket);
            change.less = both.map(|id| (id, volume)).collect();
        }
        Some(TradeAction::Remove) => change.without = ticket(request.trade_order),
        Some(TradeAction::Pending | TradeAction::Modify) => {
            change.without = ticket(request.trade_order);
            let volume = i64::try_from(request.trade_volume).unwrap_or(i64::MAX);
            change.order = Some(Order {
                trade_symbol: request.trade_symbol.clone(),
                order_type: request.trade_type,
                volume_initial: volume,
                volume_current: volume,
                price_order: request.price_order,
                digits: request.digits,
                ..Order::default()
            });
        }
        _ if is_deal(request) => {
            let terms = state.terms_of(&request.trade_symbol)?;
            let mut rest = volume.units();
            if let Some(id) = ticket(request.trade_position) {
                change.less.push((id, volume));
                return Some(change);
            }
            let (side, price) = open_price(request, &terms, state)?;
            if !state.is_hedging() {
                // A deal takes from what is open on the other side first.
                let opposite = state.positions.iter().filter(|(_, open)| {
                    open.record.trade_symbol == request.trade_symbol && open.side() != side
                });
                for (id, open) in opposite {
                    let taken = rest.min(open.volume().units());
                    change.less.push((*id, Volume::from_units(taken)));
                    rest -= taken;
                }
            }
            if rest > 0 {
                let market = state.quotes.market(&state.catalogue);
                let rate = model::calc::margin_rate(&terms.contract, side, &state.deposit(), &market)?;
                let symbol = request.trade_symbol.clone();
                change.more = Some((symbol, side, Volume::from_units(rest), price, rate));
            }
        }
        _ => {}
    }
    Some(change)
}

fn margin(request: &TradeRequest, state: &mut State) -> Option<MarginChange> {
    let change = change(request, state)?;
    let (before, after) = state.equity_after(&change)?;
    Some(MarginChange {
        margin_before: before.margin.to_f64(),
        margin_after: after.margin.to_f64(),
        free_margin_before: before.free_margin.to_f64(),
        free_margin_after: after.free_margin.to_f64(),
        currency: state.account.main.account_currency.clone(),
    })
}

/// What a new position is worth at once: it is opened on one side of the market and closes on the other.
fn spread(request: &TradeRequest, state: &mut State) -> Option<f64> {
    if !is_deal(request) || request.trade_position != 0 {
        return None;
    }
    let terms = state.terms_of(&request.trade_symbol)?;
    let (side, open) = open_price(request, &terms, state)?;
    let close = state.quotes.prices(terms.full.symbol_id)?.close(side);
    let (deposit, market) = (state.deposit(), state.quotes.market(&state.catalogue));
    let volume = Volume::from_units(request.trade_volume);
    let profit = profit_of(&terms.contract, side, volume, open, close, &deposit, &market)?;
    Some((Money::ZERO - profit.money).to_f64())
}

/// A check that passed, failed or cannot be made, with the code of a failure and what is said of it.
fn check(name: &str, is_passed: Option<bool>, code: Code, message: impl FnOnce() -> String) -> Check {
    let is_failed = is_passed == Some(false);
    Check {
        name: name.to_owned(),
        is_passed,
        code: if is_failed { code.as_str().to_owned() } else { String::new() },
        message: if is_failed { message() } else { String::new() },
    }
}

fn checks(request: &TradeRequest, margin: Option<&MarginChange>, state: &mut State) -> Vec<Check> {
    let Some(terms) = state.terms_of(&request.trade_symbol) else { return Vec::new() };
    let mut all = vec![trade_mode(request, &terms), market_hours(&terms, state)];
    let mut of_details = |name: &str, code: Code| {
        if let Some(details) = details(code, request, state) {
            all.push(judged(name, code, request, &details));
        }
    };
    let changes_prices = matches!(action(request), Some(TradeAction::Pending | TradeAction::Modify));
    if is_deal(request) || action(request) == Some(TradeAction::Pending) {
        of_details("volume", Code::InvalidVolume);
        if adds(request) {
            of_details("volumeLimit", Code::VolumeLimitReached);
        }
    }
    if changes_prices {
        of_details("price", Code::InvalidPrice);
        of_details("expiration", Code::InvalidExpiration);
    }
    if request.price_sl > 0.0 || request.price_tp > 0.0 {
        of_details("stops", Code::InvalidStops);
    }
    if !adds(request) {
        of_details("freeze", Code::ModificationFailed);
    }
    if is_deal(request) && adds(request) {
        let is_passed = margin
            .map(|margin| margin.free_margin_after >= 0.0 || margin.margin_after <= margin.margin_before);
        all.push(check("margin", is_passed, Code::NoMoney, || {
            let left = margin.map_or(0.0, |margin| margin.free_margin_after);
            format!("Free margin would be {left} afterwards.")
        }));
    }
    all
}

/// By the numbers that a refusal would tell: what is possible and nearest is what is asked for, or it is refused.
fn judged(name: &str, code: Code, request: &TradeRequest, details: &Details) -> Check {
    let is_same = |one: Option<f64>, other: Option<f64>| {
        let units = |price: Option<f64>| price.and_then(|price| Price::from_f64(price, request.digits));
        one.is_none() || units(one) == units(other)
    };
    match details {
        Details::Volume(volume) => {
            let nearest = volume.nearest.and_then(Volume::from_lots);
            let is_passed = nearest == Some(Volume::from_units(request.trade_volume));
            check(name, Some(is_passed), code, || {
                format!("From {} to {} lots in steps of {}.", volume.least, volume.most, volume.step)
            })
        }
        Details::Stops(stops) => {
            let is_passed = stops.present_price.map(|_| {
                is_same(stops.stop_loss, stops.nearest_stop_loss)
                    && is_same(stops.take_profit, stops.nearest_take_profit)
            });
            check(name, is_passed, code, || {
                format!("At least {} from the price, each on its side.", stops.least_distance)
            })
        }
        Details::Price(price) => {
            let is_passed = price.nearest.map(|nearest| is_same(price.given.or(Some(0.0)), Some(nearest)));
            check(name, is_passed, code, || {
                format!("The nearest possible {} is {}.", price.parameter, price.nearest.unwrap_or_default())
            })
        }
        Details::Expiration(expiration) => {
            let kind = calls::values::ExpirationType::from_number(request.type_time.into());
            let is_taken = kind.is_some_and(|kind| expiration.types.iter().any(|one| one == kind.as_str()));
            check(name, Some(is_taken && expiration.missing.is_none()), code, || {
                format!("The symbol takes {}.", expiration.types.join(", "))
            })
        }
        Details::Freeze(freeze) => {
            let is_passed = freeze.present_price.map(|_| freeze.too_near.is_empty());
            check(name, is_passed, code, || format!("Within {} of the price.", freeze.freeze_distance))
        }
        Details::Margin(_) => check(name, None, code, String::new),
    }
}

fn trade_mode(request: &TradeRequest, terms: &Terms) -> Check {
    let mode = TradeMode::from_number(terms.trade.trade_mode).unwrap_or(TradeMode::Disabled);
    let side = side_of(request);
    let is_passed = match mode {
        TradeMode::Full => true,
        TradeMode::Disabled => false,
        _ if !adds(request) => true,
        TradeMode::LongOnly => side == Some(Side::Buy),
        TradeMode::ShortOnly => side == Some(Side::Sell),
        TradeMode::CloseOnly => false,
    };
    check("tradeMode", Some(is_passed), Code::TradeDisabled, || {
        format!("{} does not allow this kind of trade.", terms.full.trade_symbol)
    })
}

fn market_hours(terms: &Terms, state: &State) -> Check {
    let now = state.now();
    let minute = now.minute_of_day();
    let day = &terms.full.schedule.trades[now.weekday()];
    let is_open = day.iter().any(|one| i64::from(one.open) <= minute && minute < i64::from(one.close));
    check("marketHours", Some(is_open), Code::MarketClosed, || {
        format!("{} is not traded at this time.", terms.full.trade_symbol)
    })
}

fn shown(tried: &Tried) -> Request {
    let request = &tried.request;
    Request {
        action: request.trade_action,
        symbol: request.trade_symbol.clone(),
        lots: Volume::from_units(request.trade_volume).lots(),
        order_type: request.trade_type,
        filling: request.type_filling,
        price: request.price_order,
        stop_limit_price: request.price_trigger,
        stop_loss: request.price_sl,
        take_profit: request.price_tp,
        deviation: request.price_deviation,
        expiration_type: request.type_time,
        expiration: request.time_expiration,
        order_ticket: request.trade_order,
        position_ticket: request.trade_position,
        close_by_ticket: request.position_by,
        comment: request.comment.clone(),
        expert_id: tried.magic,
    }
}
