//! What the state makes of pushes, of a return after a gap, and of requests whose verdict stayed out.

use std::sync::Arc;

use calls::reply;
use calls::values::UpdateType;
use model::Volume;
use tokio::sync::oneshot;
use wire::records::{
    Account, Deal, DealUpdate, DealUpdateHead, FullSymbol, History, LeverageHead, LeverageRule, LeverageTier,
    Order, OrderUpdate, Portfolio, Position, SymbolBrief, Tick, TradeRequest, TradeResult, TradeResultPush,
    TradeUpdate, mask,
};

mod answers;
mod clock;
mod closings;
mod evidence;
mod guarding;
mod money;
mod proof;
mod reducing;
mod resync;
mod scribe;
mod texts;

use super::apply::apply;
use super::state::State;
use super::trade::{CallName, Intent, Job, Outcome, Trades};
use crate::catalogue::Catalogue;
use crate::ranges::Recent;
use crate::ticks::TickWriter;

const LOT: u64 = 100_000_000;

/// A history of all times.
fn recent(history: History) -> Recent {
    Recent { history, from_s: 0, is_whole: true }
}

/// Catches up by a history that is whole.
fn resync(state: &mut State, portfolio: Portfolio, history: &History) -> Vec<reply::OrderUpdate> {
    let recent = recent(history.clone());
    super::resync::resync(state, portfolio, &recent)
}

/// An account in dollars that has nothing, on a server with EURUSD at 1.10000/1.10010.
fn state() -> State {
    let brief =
        SymbolBrief { symbol_id: 1, trade_symbol: "EURUSD".into(), digits: 5, ..SymbolBrief::default() };
    let catalogue = Arc::new(Catalogue::new(&[brief]));
    let mut full =
        FullSymbol { symbol_id: 1, trade_symbol: "EURUSD".into(), digits: 5, ..FullSymbol::default() };
    (full.currency_base, full.currency_profit, full.currency_margin) =
        ("EUR".into(), "USD".into(), "EUR".into());
    full.currency_profit_digits = 2;
    full.contract_size = 100_000.0;
    full.trade.margin_rates_initial = [1.0; 8];
    full.trade.margin_hedged = 100_000.0;
    catalogue.learn(vec![full]);
    let mut account = Account::default();
    account.main.balance = 1000.0;
    account.main.account_currency = "USD".into();
    (account.main.currency_digits, account.main.margin_leverage, account.main.margin_free_mode) = (2, 100, 1);
    let mut state = State::new(7, account, catalogue, TickWriter::lone());
    tick(&mut state, 10, 110_000.0, 110_010.0);
    state
}

fn tick(state: &mut State, time: i32, bid: f64, ask: f64) {
    let tick = Tick { symbol_id: 1, tick_time: time, fields: 3, bid, ask, ..Tick::default() };
    state.quotes.apply(&tick, 5, tokio::time::Instant::now());
}

fn position(id: i64, lots: u64) -> Position {
    Position {
        position_id: id,
        trade_order: id,
        trade_symbol: "EURUSD".into(),
        price_open: 1.1,
        trade_volume: lots * LOT,
        rate_margin: 1.1,
        digits: 5,
        digits_currency: 2,
        contract_size: 100_000.0,
        ..Position::default()
    }
}

fn deal(ticket: i64, order: i64, position_id: i64, entry: u32, lots: u64) -> Deal {
    Deal {
        deal: ticket,
        trade_order: order,
        position_id,
        entry,
        trade_action: entry,
        trade_symbol: "EURUSD".into(),
        trade_volume: lots * LOT,
        price_open: 1.1,
        digits: 5,
        digits_currency: 2,
        time_create: 1000,
        ..Deal::default()
    }
}

fn deal_push(deal: Deal, position: Position, balance: f64) -> TradeUpdate {
    let head =
        DealUpdateHead { flag_mask: mask::DEALS, deal, position, balance, ..DealUpdateHead::default() };
    TradeUpdate::Deals(vec![DealUpdate { head, ..DealUpdate::default() }])
}

fn pending(ticket: i64) -> Order {
    Order {
        trade_order: ticket,
        trade_symbol: "EURUSD".into(),
        order_type: 2,
        order_state: 1,
        price_order: 1.0,
        volume_initial: 100_000_000,
        volume_current: 100_000_000,
        digits: 5,
        ..Order::default()
    }
}

fn kinds(told: &[reply::OrderUpdate]) -> Vec<UpdateType> {
    told.iter().map(|update| update.kind).collect()
}

#[test]
fn a_position_lives_from_its_first_deal_to_its_last() {
    let mut state = state();
    let told = apply(&mut state, deal_push(deal(50, 70, 70, 0, 2), position(70, 2), 1000.0));
    assert_eq!(kinds(&told), [UpdateType::MarketOpen]);
    tick(&mut state, 11, 110_100.0, 110_110.0);
    let (equity, floating) = state.figures().unwrap();
    assert_eq!(floating.profit.to_string(), "200");
    assert_eq!((equity.equity.to_string(), equity.margin.to_string()), ("1200".into(), "2200".into()));
    let told = apply(&mut state, deal_push(deal(51, 71, 70, 1, 1), position(70, 1), 1100.0));
    assert_eq!(kinds(&told), [UpdateType::PartialClose]);
    let mut out = deal(52, 72, 70, 1, 1);
    out.trade_reason = model::Reason::StopLoss.number();
    let told = apply(&mut state, deal_push(out, position(70, 0), 1200.0));
    assert_eq!(kinds(&told), [UpdateType::OnStopLoss]);
    assert!(state.positions.is_empty());
    assert_eq!(state.closed.iter().map(|order| order.close_volume).collect::<Vec<_>>(), [LOT, LOT]);
    let (equity, _) = state.figures().unwrap();
    assert_eq!((equity.equity.to_string(), equity.margin.to_string()), ("1200".into(), "0".into()));
}

#[test]
fn what_a_server_tells_of_positions_that_never_were_is_forgotten() {
    let mut state = state();
    state.put_position(position(5, 1));
    let most = i64::try_from(super::bounds::OPEN_MAX).unwrap();
    for id in 10..10 + 3 * most {
        // A rollover of what is not open.
        let trade_reason = model::Reason::Rollover.number();
        let deal = Deal { trade_reason, ..deal(id, id, id, 0, 1) };
        apply(&mut state, deal_push(deal, Position::default(), 1000.0));
        assert!(state.ledger.len() <= 2 * super::bounds::OPEN_MAX);
    }
    assert!(!state.ledger.of(5).volume.is_zero(), "what is open is known still");
    for id in 10..=10 + most {
        state.put_order(pending(id));
    }
    assert!(state.check_open().is_err());
}

#[test]
fn margin_follows_the_floating_leverage_of_the_account() {
    let mut state = state();
    let tier = |from, to, rate| LeverageTier {
        range_from: from,
        range_to: to,
        margin_rate_initial: rate,
        ..LeverageTier::default()
    };
    // By lots of a symbol, and by dollars of all: both end their first step at one lot's worth.
    for (range_mode, step) in [(1, 1.0), (2, 110_000.0)] {
        let rule = LeverageHead {
            path: "*".into(),
            range_mode,
            range_currency: "USD".into(),
            ..LeverageHead::default()
        };
        let tiers = vec![tier(0.0, step, 1.0), tier(step, f64::MAX, 3.0)];
        let leverage_rules = vec![LeverageRule { rule, tiers }];
        assert!(!state.set_account(Account { leverage_rules, ..state.account.clone() }));
        apply(&mut state, deal_push(deal(50, 70, 70, 0, 2), position(70, 2), 1000.0));
        assert_eq!(state.figures().unwrap().0.margin.to_string(), "4400");
    }
}

#[test]
fn orders_hold_margin_by_the_rate_of_the_server_or_of_now() {
    let mut state = state();
    let change = |flag_mask, transaction_type, margin_rate| {
        let order = Order { margin_rate, ..pending(80) };
        let update = OrderUpdate { flag_mask, transaction_type, order, ..OrderUpdate::default() };
        TradeUpdate::Orders(vec![update])
    };
    let margin = |state: &mut State| state.figures().unwrap().0.margin.to_string();
    // 1 lot x 100,000 / 100 = 1,000 euros, by the rate of placing.
    apply(&mut state, change(mask::OPEN_ORDERS, 0, 1.05));
    assert_eq!(margin(&mut state), "1050");
    tick(&mut state, 11, 120_000.0, 120_010.0);
    assert_eq!(margin(&mut state), "1050");
    // A server that tells none leaves it to its clients: euros are bought at the ask.
    apply(&mut state, change(mask::OPEN_ORDERS, 1, 0.0));
    assert_eq!(margin(&mut state), "1200.1");
    tick(&mut state, 12, 130_000.0, 130_010.0);
    assert_eq!(margin(&mut state), "1300.1");
    apply(&mut state, change(mask::OPEN_ORDERS, 2, 0.0));
    assert_eq!(margin(&mut state), "0");
}

#[test]
fn orders_on_symbols_without_terms_are_no_reason_to_tell_nothing() {
    let mut state = state();
    state.load(Portfolio { positions: Vec::new(), orders: vec![pending(80)] });
    let equity = |state: &mut State| state.figures().map(|(figures, _)| figures.equity.to_string());
    assert_eq!(equity(&mut state).as_deref(), Some("1000"));
    // The record of a symbol is on its way, or the server has said that there is none, or no such symbol.
    let brief =
        SymbolBrief { symbol_id: 2, trade_symbol: "GBPUSD".into(), digits: 5, ..SymbolBrief::default() };
    state.set_catalogue(Arc::new(Catalogue::new(&[brief])));
    let order = |symbol: &str| Order { trade_symbol: symbol.into(), ..pending(80) };
    state.load(Portfolio { positions: Vec::new(), orders: vec![order("GBPUSD")] });
    assert_eq!(equity(&mut state), None);
    state.without_terms.insert(2);
    assert_eq!(equity(&mut state).as_deref(), Some("1000"));
    state.load(Portfolio { positions: Vec::new(), orders: vec![order("GONE")] });
    assert_eq!(equity(&mut state).as_deref(), Some("1000"));
    // A position is another matter: without its margin the free margin would be wrong.
    let held = Position { trade_symbol: "GONE".into(), ..position(70, 1) };
    state.load(Portfolio { positions: vec![held], orders: Vec::new() });
    assert_eq!(equity(&mut state), None);
}

#[test]
fn a_balance_operation_moves_money_only() {
    let mut state = state();
    let deposit = Deal { deal: 60, trade_action: 2, profit: 500.0, ..Deal::default() };
    let told = apply(&mut state, deal_push(deposit, Position::default(), 1500.0));
    assert_eq!(kinds(&told), [UpdateType::Balance]);
    assert_eq!(state.figures().unwrap().0.equity.to_string(), "1500");
}

#[test]
fn a_pending_order_is_told_from_placing_to_its_end() {
    let mut state = state();
    let update = |flag_mask, transaction_type, order| {
        TradeUpdate::Orders(vec![OrderUpdate {
            flag_mask,
            transaction_type,
            order,
            ..OrderUpdate::default()
        }])
    };
    let mut told = apply(&mut state, update(mask::OPEN_ORDERS, 0, pending(80)));
    told.extend(apply(&mut state, update(mask::OPEN_ORDERS, 1, Order { price_order: 0.99, ..pending(80) })));
    assert_eq!(state.orders.len(), 1);
    told.extend(apply(&mut state, update(mask::OPEN_ORDERS, 2, pending(80))));
    told.extend(apply(&mut state, update(mask::HISTORY_ORDERS, 0, Order { order_state: 6, ..pending(80) })));
    assert_eq!(kinds(&told), [UpdateType::PendingOpen, UpdateType::PendingModify, UpdateType::Expired]);
    assert!(state.orders.is_empty());
}

#[test]
fn what_was_missed_is_told_once_and_the_past_is_no_news() {
    let mut state = state();
    state.load_past(History {
        deals: vec![deal(50, 70, 70, 0, 2), deal(51, 71, 70, 1, 1)],
        orders: Vec::new(),
    });
    state.load(Portfolio { positions: vec![position(70, 1)], orders: vec![pending(80)] });
    let history = || History {
        deals: vec![
            deal(50, 70, 70, 0, 2),
            deal(51, 71, 70, 1, 1),
            deal(52, 90, 70, 1, 1),
            deal(53, 91, 91, 0, 3),
        ],
        orders: vec![Order { order_state: 2, ..pending(80) }],
    };
    let portfolio = || Portfolio { positions: vec![position(91, 3)], orders: Vec::new() };
    let told = resync(&mut state, portfolio(), &history());
    assert_eq!(kinds(&told), [UpdateType::MarketClose, UpdateType::MarketOpen, UpdateType::PendingClose]);
    assert_eq!(state.positions.keys().copied().collect::<Vec<_>>(), [91]);
    assert!(resync(&mut state, portfolio(), &history()).is_empty(), "the second time there is nothing new");
}

#[test]
fn prices_from_before_a_gap_value_nothing_after_it() {
    let mut state = state();
    state.load(Portfolio { positions: vec![position(70, 1)], orders: Vec::new() });
    state.quotes.subscribe(1, std::time::Duration::ZERO);
    let (account, catalogue) = (state.account.clone(), Arc::clone(&state.catalogue));
    state.begin_again(account, catalogue);
    let now = Position { profit: -321.0, price_close: 1.09679, ..position(70, 1) };
    resync(&mut state, Portfolio { positions: vec![now], orders: Vec::new() }, &History::default());
    assert_eq!(state.figures().unwrap().1.profit.to_string(), "-321", "the server's, until a tick comes");
    assert!(state.quotes.prices(1).is_none());
    assert_eq!(state.quotes.wanted.keys().collect::<Vec<_>>(), [1], "interest outlives the gap");
    tick(&mut state, 5, 110_100.0, 110_110.0);
    assert_eq!(state.figures().unwrap().1.profit.to_string(), "100");
}

#[test]
fn stops_that_changed_meanwhile_are_told() {
    let mut state = state();
    state.load(Portfolio { positions: vec![position(70, 1)], orders: Vec::new() });
    let changed = Position { sl: 1.05, ..position(70, 1) };
    let told =
        resync(&mut state, Portfolio { positions: vec![changed], orders: Vec::new() }, &History::default());
    assert_eq!(kinds(&told), [UpdateType::MarketModify]);
    assert_eq!(told[0].order.as_ref().unwrap().stop_loss.to_string(), "1.05");
}

/// Sends a request and loses the link.
fn lost(
    trades: &mut Trades,
    state: &State,
    intent: Intent,
    request: TradeRequest,
) -> oneshot::Receiver<Outcome> {
    let (reply, outcome) = oneshot::channel();
    let number = Arc::default();
    let call = CallName::default();
    let entry = trades.begin(Job { request, intent, magic: 5, reply, number, call }, state).unwrap();
    assert!(entry.number >= 1000 && trades.recorded(entry.number).is_some());
    trades.on_link_lost();
    outcome
}

fn buy(lots: u64) -> TradeRequest {
    let trade_symbol = "EURUSD".into();
    TradeRequest {
        trade_symbol,
        trade_volume: lots * LOT,
        digits: 5,
        comment: "mine".into(),
        ..TradeRequest::default()
    }
}

/// What the server's history has of an order that was filled.
fn filled(ticket: i64, lots: u64, comment: &str) -> Order {
    let volume_initial = i64::try_from(lots * LOT).unwrap();
    Order {
        trade_order: ticket,
        trade_symbol: "EURUSD".into(),
        order_state: 4,
        volume_initial,
        position_id: ticket,
        comment: comment.into(),
        digits: 5,
        ..Order::default()
    }
}

#[test]
fn an_order_that_was_filled_behind_a_broken_link_is_found() {
    let (mut state, mut trades) = (state(), Trades::default());
    let mut outcome = lost(&mut trades, &state, Intent::Open, buy(2));
    let history = History { deals: vec![deal(50, 70, 70, 0, 2)], orders: vec![filled(70, 2, "mine")] };
    resync(&mut state, Portfolio { positions: vec![position(70, 2)], orders: Vec::new() }, &history);
    trades.look(&mut state);
    let Ok(Outcome::Done(order)) = outcome.try_recv() else { panic!("it was not found") };
    assert_eq!((order.ticket, order.volume, order.expert_id, order.request_id), (70, 2 * LOT, 5, 1000));
    assert_eq!(state.positions[&70].record.expert, 5, "the magic number is remembered");
}

#[test]
fn somebody_elses_order_is_not_taken_for_ours() {
    let other_volume = (deal(50, 70, 70, 0, 3), filled(70, 3, "mine"), position(70, 3));
    let other_comment = (deal(50, 70, 70, 0, 2), filled(70, 2, "theirs"), position(70, 2));
    for (deal, order, position) in [other_volume, other_comment] {
        let (mut state, mut trades) = (state(), Trades::default());
        let mut outcome = lost(&mut trades, &state, Intent::Open, buy(2));
        let history = History { deals: vec![deal], orders: vec![order] };
        resync(&mut state, Portfolio { positions: vec![position], orders: Vec::new() }, &history);
        trades.look(&mut state);
        assert!(outcome.try_recv().is_err(), "it is still being looked for");
    }
}

#[test]
fn an_order_older_than_the_request_is_no_evidence() {
    let (mut state, mut trades) = (state(), Trades::default());
    state.load_past(History { deals: vec![deal(50, 70, 70, 0, 2)], orders: vec![filled(70, 2, "mine")] });
    state.load(Portfolio { positions: vec![position(70, 2)], orders: Vec::new() });
    let mut opening = lost(&mut trades, &state, Intent::Open, buy(2));
    let mut closing = lost(&mut trades, &state, Intent::Close(70), buy(2));
    trades.look(&mut state);
    assert!(opening.try_recv().is_err() && closing.try_recv().is_err());
}

#[test]
fn two_candidates_for_one_request_are_ambiguous() {
    let (mut state, mut trades) = (state(), Trades::default());
    let mut outcome = lost(&mut trades, &state, Intent::Open, buy(2));
    let history = History {
        deals: vec![deal(50, 70, 70, 0, 2), deal(51, 71, 71, 0, 2)],
        orders: vec![filled(70, 2, "mine"), filled(71, 2, "mine")],
    };
    resync(
        &mut state,
        Portfolio { positions: vec![position(70, 2), position(71, 2)], orders: Vec::new() },
        &history,
    );
    trades.look(&mut state);
    assert!(matches!(outcome.try_recv(), Ok(Outcome::Unknown(1000))));
}

#[test]
fn two_equal_requests_get_an_order_each() {
    let (mut state, mut trades) = (state(), Trades::default());
    let mut first = lost(&mut trades, &state, Intent::Open, buy(2));
    let mut second = lost(&mut trades, &state, Intent::Open, buy(2));
    let history = History {
        deals: vec![deal(50, 70, 70, 0, 2), deal(51, 71, 71, 0, 2)],
        orders: vec![filled(70, 2, "mine"), filled(71, 2, "mine")],
    };
    resync(
        &mut state,
        Portfolio { positions: vec![position(70, 2), position(71, 2)], orders: Vec::new() },
        &history,
    );
    trades.look(&mut state);
    let tickets = [&mut first, &mut second].map(|outcome| match outcome.try_recv() {
        Ok(Outcome::Done(order)) => order.ticket,
        other => panic!("{other:?}"),
    });
    assert_eq!(tickets, [70, 71]);
}

#[tokio::test(start_paused = true)]
async fn an_order_without_a_trace_is_given_up_and_found_later_by_who_asks() {
    let (mut state, mut trades) = (state(), Trades::default());
    let mut outcome = lost(&mut trades, &state, Intent::Open, buy(2));
    for _ in 0..3 {
        tokio::time::advance(std::time::Duration::from_secs(5)).await;
        assert!(trades.wants_look(tokio::time::Instant::now()));
        trades.look(&mut state);
    }
    assert!(matches!(outcome.try_recv(), Ok(Outcome::Absent(1000))));
    assert!(matches!(trades.lookup(1000, &mut state), Some(Outcome::Absent(_))));
    let history = History { deals: vec![deal(50, 70, 70, 0, 2)], orders: vec![filled(70, 2, "mine")] };
    resync(&mut state, Portfolio { positions: vec![position(70, 2)], orders: Vec::new() }, &history);
    assert!(matches!(trades.lookup(1000, &mut state), Some(Outcome::Done(order)) if order.ticket == 70));
}

#[test]
fn a_verdict_and_its_records_complete_an_order_in_either_order() {
    for records_first in [true, false] {
        let (mut state, mut trades) = (state(), Trades::default());
        let (reply, mut outcome) = oneshot::channel();
        let job = Job {
            request: buy(2),
            intent: Intent::Open,
            magic: 0,
            reply,
            number: Arc::default(),
            call: CallName::default(),
        };
        let entry = trades.begin(job, &state).unwrap();
        let request = trades.recorded(entry.number).unwrap();
        let result = TradeResult { retcode: 10009, deal: 50, trade_order: 70, ..TradeResult::default() };
        let verdict = TradeResultPush { request, result, ..TradeResultPush::default() };
        let push = deal_push(deal(50, 70, 70, 0, 2), position(70, 2), 1000.0);
        if records_first {
            apply(&mut state, push);
            trades.settle(&mut state);
            trades.on_result(verdict, &mut state);
        } else {
            trades.on_result(verdict, &mut state);
            assert!(outcome.try_recv().is_err(), "its records have not come");
            apply(&mut state, push);
            trades.settle(&mut state);
        }
        assert!(matches!(outcome.try_recv(), Ok(Outcome::Done(order)) if order.ticket == 70));
    }
}

#[test]
fn volumes_of_replies_are_lots() {
    let mut state = state();
    apply(&mut state, deal_push(deal(50, 70, 70, 0, 2), position(70, 2), 1000.0));
    let order = &state.opened_orders()[0];
    assert_eq!((order.lots.to_string(), order.volume), ("2".into(), Volume::from_units(2 * LOT).units()));
}
