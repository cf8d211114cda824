//! What guards let through, by what the account holds, has lost, and is about to do.

use access::{Amount, GuardBook, Guarded, Guards, Lots, Trip, Tripwire};
use error::{Code, Error};
use model::{MarginMode, OrderType, TradeAction};

use super::*;
use crate::session::guarding::Guarding;
use crate::session::mail::TradeLimits;

const ALL: Guards = Guards {
    daily_loss: None,
    equity_floor: None,
    lots_max: None,
    symbol_lots_max: None,
    positions_max: None,
    close_all: false,
};

fn account(mode: MarginMode) -> State {
    let mut state = state();
    state.account.main.margin_mode = mode.number();
    state
}

fn market(lots: u64) -> TradeRequest {
    TradeRequest { trade_action: TradeAction::DealMarket.number(), ..buy(lots) }
}

fn limit(lots: u64) -> TradeRequest {
    TradeRequest {
        trade_action: TradeAction::Pending.number(),
        trade_type: 2,
        price_order: 1.05,
        ..buy(lots)
    }
}

fn close(position: u64, lots: u64) -> TradeRequest {
    TradeRequest { trade_type: OrderType::Sell.number(), trade_position: position, ..market(lots) }
}

const fn lots(count: u64) -> Lots {
    Lots::from_units(count * LOT)
}

fn book(guards: Guards) -> GuardBook {
    GuardBook { account: Guarded { guards, trip: None }, ..GuardBook::default() }
}

/// Whether a request is let through, or with what it is refused.
fn admit(
    trades: &Trades,
    state: &mut State,
    book: &GuardBook,
    (intent, request): (Intent, TradeRequest),
) -> Option<Code> {
    let guarding = Some(Guarding { book: Ok(book.clone()), key: Some("key".to_owned()) });
    let limits = TradeLimits { reduce_only: None, guarding };
    trades.admit(intent, &request, limits, state).err().map(|refusal| refusal.code())
}

#[test]
fn all_that_is_held_or_may_be_filled_counts_as_lots() {
    let guards = Guards { lots_max: Some(lots(5)), symbol_lots_max: Some(lots(4)), ..ALL };
    let (mut state, trades) = (account(MarginMode::Hedging), Trades::default());
    state.put_position(position(70, 1));
    state.put_order(pending(80));
    let other = |lots| TradeRequest { trade_symbol: "EURJPY".into(), ..market(lots) };
    for (what, sent, code) in [
        ("as much as the symbol may have", (Intent::Open, market(2)), None),
        ("more of the symbol", (Intent::Open, market(3)), Some(Code::GuardLimit)),
        ("as a pending order", (Intent::Place, limit(3)), Some(Code::GuardLimit)),
        ("of another symbol", (Intent::Open, other(3)), None),
        ("more in all", (Intent::Open, other(4)), Some(Code::GuardLimit)),
        ("a closing", (Intent::Close(70), close(70, 1)), None),
        ("stops", (Intent::Stops(70), TradeRequest { price_sl: 0.9, ..buy(1) }), None),
    ] {
        assert_eq!(admit(&trades, &mut state, &book(guards.clone()), sent), code, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn orders_that_are_split_or_lost_count_until_they_are_known() {
    let guards = book(Guards { lots_max: Some(lots(4)), ..ALL });
    let (mut state, mut trades) = (account(MarginMode::Hedging), Trades::default());
    // Under way, and lost with the link.
    let _first = lost(&mut trades, &state, Intent::Open, market(2));
    let _second = lost(&mut trades, &state, Intent::Place, limit(1));
    assert_eq!(admit(&trades, &mut state, &guards, (Intent::Open, market(1))), None);
    assert_eq!(admit(&trades, &mut state, &guards, (Intent::Open, market(2))), Some(Code::GuardLimit));
    // The first has a verdict: it counts, and counts once when its position is seen.
    let request = TradeRequest { action_id: 1000, ..market(2) };
    let result = TradeResult { retcode: 10009, trade_order: 90, ..TradeResult::default() };
    trades.on_result(TradeResultPush { request, result, ..TradeResultPush::default() }, &mut state);
    assert_eq!(admit(&trades, &mut state, &guards, (Intent::Open, market(2))), Some(Code::GuardLimit));
    state.put_position(position(90, 2));
    assert_eq!(admit(&trades, &mut state, &guards, (Intent::Open, market(1))), None);
    assert_eq!(admit(&trades, &mut state, &guards, (Intent::Open, market(2))), Some(Code::GuardLimit));
}

#[test]
fn pending_orders_count_as_the_positions_that_they_may_become() {
    let guards = book(Guards { positions_max: Some(2), ..ALL });
    let trades = Trades::default();
    for (mode, code) in [(MarginMode::Hedging, Some(Code::GuardLimit)), (MarginMode::Netting, None)] {
        let mut state = account(mode);
        state.put_position(position(70, 1));
        assert_eq!(admit(&trades, &mut state, &guards, (Intent::Place, limit(1))), None);
        state.put_order(pending(80));
        assert_eq!(admit(&trades, &mut state, &guards, (Intent::Place, limit(1))), Some(Code::GuardLimit));
        let more = admit(&trades, &mut state, &guards, (Intent::Open, market(1)));
        assert_eq!(more, code, "{mode:?}: one position of a symbol grows");
    }
}

#[test]
fn a_day_loses_by_what_it_closed_and_what_it_holds() {
    let mut state = account(MarginMode::Hedging);
    let now_s = u32::try_from((runtime::unix_ms() + state.zone.ahead_ms()) / 1000).unwrap();
    let closed = |ticket, time_create, profit| Deal {
        profit,
        commission: -1.0,
        storage: -0.5,
        time_create,
        ..deal(ticket, ticket, 70, 1, 1)
    };
    let loss = |state: &mut State| state.worth().unwrap().loss / 1_000_000;
    state.remember_deal(closed(50, now_s - 2 * 86_400, -500.0));
    assert_eq!(loss(&mut state), 0, "that was another day");
    state.remember_deal(closed(51, now_s, -20.0));
    assert_eq!(loss(&mut state), 2_150);
    state.remember_deal(closed(51, now_s, -10.0));
    assert_eq!(loss(&mut state), 1_150, "it was corrected");
    state.remember_deal(Deal { trade_action: 2, ..closed(52, now_s, 10_000.0) });
    assert_eq!(loss(&mut state), 1_150, "a deposit is no gain");
    // Bought at 1.1, of 1.10000.
    state.put_position(Position { price_open: 1.1005, ..position(70, 1) });
    assert_eq!(loss(&mut state), 1_150 + 5_000);
    state.forget_deal(51);
    assert_eq!(loss(&mut state), 5_000);
    // Its guard lets through what reduces only, from the moment on that it is reached.
    let trades = Trades::default();
    for (most, code) in [(49, Some(Code::GuardTripped)), (50, Some(Code::GuardTripped)), (51, None)] {
        let guards = book(Guards { daily_loss: Some(Amount::from_units(most * 100_000_000)), ..ALL });
        assert_eq!(admit(&trades, &mut state, &guards, (Intent::Open, market(1))), code, "{most}");
        assert_eq!(admit(&trades, &mut state, &guards, (Intent::Close(70), close(70, 1))), None);
    }
}

#[test]
fn what_has_tripped_lets_through_what_reduces_only() {
    let (mut state, trades) = (account(MarginMode::Hedging), Trades::default());
    let day = state.day();
    state.put_position(position(70, 1));
    state.put_order(pending(80));
    let trip = |by, day| Some(Trip { by, day, at_ms: 0, close_all: false });
    let change = TradeRequest {
        trade_action: TradeAction::Modify.number(),
        trade_order: 80,
        price_order: 1.0999,
        ..limit(1)
    };
    let removal = TradeRequest { trade_action: TradeAction::Remove.number(), trade_order: 80, ..buy(1) };
    for (by, day, is_open) in [
        (Tripwire::KillSwitch, day - 1, false),
        (Tripwire::EquityFloor, day - 1, false),
        (Tripwire::DailyLoss, day, false),
        (Tripwire::DailyLoss, day - 1, true),
    ] {
        let of_account =
            GuardBook { account: Guarded { guards: ALL, trip: trip(by, day) }, ..GuardBook::default() };
        let mut of_key = GuardBook::default();
        of_key.keys.insert("key".to_owned(), Guarded { guards: ALL, trip: trip(by, day) });
        let mut of_other = GuardBook::default();
        of_other.keys.insert("other".to_owned(), Guarded { guards: ALL, trip: trip(by, day) });
        for (book, is_open) in [(&of_account, is_open), (&of_key, is_open), (&of_other, true)] {
            let code = (!is_open).then_some(Code::GuardTripped);
            for sent in
                [(Intent::Open, market(1)), (Intent::Place, limit(1)), (Intent::Modify(80), change.clone())]
            {
                let intent = sent.0;
                assert_eq!(admit(&trades, &mut state, book, sent), code, "{by} of {day}: {intent:?}");
            }
            assert_eq!(admit(&trades, &mut state, book, (Intent::Close(70), close(70, 1))), None);
            assert_eq!(admit(&trades, &mut state, book, (Intent::Remove(80), removal.clone())), None);
        }
    }
}

#[test]
fn guards_that_are_not_known_let_through_what_reduces_only() {
    let (mut state, trades) = (account(MarginMode::Hedging), Trades::default());
    state.put_position(position(70, 1));
    let admit = |state: &mut State, intent, request: &TradeRequest| {
        let guarding = Some(Guarding { book: Err(Error::of(Code::ServerBusy)), key: None });
        trades.admit(intent, request, TradeLimits { reduce_only: None, guarding }, state)
    };
    assert_eq!(admit(&mut state, Intent::Open, &market(1)).unwrap_err().code(), Code::ServerBusy);
    assert!(admit(&mut state, Intent::Close(70), &close(70, 1)).is_ok());
    // What the account is worth is not known while the terms of what it holds are missing.
    state.put_position(Position { trade_symbol: "EURJPY".into(), ..position(71, 1) });
    let floor = book(Guards { equity_floor: Some(Amount::from_units(0)), ..ALL });
    let sent = (Intent::Open, market(1));
    assert_eq!(super::guarding::admit(&trades, &mut state, &floor, sent), Some(Code::ServerBusy));
}
