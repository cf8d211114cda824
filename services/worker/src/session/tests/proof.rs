//! When no trace of a request proves that it was not done, and all that must be so for it.

use std::time::Duration;

use error::Code;
use model::{MarginMode, OrderState, Reason};
use registry::Entry;
use tokio::time::{Instant, advance};

use super::evidence::{Books, Verdict, bought, concluded};
use super::*;
use crate::session::note::Inherited;

/// So long after a request the server will not do it any more.
const DECIDED: Duration = Duration::from_secs(180);

const NOT_DONE: Verdict = Verdict::Refused(Code::RequestCancelled);

fn account(mode: MarginMode) -> State {
    let mut state = state();
    state.account.main.margin_mode = mode.number();
    state
}

/// Has a request lost with its link, and looks for it when it is decided: in what the account has then, where these orders
/// belong to other requests.
async fn decided_in(
    mut state: State,
    before: &Books,
    (intent, request): (Intent, TradeRequest),
    after: &Books,
    claimed: &[i64],
) -> Verdict {
    let mut trades = Trades::default();
    state.load_past(before.history());
    state.load(before.portfolio());
    let mut outcome = lost(&mut trades, &state, intent, request);
    trades.claimed.extend(claimed);
    advance(DECIDED).await;
    resync(&mut state, after.portfolio(), &after.history());
    trades.look_as_of(&mut state, Some(Instant::now()));
    concluded(&mut outcome)
}

async fn decided(before: &Books, sent: (Intent, TradeRequest), after: &Books, claimed: &[i64]) -> Verdict {
    decided_in(account(MarginMode::Hedging), before, sent, after, claimed).await
}

/// Two positions and two pending orders.
fn held() -> Books {
    Books {
        positions: vec![position(60, 2), position(70, 2)],
        orders: vec![pending(80), pending(81)],
        ..Books::default()
    }
}

fn place() -> TradeRequest {
    TradeRequest { trade_type: 2, price_order: 1.05, ..buy(1) }
}

#[tokio::test(start_paused = true)]
async fn what_left_everything_as_it_was_was_not_done() {
    let sent = [
        ((Intent::Open, buy(2)), NOT_DONE),
        ((Intent::Place, place()), NOT_DONE),
        ((Intent::Close(70), buy(2)), NOT_DONE),
        ((Intent::CloseBy(70), buy(2)), NOT_DONE),
        ((Intent::Remove(80), TradeRequest::default()), NOT_DONE),
        // They may have been done, and undone by somebody else.
        ((Intent::Stops(70), TradeRequest { price_sl: 1.05, ..buy(2) }), Verdict::Nothing),
        ((Intent::Modify(80), place()), Verdict::Nothing),
    ];
    for (sent, verdict) in sent {
        let intent = sent.0;
        assert_eq!(decided(&held(), sent, &held(), &[]).await, verdict, "{intent:?}");
    }
}

/// What two positions and two pending orders became with more.
fn with(more: Books) -> Books {
    let mut books = held();
    books.positions.extend(more.positions);
    books.orders.extend(more.orders);
    Books { deals: more.deals, ended: more.ended, ..books }
}

/// Looks for an opening and for a pending order.
async fn check_new(what: &str, after: Books, claimed: &[i64], verdict: Verdict) {
    for sent in [(Intent::Open, buy(2)), (Intent::Place, place())] {
        let found = decided(&held(), sent.clone(), &after, claimed).await;
        assert_eq!(found, verdict, "{what}, {:?}", sent.0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_be_a_new_order_that_was_not_recognised_leaves_it_unknown() {
    let theirs = || filled(90, 2, "theirs");
    let cancelled = Order { order_state: OrderState::Canceled.number(), ..theirs() };
    let rows = [
        ("an order with another comment", bought(theirs())),
        ("an order of another volume", bought(filled(90, 3, "mine"))),
        ("one that ended without a deal", Books { ended: vec![cancelled], ..Books::default() }),
        ("a position alone", Books { positions: vec![position(90, 1)], ..Books::default() }),
        ("a deal alone", Books { deals: vec![deal(50, 90, 90, 0, 1)], ..Books::default() }),
        ("a deal without an order", Books { deals: vec![deal(50, 0, 90, 0, 1)], ..Books::default() }),
        (
            "an order at another price",
            Books { orders: vec![Order { price_order: 0.9, ..pending(90) }], ..Books::default() },
        ),
    ];
    for (what, more) in rows {
        check_new(what, with(more), &[], Verdict::Nothing).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_the_new_order_proves_that_it_was_not_made() {
    let theirs = || filled(90, 2, "theirs");
    let elsewhere = Order { trade_symbol: "EURUSD.x".into(), ..theirs() };
    let by_server = Order { type_reason: Reason::StopLoss.number(), ..theirs() };
    let older =
        Books { positions: vec![position(80, 1)], deals: vec![deal(50, 80, 80, 0, 1)], ..Books::default() };
    let ended = |order| Books { ended: vec![order], ..Books::default() };
    let rows: [(&str, Books, &[i64]); 4] = [
        ("an order that another request made", bought(theirs()), &[90]),
        ("an order on another symbol", ended(elsewhere), &[]),
        ("an order that the server made by itself", ended(by_server), &[]),
        ("an older order that was filled", older, &[]),
    ];
    for (what, more, claimed) in rows {
        check_new(what, with(more), claimed, NOT_DONE).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_only_closed_is_no_new_one_where_positions_have_numbers() {
    let closing = Order { order_type: 1, position_id: 60, ..filled(90, 2, "theirs") };
    let closed = |deals: Vec<Deal>| Books {
        positions: vec![position(70, 2)],
        deals,
        ended: vec![closing.clone()],
        ..held()
    };
    let out = || deal(50, 90, 60, 1, 2);
    let rows = [
        ("it closed", vec![out()], NOT_DONE),
        ("its deal is not there", vec![], Verdict::Nothing),
        ("it has opened as well", vec![out(), deal(51, 90, 91, 0, 1)], Verdict::Nothing),
    ];
    for (what, deals, verdict) in rows {
        check_new(what, closed(deals), &[], verdict).await;
    }
    let netting = account(MarginMode::Netting);
    let found = decided_in(netting, &held(), (Intent::Open, buy(2)), &closed(vec![out()]), &[]).await;
    assert_eq!(found, Verdict::Nothing, "what closes is an order like any other there");
}

#[tokio::test(start_paused = true)]
async fn of_two_equal_orders_the_one_that_is_not_anothers_is_found() {
    let mut after = bought(filled(90, 2, "mine"));
    let other = bought(filled(91, 2, "mine"));
    after.positions.extend(other.positions);
    after.deals.push(Deal { deal: 51, ..deal(50, 91, 91, 0, 2) });
    after.ended.extend(other.ended);
    let sent = (Intent::Open, buy(2));
    assert_eq!(decided(&Books::default(), sent.clone(), &after, &[90]).await, Verdict::Done(91));
    assert_eq!(decided(&Books::default(), sent.clone(), &after, &[90, 91]).await, NOT_DONE);
    assert_eq!(decided(&Books::default(), sent, &after, &[]).await, Verdict::Ambiguous);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_two_different_requests_may_have_made_is_neithers() {
    let mine = |comment: &str| TradeRequest { comment: comment.into(), ..buy(2) };
    let with_stop = || TradeRequest { price_sl: 1.05, ..buy(2) };
    let quoted = |price_order| TradeRequest { price_order, ..buy(2) };
    let neithers = || [Verdict::Ambiguous, Verdict::Ambiguous];
    let firsts = || [Verdict::Done(90), NOT_DONE];
    for (what, first, second, verdicts) in [
        ("one takes any comment", mine(""), mine("mine"), neithers()),
        ("one has a stop", buy(2), with_stop(), neithers()),
        ("they have other comments", buy(2), mine("other"), firsts()),
        ("they are equal but for the price of the market", quoted(1.1), quoted(1.2), firsts()),
    ] {
        let (mut state, mut trades) = (account(MarginMode::Hedging), Trades::default());
        let sent = [first, second].map(|request| lost(&mut trades, &state, Intent::Open, request));
        advance(DECIDED).await;
        let after = bought(filled(90, 2, "mine"));
        resync(&mut state, after.portfolio(), &after.history());
        trades.look_as_of(&mut state, Some(Instant::now()));
        assert_eq!(sent.map(|mut outcome| concluded(&mut outcome)), verdicts, "{what}");
    }
    // Another client's order is not taken for one of ours because there is a request with another comment.
    let (mut state, mut trades) = (account(MarginMode::Hedging), Trades::default());
    let mut sent = ["mine", "other"].map(|comment| lost(&mut trades, &state, Intent::Open, mine(comment)));
    let after = Books { ended: vec![filled(90, 2, "mine"), filled(91, 2, "mine")], ..Books::default() };
    resync(&mut state, after.portfolio(), &after.history());
    trades.look(&mut state);
    assert_eq!(concluded(&mut sent[0]), Verdict::Ambiguous);
}

#[tokio::test(start_paused = true)]
async fn an_order_of_which_nothing_came_is_a_refusal_only_if_it_is_the_only_one() {
    for (order_state, code) in [
        (OrderState::Rejected, Code::RequestRejected),
        (OrderState::Canceled, Code::RequestCancelled),
        (OrderState::Expired, Code::RequestCancelled),
    ] {
        let order = filled(90, 2, "mine");
        let (order_state, volume_current) = (order_state.number(), order.volume_initial);
        let unfilled = Order { order_state, volume_current, ..order };
        let alone = Books { ended: vec![unfilled.clone()], ..Books::default() };
        let mut with_another = bought(filled(91, 2, "[cut]"));
        with_another.ended.push(unfilled);
        for (after, verdict) in [(alone, Verdict::Refused(code)), (with_another, Verdict::Ambiguous)] {
            assert_eq!(decided(&Books::default(), (Intent::Open, buy(2)), &after, &[]).await, verdict);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_be_a_closing_that_was_not_recognised_leaves_it_unknown() {
    let by = |reason: Reason, deal: Deal| Deal { trade_reason: reason.number(), ..deal };
    let part = || deal(50, 90, 70, 1, 1);
    let with = |deals: &[Deal], positions: &[Position]| Books {
        positions: positions.to_vec(),
        deals: deals.to_vec(),
        ..held()
    };
    let left = [position(60, 2), position(70, 1)];
    let gone = [position(60, 2)];
    let working = |position_id| {
        let order = Order { order_type: 1, position_id, ..pending(90) };
        Books { orders: vec![pending(80), order], ..held() }
    };
    let rows: [(&str, Books, &[i64], Verdict); 11] = [
        ("an order that is not filled yet", working(70), &[], Verdict::Nothing),
        ("one of another request", working(70), &[90], NOT_DONE),
        ("one for another position", working(60), &[], NOT_DONE),
        ("another part", with(&[part()], &left), &[], Verdict::Nothing),
        ("a part that another request closed", with(&[part()], &left), &[90], NOT_DONE),
        ("all of it, by another request", with(&[deal(50, 90, 70, 1, 2)], &left), &[90], NOT_DONE),
        ("a part, by the server", with(&[by(Reason::StopOut, part())], &left), &[], NOT_DONE),
        ("a rollover", with(&[by(Reason::Rollover, part())], &held().positions), &[], NOT_DONE),
        ("another position", with(&[deal(50, 90, 60, 1, 2)], &[position(70, 2)]), &[], NOT_DONE),
        ("gone", with(&[], &gone), &[], Verdict::Nothing),
        (
            "gone by its stop loss",
            with(&[by(Reason::StopLoss, deal(50, 90, 70, 1, 2))], &gone),
            &[],
            Verdict::Refused(Code::PositionNotExists),
        ),
    ];
    for (what, after, claimed, verdict) in rows {
        for intent in [Intent::Close(70), Intent::CloseBy(70)] {
            assert_eq!(decided(&held(), (intent, buy(2)), &after, claimed).await, verdict, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_was_not_done_only_while_the_order_is_pending() {
    let removal = || (Intent::Remove(80), TradeRequest::default());
    let gone = Books { orders: vec![pending(81)], ..held() };
    assert_eq!(decided(&held(), removal(), &gone, &[]).await, Verdict::Nothing, "gone");
    let ended = |state: OrderState| {
        let order = Order { order_state: state.number(), ..pending(80) };
        Books { ended: vec![order], ..gone.clone() }
    };
    let partly = ended(OrderState::PartiallyFilled);
    assert_eq!(
        decided(&held(), removal(), &partly, &[]).await,
        Verdict::Nothing,
        "the rest may have been removed"
    );
    let filled = ended(OrderState::Filled);
    let verdict = Verdict::Refused(Code::OrderAlreadyChanged);
    assert_eq!(decided(&held(), removal(), &filled, &[]).await, verdict);
}

#[tokio::test(start_paused = true)]
async fn only_what_the_server_was_asked_for_after_that_time_proves_it() {
    let second = Duration::from_secs(1);
    for (what, asked, is_server_up, verdict) in [
        ("in time", Some(DECIDED), true, NOT_DONE),
        ("too early", Some(DECIDED - second), true, Verdict::Nothing),
        ("never", None, true, Verdict::Nothing),
        ("the gateway has no server", Some(DECIDED), false, Verdict::Nothing),
    ] {
        let (mut state, mut trades) = (state(), Trades::default());
        let sent = Instant::now();
        let mut outcome = lost(&mut trades, &state, Intent::Open, buy(2));
        state.is_server_up = is_server_up;
        advance(DECIDED + second).await;
        trades.look_as_of(&mut state, asked.map(|after| sent + after));
        assert_eq!(concluded(&mut outcome), verdict, "{what}");
    }
}

/// Deals on another symbol, by orders of their own: more than an account remembers.
fn busy(from: i64) -> History {
    let deal = |ticket| Deal { trade_symbol: "EURUSD.x".into(), ..deal(ticket, ticket, ticket, 0, 1) };
    History { deals: (from..from + 400).map(deal).collect(), orders: Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn on_a_busy_account_a_request_is_judged_by_all_that_was_fetched() {
    let by = |order: Order| {
        let deal = deal(order.trade_order, order.trade_order, order.trade_order, 0, 2);
        History { deals: vec![deal], orders: vec![order] }
    };
    for (what, own, verdict) in [
        ("no trace", History::default(), NOT_DONE),
        ("its work", by(filled(90, 2, "mine")), Verdict::Done(90)),
        ("what could be its work", by(filled(90, 2, "theirs")), Verdict::Nothing),
    ] {
        let (mut state, mut trades) = (account(MarginMode::Hedging), Trades::default());
        let mut outcome = lost(&mut trades, &state, Intent::Open, buy(2));
        advance(DECIDED).await;
        let mut fetched = own;
        fetched.deals.extend(busy(100).deals);
        resync(&mut state, Portfolio::default(), &fetched);
        trades.look_at(recent(fetched), Some(Instant::now()), &mut state);
        assert_eq!(concluded(&mut outcome), verdict, "{what}");
        assert_eq!((state.deals.len(), state.deals[0].deal), (128, 372), "no more is remembered afterwards");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_fetched_is_judged_by_as_far_as_it_goes() {
    let zone_s = state().zone.ahead_ms() / 1000;
    let now_s = runtime::unix_ms() / 1000 + zone_s;
    let last = busy(100).deals[399].clone();
    let too_much: Vec<Deal> = (500..10_000).map(|ticket| Deal { deal: ticket, ..last.clone() }).collect();
    for (what, from_s, more, pushed, verdict) in [
        ("since before it", now_s - 3 * 3600, Vec::new(), 0, NOT_DONE),
        ("since after it", now_s - 3600, Vec::new(), 0, Verdict::Nothing),
        ("more than is looked at", 0, too_much, 0, Verdict::Nothing),
        ("more was pushed meanwhile than is remembered", 0, Vec::new(), 200, Verdict::Nothing),
        ("what was pushed meanwhile is remembered", 0, Vec::new(), 100, NOT_DONE),
    ] {
        let (mut state, mut trades) = (account(MarginMode::Hedging), Trades::default());
        let mut outcome = lost(&mut trades, &state, Intent::Open, buy(2));
        assert_eq!(trades.history_from(&state), None, "everything since is remembered");
        advance(DECIDED).await;
        let mut fetched = busy(100);
        fetched.deals.extend(more);
        resync(&mut state, Portfolio::default(), &fetched);
        for ticket in 20_000..20_000 + pushed {
            state.remember_deal(Deal { deal: ticket, ..last.clone() });
        }
        let needed_s = trades.history_from(&state).unwrap();
        assert!(
            (now_s - 2 * 3600..now_s - 2 * 3600 + 60).contains(&needed_s),
            "{what}: {needed_s} at {now_s}"
        );
        trades.look_at(Recent { from_s, ..recent(fetched) }, Some(Instant::now()), &mut state);
        assert_eq!(concluded(&mut outcome), verdict, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_history_with_gaps_proves_nothing_of_their_time() {
    let unseen = || History { deals: vec![deal(50, 80, 80, 0, 1)], orders: Vec::new() };
    let unseen_order = || History { deals: Vec::new(), orders: vec![filled(80, 1, "")] };
    for (what, history, is_whole, verdict) in [
        ("whole", History::default(), true, NOT_DONE),
        ("cut", History::default(), false, Verdict::Nothing),
        ("with an older deal whose push was lost", unseen(), true, Verdict::Nothing),
        ("with an older order whose push was lost", unseen_order(), true, Verdict::Nothing),
    ] {
        let (mut state, mut trades) = (account(MarginMode::Hedging), Trades::default());
        let mut outcome = lost(&mut trades, &state, Intent::Open, buy(2));
        // What came after it is known: on another symbol, so that it could not be the request's work.
        let known = Deal { trade_symbol: "EURUSD.x".into(), ..deal(51, 81, 81, 0, 1) };
        apply(&mut state, deal_push(known.clone(), Position::default(), 1000.0));
        advance(DECIDED).await;
        let history = History { deals: history.deals.into_iter().chain([known]).collect(), ..history };
        crate::session::resync::resync(
            &mut state,
            Portfolio::default(),
            &Recent { is_whole, ..recent(history.clone()) },
        );
        trades.look_at(Recent { is_whole, ..recent(history) }, Some(Instant::now()), &mut state);
        assert_eq!(concluded(&mut outcome), verdict, "{what}");
        // What is sent from now on is not of that time.
        let mut outcome = lost(&mut trades, &state, Intent::Open, buy(3));
        advance(DECIDED).await;
        trades.look_as_of(&mut state, Some(Instant::now()));
        assert_eq!(concluded(&mut outcome), NOT_DONE, "{what}, later");
    }
}

/// What the journal has of a request that was sent at this moment, or does not say when.
fn noted(sent_ms: Option<i64>) -> Inherited {
    let (reply, _outcome) = oneshot::channel();
    let (intent, number, call) = (Intent::Open, Arc::default(), CallName::default());
    let job = Job { request: buy(2), intent, magic: 0, reply, number, call };
    let entry = Trades::default().begin(job, &state()).unwrap();
    let mut note: serde_json::Value = serde_json::from_slice(&entry.request).unwrap();
    let fields = note.as_object_mut().unwrap();
    match sent_ms {
        Some(sent_ms) => fields.insert("sent_ms".to_owned(), sent_ms.into()),
        None => fields.remove("sent_ms"),
    };
    let request = serde_json::to_vec(&note).unwrap().into();
    Inherited::of(&[Entry { request, ..entry }], &[])
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_taken_over_is_proved_of_only_if_it_is_young() {
    let hours_ago = |hours: i64| Some(runtime::unix_ms() - hours * 3_600_000);
    for (what, sent_ms, is_proved) in [
        ("an hour ago", hours_ago(1), true),
        ("almost a day ago", hours_ago(23), true),
        ("a day ago", hours_ago(24), false),
        ("in the future", hours_ago(-1), false),
        ("by an owner who did not say when", None, false),
    ] {
        let (mut state, mut trades) = (state(), Trades::default());
        trades.take_over(noted(sent_ms));
        advance(DECIDED).await;
        trades.look_as_of(&mut state, Some(Instant::now()));
        let told = trades.lookup(1000, &mut state);
        let is_refused =
            matches!(&told, Some(Outcome::Refused(error)) if error.code() == Code::RequestCancelled);
        assert_eq!(is_refused, is_proved, "{what}: {told:?}");
        assert!(is_proved || trades.are_under_way(), "{what}: it is looked for on");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_about_one_request_concludes_nothing_of_others() {
    let (mut state, mut trades) = (state(), Trades::default());
    let mut first = lost(&mut trades, &state, Intent::Open, buy(2));
    for _ in 0..3 {
        advance(Duration::from_secs(5)).await;
        trades.look_as_of(&mut state, Some(Instant::now()));
    }
    assert!(matches!(first.try_recv(), Ok(Outcome::Absent(1000))));
    let mut second = lost(&mut trades, &state, Intent::Open, buy(3));
    advance(DECIDED).await;
    assert!(matches!(trades.lookup(1000, &mut state), Some(Outcome::Absent(1000))), "nothing was fetched");
    assert!(trades.next_look().is_some(), "it is looked for on");
    trades.look(&mut state);
    assert!(trades.next_look().is_some(), "that was not fetched either");
    assert_eq!(concluded(&mut second), Verdict::Nothing);
}

#[tokio::test(start_paused = true)]
async fn looking_ends_without_proof_only_by_what_was_fetched_in_time() {
    let (mut state, mut trades) = (state(), Trades::default());
    let mut outcome = lost(&mut trades, &state, Intent::Stops(70), buy(2));
    for _ in 0..3 {
        advance(Duration::from_secs(5)).await;
        trades.look_as_of(&mut state, Some(Instant::now()));
    }
    assert!(matches!(outcome.try_recv(), Ok(Outcome::Absent(1000))));
    let early = Instant::now();
    for asked in [None, Some(early)] {
        advance(DECIDED).await;
        trades.look_as_of(&mut state, asked);
        assert!(trades.next_look().is_some());
    }
    advance(DECIDED).await;
    trades.look_as_of(&mut state, Some(Instant::now()));
    assert_eq!(trades.next_look(), None);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_will_ever_know_is_a_rival_for_a_day() {
    let hour = Duration::from_secs(3600);
    let called = |comment: &str| TradeRequest { comment: comment.into(), ..buy(2) };
    for (what, age, verdict) in
        [("almost a day old", 23 * hour, Verdict::Ambiguous), ("a day old", 24 * hour, Verdict::Done(90))]
    {
        let (mut state, mut trades) = (account(MarginMode::Hedging), Trades::default());
        let mut first = lost(&mut trades, &state, Intent::Open, called("one"));
        // Something that it may have made leaves it unknown for good.
        state.remember_deal(deal(50, 0, 80, 0, 1));
        for _ in 0..4 {
            trades.look_as_of(&mut state, Some(Instant::now()));
            advance(DECIDED).await;
        }
        assert!(matches!(first.try_recv(), Ok(Outcome::Absent(_))) && trades.next_look().is_none(), "{what}");
        advance(age).await;
        let mut second = lost(&mut trades, &state, Intent::Open, called("once"));
        let after = bought(filled(90, 2, "on"));
        resync(&mut state, after.portfolio(), &after.history());
        trades.look_as_of(&mut state, Some(Instant::now()));
        assert_eq!(concluded(&mut second), verdict, "{what}");
    }
}
