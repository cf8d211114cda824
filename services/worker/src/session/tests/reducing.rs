//! Which trade requests only reduce.

use model::{Filling, MarginMode, OrderType, TradeAction};

use super::*;
use crate::session::reducing::only_reduces;

/// Position 70: two lots long with stops at 1.09 and 1.12; 60: one lot short, without. Order 80 is a buy limit.
fn held(mode: MarginMode) -> State {
    let mut state = state();
    state.account.main.margin_mode = mode.number();
    state.put_position(Position { sl: 1.09, tp: 1.12, ..position(70, 2) });
    if mode == MarginMode::Hedging {
        state.put_position(Position { trade_action: 1, ..position(60, 1) });
    }
    state.put_order(Order { price_sl: 0.95, ..pending(80) });
    state
}

fn sell(lots: u64) -> TradeRequest {
    TradeRequest { trade_type: OrderType::Sell.number(), ..deal_of(buy(lots)) }
}

fn deal_of(request: TradeRequest) -> TradeRequest {
    TradeRequest { trade_action: TradeAction::DealMarket.number(), digits: 5, ..request }
}

fn may(state: &State, request: &TradeRequest) -> bool {
    only_reduces(request, state, std::iter::empty())
}

#[test]
fn positions_side_by_side_are_reduced_by_name() {
    let state = held(MarginMode::Hedging);
    let close = |lots, trade_position| TradeRequest { trade_position, ..sell(lots) };
    let eurjpy = TradeRequest { trade_symbol: "EURJPY".into(), ..close(1, 70) };
    let wider = TradeRequest { price_sl: 1.08, ..close(1, 70) };
    let by = |trade_position, position_by, volume: u64| TradeRequest {
        trade_action: TradeAction::CloseBy.number(),
        trade_position,
        position_by,
        trade_volume: volume * LOT,
        ..sell(1)
    };
    let rows = [
        ("all of it", close(2, 70), true),
        ("a part", close(1, 70), true),
        ("more than there is", close(3, 70), false),
        ("nothing", close(0, 70), false),
        ("its own side", TradeRequest { trade_position: 70, ..deal_of(buy(1)) }, false),
        ("the short one", TradeRequest { trade_position: 60, ..deal_of(buy(1)) }, true),
        ("what is not there", close(1, 71), false),
        ("no number of a position", close(1, u64::MAX), false),
        ("an opposite position", sell(1), false),
        ("another symbol", eurjpy, false),
        ("with a wider stop", wider, false),
        ("as a pending order", TradeRequest { trade_type: 3, ..close(1, 70) }, false),
        ("two by each other", by(70, 60, 1), true),
        ("the other way round", by(60, 70, 1), true),
        ("more than both have", by(70, 60, 2), false),
        ("by itself", by(70, 70, 1), false),
        ("by what is not there", by(70, 61, 1), false),
    ];
    for (what, request, expected) in rows {
        assert_eq!(may(&state, &request), expected, "{what}");
    }
}

#[test]
fn the_one_position_of_a_symbol_is_reduced_by_its_volume_at_most() {
    for mode in [MarginMode::Netting, MarginMode::Exchange] {
        let mut state = held(mode);
        let eurjpy = TradeRequest { trade_symbol: "EURJPY".into(), ..sell(1) };
        let by = TradeRequest { trade_action: TradeAction::CloseBy.number(), position_by: 70, ..sell(1) };
        let rows = [
            ("all of it", sell(2), true),
            ("a part", sell(1), true),
            ("turning it round", sell(3), false),
            ("more of it", deal_of(buy(1)), false),
            ("named", TradeRequest { trade_position: 70, ..sell(2) }, true),
            ("named, and turning it round", TradeRequest { trade_position: 70, ..sell(3) }, false),
            ("another symbol", eurjpy, false),
            ("a wider stop on the way", TradeRequest { price_sl: 1.08, ..sell(1) }, false),
            ("a nearer stop on the way", TradeRequest { price_sl: 1.095, ..sell(1) }, true),
            ("by a position", TradeRequest { trade_position: 70, ..by }, false),
        ];
        for (what, request, expected) in rows {
            assert_eq!(may(&state, &request), expected, "{what}");
        }
        // Several together.
        let with = |state: &State, lots, under_way: &[TradeRequest]| {
            only_reduces(&sell(lots), state, under_way.iter())
        };
        assert!(with(&state, 1, &[sell(1)]) && !with(&state, 2, &[sell(1)]) && !with(&state, 1, &[sell(2)]));
        let others = [deal_of(buy(2)), TradeRequest { trade_symbol: "EURJPY".into(), ..sell(2) }];
        assert!(with(&state, 2, &others), "of others");
        assert!(!with(&state, 1, &[sell(u64::MAX / LOT), sell(u64::MAX / LOT)]));
        // What an exchange works on.
        state.put_order(Order { order_type: 1, trade_symbol: "EURUSD".into(), ..pending(81) });
        assert!(may(&state, &sell(1)) && !may(&state, &sell(2)));
    }
}

#[test]
fn nothing_new_is_placed_and_everything_is_removed() {
    for mode in [MarginMode::Hedging, MarginMode::Netting] {
        let state = held(mode);
        let of = |action: u32| TradeRequest { trade_action: action, trade_order: 80, ..sell(1) };
        for action in TradeAction::ALL {
            let kind = action.number();
            let expected = match action {
                TradeAction::Prices | TradeAction::Remove => true,
                TradeAction::DealRequest
                | TradeAction::DealInstant
                | TradeAction::DealMarket
                | TradeAction::DealExchange => mode == MarginMode::Netting,
                _ => false,
            };
            assert_eq!(may(&state, &of(kind)), expected, "{action:?}");
        }
        assert!(!may(&state, &of(9)) && !may(&state, &of(11)), "what nobody knows");
    }
}

#[test]
fn stops_come_nearer_or_stay() {
    let state = held(MarginMode::Hedging);
    let stops = |trade_position, price_sl, price_tp| TradeRequest {
        trade_action: TradeAction::StopsChange.number(),
        trade_position,
        price_sl,
        price_tp,
        ..sell(2)
    };
    let rows = [
        ("as they are", stops(70, 1.09, 1.12), true),
        ("as they are at the digits", stops(70, 1.090_000_04, 1.119_999_96), true),
        ("both nearer", stops(70, 1.095, 1.11), true),
        ("the loss farther", stops(70, 1.0899, 1.12), false),
        ("the profit farther", stops(70, 1.09, 1.1201), false),
        ("no loss", stops(70, 0.0, 1.12), false),
        ("no profit", stops(70, 1.09, 0.0), false),
        ("no number", stops(70, f64::NAN, 1.12), false),
        ("set where none were", stops(60, 1.2, 1.0), true),
        ("one of them", stops(60, 1.2, 0.0), true),
        ("none still", stops(60, 0.0, 0.0), true),
        ("of what is not there", stops(71, 1.2, 1.0), false),
        ("of another symbol", TradeRequest { trade_symbol: "X".into(), ..stops(70, 1.09, 1.12) }, false),
    ];
    for (what, request, expected) in rows {
        assert_eq!(may(&state, &request), expected, "{what}");
    }
    let mut short = held(MarginMode::Hedging);
    short.put_position(Position { trade_action: 1, sl: 1.12, tp: 1.09, ..position(60, 1) });
    assert!(may(&short, &stops(60, 1.11, 1.095)) && may(&short, &stops(60, 1.12, 1.09)));
    assert!(!may(&short, &stops(60, 1.13, 1.09)) && !may(&short, &stops(60, 1.12, 1.08)));
}

#[test]
fn of_a_pending_order_only_the_stops_change() {
    let state = held(MarginMode::Hedging);
    let same = || TradeRequest {
        trade_action: TradeAction::Modify.number(),
        trade_symbol: "EURUSD".into(),
        trade_volume: LOT,
        trade_order: 80,
        trade_type: 2,
        digits: 5,
        price_order: 1.0,
        price_sl: 0.95,
        ..TradeRequest::default()
    };
    let rows = [
        ("nothing", same(), true),
        ("a nearer stop", TradeRequest { price_sl: 0.99, price_tp: 1.1, ..same() }, true),
        ("a wider stop", TradeRequest { price_sl: 0.9, ..same() }, false),
        ("no stop", TradeRequest { price_sl: 0.0, ..same() }, false),
        ("its price", TradeRequest { price_order: 1.05, ..same() }, false),
        ("its second price", TradeRequest { price_trigger: 1.05, ..same() }, false),
        ("its volume", TradeRequest { trade_volume: 2 * LOT, ..same() }, false),
        ("its type", TradeRequest { trade_type: 4, ..same() }, false),
        ("its filling", TradeRequest { type_filling: Filling::Return.number(), ..same() }, false),
        ("its end", TradeRequest { time_expiration: 99, ..same() }, false),
        ("the kind of its end", TradeRequest { type_time: 1, ..same() }, false),
        ("another order", TradeRequest { trade_order: 81, ..same() }, false),
    ];
    for (what, request, expected) in rows {
        assert_eq!(may(&state, &request), expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_closing_of_unknown_fate_counts_as_long_as_the_server_may_decide() {
    let (state, mut trades) = (held(MarginMode::Netting), Trades::default());
    let _outcome = lost(&mut trades, &state, Intent::Open, sell(2));
    assert!(!trades.only_reduces(&sell(1), &state));
    tokio::time::advance(std::time::Duration::from_secs(180)).await;
    assert!(trades.only_reduces(&sell(2), &state), "a position must not be trapped");
}
