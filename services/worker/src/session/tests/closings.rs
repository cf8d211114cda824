//! What the state says of closings whose verdicts were lost: which deals are theirs, and what is concluded where several
//! requests may have closed the same.

use std::time::Duration;

use error::Code;
use model::{MarginMode, Reason};
use tokio::time::{Instant, advance};

use super::evidence::Verdict::{Ambiguous, Done, Nothing};
use super::evidence::{Books, Verdict, concluded, search};
use super::*;

const NOT_DONE: Verdict = Verdict::Refused(Code::RequestCancelled);

/// Position 70 is long, 60 short; an order is older than all requests.
fn held() -> Books {
    let positions = vec![position(70, 2), position(60, 2)];
    Books { positions, orders: vec![pending(65)], ..Books::default() }
}

fn close(lots: u64) -> TradeRequest {
    TradeRequest { trade_type: 1, trade_position: 70, comment: String::new(), ..buy(lots) }
}

/// Of position 70 by 60, or the other way round.
fn close_by(position: u64, lots: u64) -> TradeRequest {
    let position_by = if position == 70 { 60 } else { 70 };
    TradeRequest { trade_position: position, position_by, comment: String::new(), ..buy(lots) }
}

#[test]
fn a_closing_is_known_by_position_volume_and_age() {
    let with = |deal: Deal, left: &[u64]| {
        let mut positions = vec![position(60, 2)];
        positions.extend(left.iter().map(|lots| position(70, *lots)));
        Books { positions, deals: vec![deal], ..Books::default() }
    };
    let stopped = Deal { trade_reason: Reason::StopLoss.number(), ..deal(51, 71, 70, 1, 2) };
    let gone = Books { positions: vec![position(60, 2)], ..Books::default() };
    let deals = |deals: [Deal; 2]| Books { deals: deals.to_vec(), ..gone.clone() };
    let half = |ticket, order| Deal { trade_volume: LOT / 2, ..deal(ticket, order, 70, 1, 1) };
    let twice = || deals([deal(51, 71, 70, 1, 1), half(52, 72)]);
    let rest_stopped =
        |lots| deals([deal(51, 71, 70, 1, lots), Deal { deal: 52, trade_order: 72, ..stopped.clone() }]);
    let rows = [
        ("all of it", 2, with(deal(51, 71, 70, 1, 2), &[]), Done(70)),
        ("a part of it", 1, with(deal(51, 71, 70, 1, 1), &[1]), Done(70)),
        ("all of it, and more", 2, with(deal(51, 71, 70, 2, 2), &[1]), Done(70)),
        ("by an opposite position", 2, with(deal(51, 71, 70, 3, 2), &[]), Nothing),
        ("another part", 2, with(deal(51, 71, 70, 1, 1), &[1]), Nothing),
        ("another position", 2, with(deal(51, 71, 60, 1, 2), &[2]), Nothing),
        ("more of the position", 1, with(deal(51, 71, 70, 0, 1), &[3]), Nothing),
        ("by an order that is older", 2, with(deal(51, 65, 70, 1, 2), &[]), Nothing),
        ("nothing", 2, held(), Nothing),
        ("closed by its stop loss", 2, with(stopped.clone(), &[]), Verdict::Refused(Code::PositionNotExists)),
        ("gone", 2, gone.clone(), Nothing),
        ("closed by others in another way", 1, with(deal(51, 71, 70, 1, 2), &[]), Nothing),
        ("a part, and another one after it", 1, twice(), Done(70)),
        ("in two deals of an order", 1, deals([half(51, 71), half(52, 71)]), Done(70)),
        ("the first of two deals of an order", 1, deals([deal(51, 71, 70, 1, 1), half(52, 71)]), Nothing),
        (
            "two orders of which each is one",
            1,
            deals([deal(51, 71, 70, 1, 1), deal(52, 72, 70, 1, 1)]),
            Ambiguous,
        ),
        ("a part of it, and the rest by its stop loss", 1, rest_stopped(1), Done(70)),
        ("another part, and the rest by its stop loss", 2, rest_stopped(1), Nothing),
    ];
    for (what, lots, after, verdict) in rows {
        assert_eq!(search(&held(), Intent::Close(70), close(lots), &after), verdict, "{what}");
    }
    let closed = with(deal(51, 71, 70, 1, 1), &[1]);
    assert_eq!(search(&closed, Intent::Close(70), close(1), &closed), Nothing, "an older one");
}

#[test]
fn a_closing_by_an_opposite_position_is_known_by_the_deals_of_both() {
    let after = |deals: &[Deal]| Books { deals: deals.to_vec(), ..held() };
    let (one, other) = (|| deal(51, 71, 70, 3, 2), || deal(52, 71, 60, 3, 2));
    let gone_by_stop = Books {
        positions: vec![position(60, 2)],
        deals: vec![Deal { trade_reason: Reason::StopLoss.number(), ..deal(51, 71, 70, 1, 2) }],
        ..Books::default()
    };
    let rows = [
        ("both", after(&[one(), other()]), Done(70)),
        ("in the other order", after(&[other(), one()]), Done(70)),
        ("one", after(&[one()]), Nothing),
        ("by another position", after(&[one(), deal(52, 71, 61, 3, 2)]), Nothing),
        ("by two orders", after(&[one(), Deal { trade_order: 72, ..other() }]), Nothing),
        ("another volume", after(&[deal(51, 71, 70, 3, 1), deal(52, 71, 60, 3, 1)]), Nothing),
        ("closed at the market", after(&[deal(51, 71, 70, 1, 2), deal(52, 71, 60, 1, 2)]), Nothing),
        ("closed by its stop loss", gone_by_stop, Verdict::Refused(Code::PositionNotExists)),
    ];
    for (what, after, verdict) in rows {
        assert_eq!(search(&held(), Intent::CloseBy(70), close_by(70, 2), &after), verdict, "{what}");
    }
}

/// Has two requests lost, and looks for them as often as it takes once they are decided.
async fn both_decided(
    mode: MarginMode,
    sent: [(Intent, TradeRequest); 2],
    before: Books,
    after: &Books,
) -> [Verdict; 2] {
    let (mut state, mut trades) = (state(), Trades::default());
    state.account.main.margin_mode = mode.number();
    state.load(before.portfolio());
    let sent = sent.map(|(intent, request)| lost(&mut trades, &state, intent, request));
    advance(Duration::from_secs(180)).await;
    resync(&mut state, after.portfolio(), &after.history());
    for _ in 0..2 {
        trades.look_as_of(&mut state, Some(Instant::now()));
        advance(Duration::from_secs(2)).await;
    }
    sent.map(|mut outcome| concluded(&mut outcome))
}

#[tokio::test(start_paused = true)]
async fn a_closing_is_found_by_the_request_that_made_it_and_by_no_other() {
    let by_market = Books {
        positions: vec![position(70, 1), position(60, 2)],
        deals: vec![deal(51, 90, 70, 1, 1)],
        ..Books::default()
    };
    let by_opposite = Books {
        positions: vec![position(70, 1), position(60, 1)],
        deals: vec![deal(51, 90, 70, 3, 1), deal(52, 90, 60, 3, 1)],
        ..Books::default()
    };
    let twice = Books {
        positions: vec![position(60, 2)],
        deals: vec![deal(51, 90, 70, 1, 1), deal(52, 91, 70, 1, 1)],
        ..Books::default()
    };
    let at_market = || (Intent::Close(70), close(1));
    let opposite = |position: u64| (Intent::CloseBy(position.cast_signed()), close_by(position, 1));
    let at_price = |price_order| (Intent::Close(70), TradeRequest { price_order, ..close(1) });
    let called = |comment: &str| (Intent::Close(70), TradeRequest { comment: comment.into(), ..close(1) });
    let rows = [
        ("at the market, the other lost", [opposite(70), at_market()], &by_market, [NOT_DONE, Done(70)]),
        ("by the opposite, the other lost", [at_market(), opposite(70)], &by_opposite, [NOT_DONE, Done(70)]),
        ("each by the other", [opposite(70), opposite(60)], &by_opposite, [Ambiguous, Ambiguous]),
        ("with other comments", [called("one"), called("two")], &by_market, [Ambiguous, Ambiguous]),
        (
            "equal but for the price of the market",
            [at_price(1.1), at_price(1.2)],
            &by_market,
            [Done(70), NOT_DONE],
        ),
        ("both done", [at_market(), at_market()], &twice, [Done(70), Done(70)]),
    ];
    for (what, sent, after, verdicts) in rows {
        assert_eq!(both_decided(MarginMode::Hedging, sent, held(), after).await, verdicts, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_opposite_order_or_a_closing_may_have_done_is_neithers() {
    // Where a symbol has one position, both have made the same.
    let order = Order { order_type: 1, position_id: 70, ..filled(90, 1, "") };
    let after = Books {
        positions: vec![position(70, 2)],
        orders: vec![pending(80)],
        deals: vec![deal(51, 90, 70, 1, 1)],
        ended: vec![order],
    };
    let sell =
        |comment: &str| (Intent::Open, TradeRequest { trade_type: 1, comment: comment.into(), ..buy(1) });
    for (comment, verdicts) in [("", [Ambiguous, Ambiguous]), ("mine", [NOT_DONE, Done(70)])] {
        let sent = [sell(comment), (Intent::Close(70), close(1))];
        let before =
            Books { positions: vec![position(70, 3)], orders: vec![pending(80)], ..Books::default() };
        let found = both_decided(MarginMode::Netting, sent, before, &after).await;
        assert_eq!(found, verdicts, "with the comment {comment:?}");
    }
}
