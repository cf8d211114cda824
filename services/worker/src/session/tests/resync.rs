//! Catching up with a server: what was missed is replayed, what was known is not.

use calls::reply::OrderUpdate as Told;

use super::*;

fn portfolio(positions: Vec<Position>, orders: Vec<Order>) -> Portfolio {
    Portfolio { positions, orders }
}

/// What a client of an account in this state is told when the server has that by now.
fn told_of(state: &mut State, now: Portfolio, deals: Vec<Deal>, ended: Vec<Order>) -> Vec<Told> {
    resync(state, now, &History { deals, orders: ended })
}

#[test]
fn orders_are_told_when_they_came_changed_or_ended() {
    let ended = |ticket, order_state| Order { order_state, ..pending(ticket) };
    let rows = [
        ("as it was", vec![pending(80)], vec![], vec![]),
        ("another price of the market", vec![Order { price_current: 1.2, ..pending(80) }], vec![], vec![]),
        (
            "another price of its own",
            vec![Order { price_order: 0.99, ..pending(80) }],
            vec![],
            vec![UpdateType::PendingModify],
        ),
        (
            "another price of its own and of the market",
            vec![Order { price_order: 0.99, price_current: 1.2, ..pending(80) }],
            vec![],
            vec![UpdateType::PendingModify],
        ),
        (
            "less of it left",
            vec![Order { volume_current: 50_000_000, ..pending(80) }],
            vec![],
            vec![UpdateType::PartialFill],
        ),
        ("a second one", vec![pending(80), pending(81)], vec![], vec![UpdateType::PendingOpen]),
        ("removed", vec![], vec![ended(80, 2)], vec![UpdateType::PendingClose]),
        ("expired", vec![], vec![ended(80, 6)], vec![UpdateType::Expired]),
        (
            "one that came and ended meanwhile",
            vec![pending(80)],
            vec![ended(81, 2)],
            vec![UpdateType::PendingClose],
        ),
        ("one that had ended before", vec![pending(80)], vec![ended(60, 2)], vec![]),
        ("one that had ended before, unseen", vec![pending(80)], vec![ended(79, 2)], vec![]),
        ("one that is open in spite of its end", vec![pending(80)], vec![ended(80, 2)], vec![]),
    ];
    for (name, open, over, expected) in rows {
        let mut state = state();
        state.load_past(History { orders: vec![ended(60, 2)], ..History::default() });
        state.load(portfolio(vec![], vec![pending(80)]));
        let told = told_of(&mut state, portfolio(vec![], open.clone()), vec![], over.clone());
        assert_eq!(kinds(&told), expected, "{name}");
        let told = told_of(&mut state, portfolio(vec![], open), vec![], over);
        assert_eq!(kinds(&told), [], "{name}, once more");
    }
}

#[test]
fn an_end_that_was_told_is_not_told_again() {
    let mut state = state();
    let ended = Order { order_state: 2, ..pending(80) };
    state.load_past(History { orders: vec![ended.clone()], ..History::default() });
    // Its last owner knew less than what this one has loaded since.
    state.know_up_to(0, 0);
    assert_eq!(kinds(&told_of(&mut state, Portfolio::default(), vec![], vec![ended.clone()])), []);
    let other = Order { trade_order: 81, ..ended };
    let told = told_of(&mut state, Portfolio::default(), vec![], vec![other]);
    assert_eq!(kinds(&told), [UpdateType::PendingClose]);
}

#[test]
fn deals_are_told_once_in_their_order() {
    let mut state = state();
    state.load_past(History { deals: vec![deal(50, 70, 70, 0, 3)], ..History::default() });
    state.load(portfolio(vec![position(70, 3)], vec![]));
    let first = || deal(50, 70, 70, 0, 3);
    // The first one was known, whatever the last owner of the session had seen.
    state.know_up_to(0, 70);
    let news = vec![deal(53, 73, 70, 1, 1), first(), deal(52, 72, 70, 1, 1), deal(51, 71, 70, 1, 1)];
    let told = told_of(&mut state, Portfolio::default(), news.clone(), vec![]);
    let partly = UpdateType::PartialClose;
    assert_eq!(kinds(&told), [partly, partly, UpdateType::MarketClose]);
    let tickets: Vec<u64> = told.iter().map(|told| told.deal.as_ref().unwrap().ticket_number).collect();
    assert_eq!(tickets, [51, 52, 53]);
    assert_eq!(kinds(&told_of(&mut state, Portfolio::default(), news, vec![])), []);
}

#[test]
fn what_the_last_owner_had_seen_is_no_news() {
    let mut state = state();
    state.know_up_to(51, 81);
    let ended = |ticket| Order { order_state: 2, ..pending(ticket) };
    let deals = vec![deal(51, 71, 71, 0, 1), deal(52, 72, 72, 0, 1)];
    let now = portfolio(vec![position(71, 1), position(72, 1)], vec![]);
    let told = told_of(&mut state, now, deals, vec![ended(81), ended(82)]);
    assert_eq!(kinds(&told), [UpdateType::MarketOpen, UpdateType::PendingClose]);
    let (deal, order) = (told[0].deal.as_ref().unwrap(), told[1].order.as_ref().unwrap());
    assert_eq!((deal.ticket_number, order.ticket), (52, 82));
}

#[test]
fn a_position_that_came_and_went_is_shown_as_its_deals_tell_it() {
    let mut state = state();
    let opening = Deal {
        trade_action: 1,
        price_open: 1.25,
        sl: 1.3,
        tp: 1.05,
        comment: "mine".into(),
        contract_size: 100_000.0,
        time_create_ms: 7,
        trade_reason: model::Reason::Mobile.number(),
        ..deal(51, 71, 71, 0, 3)
    };
    let closing = |ticket, order, lots| Deal { trade_action: 0, ..deal(ticket, order, 71, 1, lots) };
    let deals = vec![opening, closing(52, 72, 1), closing(53, 73, 2)];
    let told = told_of(&mut state, Portfolio::default(), deals, vec![]);
    let closes = [UpdateType::MarketOpen, UpdateType::PartialClose, UpdateType::MarketClose];
    assert_eq!(kinds(&told), closes);
    let opened = told[0].order.as_ref().unwrap();
    assert_eq!((opened.ticket, opened.symbol.as_str(), opened.comment.as_str()), (71, "EURUSD", "mine"));
    assert_eq!(opened.order_type, calls::values::OrderType::Sell);
    assert_eq!(opened.placed_type, calls::values::PlacedType::Mobile);
    let figures =
        [opened.lots, opened.open_price, opened.stop_loss, opened.take_profit, opened.contract_size];
    assert_eq!(figures.map(|figure| figure.to_string()), ["3", "1.25", "1.3", "1.05", "100000"]);
    assert_eq!((opened.digits, opened.open_timestamp_utc), (5, 1_000_007));
    assert!(state.positions.is_empty());
}

#[test]
fn a_position_that_stayed_is_shown_as_it_was_after_each_deal() {
    let mut state = state();
    state.load(portfolio(vec![position(70, 2)], vec![]));
    let deals = vec![deal(51, 71, 70, 0, 3), deal(52, 72, 70, 1, 4)];
    let told = told_of(&mut state, portfolio(vec![position(70, 1)], vec![]), deals, vec![]);
    assert_eq!(kinds(&told), [UpdateType::PartialFill, UpdateType::PartialClose]);
    assert_eq!(told[0].order.as_ref().map(|order| order.lots.to_string()).as_deref(), Some("5"));
    assert_eq!(state.positions.values().map(|open| open.record.trade_volume).collect::<Vec<_>>(), [LOT]);
}

#[test]
fn money_that_came_meanwhile_is_told_and_booked_by_the_account_record() {
    let mut state = state();
    state.account.main.balance = 1500.0;
    let deposit = Deal { deal: 60, trade_action: 2, profit: 500.0, ..Deal::default() };
    let told = told_of(&mut state, Portfolio::default(), vec![deposit], vec![]);
    assert_eq!(kinds(&told), [UpdateType::Balance]);
    assert_eq!(told[0].deal.as_ref().map(|deal| deal.ticket_number), Some(60));
    assert_eq!(state.figures().unwrap().0.equity.to_string(), "1500");
}

#[test]
fn stops_are_told_when_one_of_them_changed_and_no_deal_tells_them() {
    let held = || Position { sl: 1.05, tp: 1.2, ..position(70, 2) };
    let rows = [
        ("as it was", held(), vec![]),
        ("the price of the market", Position { price_close: 1.1, profit: 3.0, ..held() }, vec![]),
        ("the stop loss", Position { sl: 1.06, ..held() }, vec![UpdateType::MarketModify]),
        ("the take profit", Position { tp: 0.0, ..held() }, vec![UpdateType::MarketModify]),
        ("both", Position { sl: 0.0, tp: 1.3, ..held() }, vec![UpdateType::MarketModify]),
        ("the volume, by a deal yet to be told", Position { trade_volume: LOT, ..held() }, vec![]),
        ("volume and stops", Position { trade_volume: LOT, sl: 1.06, ..held() }, vec![]),
        ("another position", Position { position_id: 71, sl: 1.06, ..held() }, vec![]),
    ];
    for (name, now, expected) in rows {
        let mut state = state();
        state.load(portfolio(vec![held()], vec![]));
        let told = told_of(&mut state, portfolio(vec![now], vec![]), vec![], vec![]);
        assert_eq!(kinds(&told), expected, "{name}");
    }
}

#[test]
fn what_others_had_placed_before_a_request_is_not_its_work() {
    let (mut state, mut trades) = (state(), Trades::default());
    state.load(portfolio(vec![], vec![pending(70)]));
    // Somebody else's, placed while the link was up.
    let theirs = OrderUpdate {
        flag_mask: mask::OPEN_ORDERS,
        order: Order { comment: "mine".into(), ..pending(80) },
        ..OrderUpdate::default()
    };
    apply(&mut state, TradeUpdate::Orders(vec![theirs.clone()]));
    let request = TradeRequest { trade_type: 2, price_order: 1.0, ..buy(1) };
    let mut outcome = lost(&mut trades, &state, Intent::Place, request);
    resync(&mut state, portfolio(vec![], vec![pending(70), theirs.order]), &History::default());
    trades.look(&mut state);
    assert!(outcome.try_recv().is_err(), "no trace of this one");
}
