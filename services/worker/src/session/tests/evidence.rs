//! What the state says of a request whose verdict was lost: what was asked and what is there, and what is concluded, near
//! misses included.

use std::time::Duration;

use bus::{Fanout, Payload};
use bytes::Bytes;
use error::Code;
use model::{MarginMode, OrderState, Reason};
use registry::{
    AccountName, Fence, Journal as _, Key, Keyed, Keys as _, MemoryRegistry, Opened, Registry, Sessions as _,
    WorkerId, Written,
};
use runtime::Tasks;
use testkit::eventually;
use tokio::time::{Instant, advance};

use super::*;
use crate::lease::Lease;
use crate::session::note::{self, Recorded};
use crate::session::scribe::Scribe;
use crate::session::standing::{Rank, Standing};

/// What was concluded.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Done; the ticket that the caller is told.
    Done(u64),
    Refused(Code),
    /// Several things could be its work.
    Ambiguous,
    /// No trace: it is looked for on.
    Nothing,
}

use Verdict::{Ambiguous, Done, Nothing};

pub(super) fn concluded(outcome: &mut oneshot::Receiver<Outcome>) -> Verdict {
    match outcome.try_recv() {
        Ok(Outcome::Done(order)) => Done(order.ticket),
        Ok(Outcome::Refused(error)) => Verdict::Refused(error.code()),
        Ok(Outcome::Unknown(_)) => Ambiguous,
        Ok(other) => panic!("{other:?}"),
        Err(_) => Nothing,
    }
}

/// What the account has at a moment.
#[derive(Clone, Default)]
pub(super) struct Books {
    pub(super) positions: Vec<Position>,
    pub(super) orders: Vec<Order>,
    pub(super) deals: Vec<Deal>,
    pub(super) ended: Vec<Order>,
}

impl Books {
    pub(super) fn portfolio(&self) -> Portfolio {
        Portfolio { positions: self.positions.clone(), orders: self.orders.clone() }
    }

    pub(super) fn history(&self) -> History {
        History { deals: self.deals.clone(), orders: self.ended.clone() }
    }
}

/// Has a request lost with its link, and looks for it in what the account has then.
fn search_in(
    mut state: State,
    before: &Books,
    intent: Intent,
    request: TradeRequest,
    after: &Books,
) -> Verdict {
    let mut trades = Trades::default();
    state.load_past(before.history());
    state.load(before.portfolio());
    let mut outcome = lost(&mut trades, &state, intent, request);
    resync(&mut state, after.portfolio(), &after.history());
    trades.look(&mut state);
    concluded(&mut outcome)
}

pub(super) fn search(before: &Books, intent: Intent, request: TradeRequest, after: &Books) -> Verdict {
    let mut hedging = state();
    hedging.account.main.margin_mode = MarginMode::Hedging.number();
    search_in(hedging, before, intent, request, after)
}

/// An order of two lots that was filled, with what came of it.
pub(super) fn bought(order: Order) -> Books {
    let volume = u64::try_from(order.volume_initial).unwrap() / LOT;
    let ticket = order.trade_order;
    Books {
        positions: vec![Position { trade_action: order.order_type, ..position(ticket, volume) }],
        deals: vec![Deal { trade_action: order.order_type, ..deal(50, ticket, ticket, 0, volume) }],
        ended: vec![order],
        ..Books::default()
    }
}

#[test]
fn an_opening_is_known_by_side_volume_comment_and_age() {
    let order = || filled(70, 2, "mine");
    let rejected = OrderState::Rejected.number();
    let rows = [
        ("as asked", bought(order()), Done(70)),
        ("the other side", bought(Order { order_type: 1, ..order() }), Nothing),
        ("another volume", bought(filled(70, 3, "mine")), Nothing),
        ("another comment", bought(filled(70, 2, "theirs")), Nothing),
        ("a comment that was cut", bought(filled(70, 2, "min")), Done(70)),
        ("a comment with an addition", bought(filled(70, 2, "mine [2]")), Done(70)),
        ("a comment that was left out", bought(filled(70, 2, "")), Nothing),
        ("another symbol", bought(Order { trade_symbol: "EURUSD.x".into(), ..order() }), Nothing),
        (
            "a position of another number, where each has its own",
            bought(Order { position_id: 60, ..order() }),
            Nothing,
        ),
        (
            "an order that has not been filled yet",
            Books { orders: vec![order()], ..Books::default() },
            Done(70),
        ),
        (
            "a part of it filled",
            Books {
                positions: vec![position(70, 1)],
                orders: vec![Order { volume_current: 100_000_000, ..order() }],
                deals: vec![deal(50, 70, 70, 0, 1)],
                ..Books::default()
            },
            Done(70),
        ),
        (
            "opened and stopped out since",
            Books {
                deals: vec![deal(50, 70, 70, 0, 2), deal(51, 71, 70, 1, 2)],
                ended: vec![order()],
                ..Books::default()
            },
            Done(70),
        ),
        (
            "an order that the server rejected",
            Books { ended: vec![Order { order_state: rejected, ..order() }], ..Books::default() },
            Verdict::Refused(Code::RequestRejected),
        ),
        (
            "two of them",
            Books {
                positions: vec![position(70, 2), position(71, 2)],
                deals: vec![deal(50, 70, 70, 0, 2), deal(51, 71, 71, 0, 2)],
                ended: vec![order(), filled(71, 2, "mine")],
                ..Books::default()
            },
            Ambiguous,
        ),
        ("nothing", Books::default(), Nothing),
    ];
    for (what, after, verdict) in rows {
        assert_eq!(search(&Books::default(), Intent::Open, buy(2), &after), verdict, "{what}");
    }
    let before = bought(order());
    assert_eq!(search(&before, Intent::Open, buy(2), &before), Nothing, "an older one");
    let wordless = TradeRequest { comment: String::new(), ..buy(2) };
    assert_eq!(search(&Books::default(), Intent::Open, wordless, &bought(order())), Done(70), "any comment");
}

#[test]
fn an_opening_that_ended_without_a_fill_was_not_done() {
    let order = || filled(70, 2, "mine");
    let ended = |state: OrderState, volume_current, deals| {
        let order = Order { order_state: state.number(), volume_current, ..order() };
        Books { ended: vec![order], deals, ..Books::default() }
    };
    let (all, half) = (order().volume_initial, order().volume_initial / 2);
    let dealt = || vec![deal(50, 70, 70, 0, 1)];
    let refused = || Verdict::Refused(Code::RequestCancelled);
    let rows = [
        ("cancelled", ended(OrderState::Canceled, all, Vec::new()), refused()),
        ("expired", ended(OrderState::Expired, all, Vec::new()), refused()),
        ("the rest cancelled", ended(OrderState::Canceled, half, dealt()), Done(70)),
        ("the rest cancelled, its deal not there", ended(OrderState::Canceled, half, Vec::new()), Done(70)),
        ("cancelled, though with a deal", ended(OrderState::Canceled, all, dealt()), Done(70)),
    ];
    for (what, after, verdict) in rows {
        assert_eq!(search(&Books::default(), Intent::Open, buy(2), &after), verdict, "{what}");
    }
}

#[test]
fn what_the_server_does_by_itself_is_nobodys_request() {
    // A stop closes the only position of a symbol: an order of the same side and volume, without a comment of ours.
    for (reason, verdict) in [
        (Reason::Client, Done(71)),
        (Reason::Expert, Done(71)),
        (Reason::StopLoss, Nothing),
        (Reason::TakeProfit, Nothing),
        (Reason::StopOut, Nothing),
        (Reason::Rollover, Nothing),
    ] {
        let mut netting = state();
        netting.account.main.margin_mode = MarginMode::Netting.number();
        let before = Books { positions: vec![position(60, 2)], ..Books::default() };
        let reason = reason.number();
        let order = Order { position_id: 60, order_type: 1, type_reason: reason, ..filled(71, 2, "") };
        let out = Deal { trade_reason: reason, trade_action: 1, ..deal(51, 71, 60, 1, 2) };
        let after = Books { deals: vec![out], ended: vec![order], ..Books::default() };
        let request = TradeRequest { trade_type: 1, comment: String::new(), ..buy(2) };
        assert_eq!(search_in(netting, &before, Intent::Open, request, &after), verdict, "{reason}");
    }
}

#[test]
fn a_pending_order_is_known_by_its_prices_whatever_became_of_it() {
    let request = TradeRequest { trade_type: 2, price_order: 1.05, comment: String::new(), ..buy(1) };
    let order = || Order { price_order: 1.05, ..pending(80) };
    let ended = |state: OrderState| Books {
        ended: vec![Order { order_state: state.number(), ..order() }],
        ..Books::default()
    };
    let open = |order| Books { orders: vec![order], ..Books::default() };
    let rows = [
        ("as asked", open(order()), Done(80)),
        (
            "the same price by the digits of the symbol",
            open(Order { price_order: 1.050_001, ..order() }),
            Done(80),
        ),
        ("another price by one point", open(Order { price_order: 1.05001, ..order() }), Nothing),
        ("another type", open(Order { order_type: 3, ..order() }), Nothing),
        ("another volume", open(Order { volume_initial: 1, ..order() }), Nothing),
        ("cancelled since", ended(OrderState::Canceled), Done(80)),
        ("expired since", ended(OrderState::Expired), Done(80)),
        ("rejected", ended(OrderState::Rejected), Verdict::Refused(Code::RequestRejected)),
    ];
    for (what, after, verdict) in rows {
        assert_eq!(search(&Books::default(), Intent::Place, request.clone(), &after), verdict, "{what}");
    }
    let before = open(order());
    assert_eq!(search(&before, Intent::Place, request.clone(), &before), Nothing, "an older one");
    let stop_limit = TradeRequest { trade_type: 6, price_trigger: 1.04, ..request };
    for (price_trigger, verdict) in [(1.04, Done(80)), (1.04001, Nothing)] {
        let after = open(Order { order_type: 6, price_trigger, ..order() });
        assert_eq!(search(&Books::default(), Intent::Place, stop_limit.clone(), &after), verdict);
    }
}

#[test]
fn stops_are_known_by_both_prices() {
    let request = TradeRequest { price_sl: 1.05, price_tp: 1.2, ..buy(2) };
    let held = |sl, tp| Books { positions: vec![Position { sl, tp, ..position(70, 2) }], ..Books::default() };
    let closed =
        |sl, tp| Books { deals: vec![Deal { sl, tp, ..deal(51, 71, 70, 1, 2) }], ..Books::default() };
    let rows = [
        ("as asked", held(1.05, 1.2), Done(70)),
        ("by the digits", held(1.050_001, 1.199_999), Done(70)),
        ("the stop loss alone", held(1.05, 0.0), Nothing),
        ("the take profit alone", held(0.0, 1.2), Nothing),
        ("one point beside", held(1.05001, 1.2), Nothing),
        ("as before", held(0.0, 0.0), Nothing),
        ("closed since, with these stops", closed(1.05, 1.2), Done(70)),
        ("closed since, with others, set after these or in their stead", closed(0.0, 0.0), Nothing),
        ("gone", Books::default(), Nothing),
    ];
    for (what, after, verdict) in rows {
        assert_eq!(search(&held(0.0, 0.0), Intent::Stops(70), request.clone(), &after), verdict, "{what}");
    }
}

#[test]
fn a_changed_order_is_known_by_all_its_terms() {
    let asked = Order { price_order: 1.05, price_sl: 1.01, price_tp: 1.2, type_time: 1, ..pending(80) };
    let request = TradeRequest {
        price_order: 1.05,
        price_sl: 1.01,
        price_tp: 1.2,
        type_time: 1,
        ..TradeRequest::default()
    };
    let open = |order| Books { orders: vec![order], ..Books::default() };
    let filled_at = |order| Books { ended: vec![Order { order_state: 4, ..order }], ..Books::default() };
    let rows = [
        ("as asked", open(asked.clone()), Done(80)),
        ("another price", open(Order { price_order: 1.05001, ..asked.clone() }), Nothing),
        ("another stop loss", open(Order { price_sl: 1.01001, ..asked.clone() }), Nothing),
        ("another take profit", open(Order { price_tp: 1.19999, ..asked.clone() }), Nothing),
        ("another life time", open(Order { type_time: 0, ..asked.clone() }), Nothing),
        ("a time that its kind does not have", open(Order { time_expiration: 9, ..asked.clone() }), Done(80)),
        ("filled since, at these", filled_at(asked.clone()), Done(80)),
        ("filled since, at others, set after these or in their stead", filled_at(pending(80)), Nothing),
        ("gone", Books::default(), Nothing),
    ];
    for (what, after, verdict) in rows {
        assert_eq!(
            search(&open(pending(80)), Intent::Modify(80), request.clone(), &after),
            verdict,
            "{what}"
        );
    }
    // Until a moment, and until the end of a day.
    let (day, at) = (24 * 3600, 9 * 24 * 3600 + 7200);
    for (type_time, is, verdict) in [
        (2, at, Done(80)),
        (2, at + 1, Nothing),
        (2, at - day, Nothing),
        (3, at, Done(80)),
        (3, at - 7200, Done(80)),
        (3, at - day, Nothing),
        (3, at + day, Nothing),
    ] {
        let request = TradeRequest { type_time, time_expiration: at, ..request.clone() };
        let changed = |time_expiration| open(Order { type_time, time_expiration, ..asked.clone() });
        let found = search(&changed(at - day), Intent::Modify(80), request, &changed(is));
        assert_eq!(found, verdict, "until {is} for {at}, of kind {type_time}");
    }
    let stop_limit = TradeRequest { price_trigger: 1.04, ..request };
    for (price_trigger, verdict) in [(1.04, Done(80)), (1.04001, Nothing)] {
        let after = open(Order { price_trigger, ..asked.clone() });
        assert_eq!(search(&open(pending(80)), Intent::Modify(80), stop_limit.clone(), &after), verdict);
    }
}

#[test]
fn a_removal_is_known_by_how_the_order_ended() {
    let before = Books { orders: vec![pending(80), pending(81)], ..Books::default() };
    let ended = |ticket, state: OrderState| Books {
        orders: vec![pending(81)],
        ended: vec![Order { order_state: state.number(), ..pending(ticket) }],
        ..Books::default()
    };
    let changed = Verdict::Refused(Code::OrderAlreadyChanged);
    let rows = [
        ("cancelled", ended(80, OrderState::Canceled), Done(80)),
        ("filled", ended(80, OrderState::Filled), changed),
        ("expired", ended(80, OrderState::Expired), Verdict::Refused(Code::OrderAlreadyChanged)),
        ("another order", ended(81, OrderState::Canceled), Nothing),
        ("pending", before.clone(), Nothing),
    ];
    for (what, after, verdict) in rows {
        assert_eq!(search(&before, Intent::Remove(80), TradeRequest::default(), &after), verdict, "{what}");
    }
}

#[test]
fn a_price_request_leaves_no_trace() {
    let found = search(&Books::default(), Intent::Prices, buy(2), &bought(filled(70, 2, "mine")));
    assert_eq!(found, Verdict::Refused(Code::Timeout));
}

/// Looks whenever one is due, until so much time has passed.
async fn look_for(trades: &mut Trades, state: &mut State, span: Duration) -> u32 {
    let (end, mut looks) = (Instant::now() + span, 0);
    while let Some(next) = trades.next_look().filter(|next| *next <= end) {
        advance(next.saturating_duration_since(Instant::now())).await;
        trades.look_as_of(state, Some(Instant::now()));
        looks += 1;
    }
    advance(end.saturating_duration_since(Instant::now())).await;
    looks
}

/// A request without a trace, of which its caller was told that nobody knows.
async fn given_up(state: &mut State) -> Trades {
    let mut trades = Trades::default();
    let mut outcome = lost(&mut trades, state, Intent::Open, buy(2));
    look_for(&mut trades, state, Duration::from_secs(10)).await;
    assert!(matches!(outcome.try_recv(), Ok(Outcome::Absent(1000))));
    trades
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_trace_is_looked_for_on_and_settles_when_one_comes() {
    let mut state = state();
    let mut trades = given_up(&mut state).await;
    let looks = look_for(&mut trades, &mut state, Duration::from_secs(100)).await;
    assert!((3..=6).contains(&looks), "{looks} looks: the pauses grow");
    let after = bought(filled(70, 2, "mine"));
    resync(&mut state, after.portfolio(), &after.history());
    look_for(&mut trades, &mut state, Duration::from_secs(60)).await;
    assert_eq!(trades.next_look(), None, "it is known");
    assert!(matches!(trades.lookup(1000, &mut state), Some(Outcome::Done(order)) if order.ticket == 70));
}

#[tokio::test(start_paused = true)]
async fn no_trace_is_proof_once_the_history_of_its_time_is_complete() {
    let mut state = state();
    let mut trades = given_up(&mut state).await;
    look_for(&mut trades, &mut state, Duration::from_secs(150)).await;
    assert!(matches!(trades.lookup(1000, &mut state), Some(Outcome::Absent(1000))), "it is too early");
    look_for(&mut trades, &mut state, Duration::from_secs(120)).await;
    assert_eq!(trades.next_look(), None);
    let told = trades.lookup(1000, &mut state);
    assert!(
        matches!(&told, Some(Outcome::Refused(error)) if error.code() == Code::RequestCancelled),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_trace_proves_nothing_where_not_everything_is_remembered() {
    let mut state = state();
    let mut trades = given_up(&mut state).await;
    for ticket in 100..500 {
        state.remember_deal(deal(ticket, ticket, ticket, 0, 3));
    }
    look_for(&mut trades, &mut state, Duration::from_secs(600)).await;
    assert_eq!(trades.next_look(), None, "more looks would tell no more");
    let told = trades.lookup(1000, &mut state);
    assert!(matches!(told, Some(Outcome::Absent(1000) | Outcome::Unknown(1000))), "{told:?}");
}

/// What stands under a key, as a repetition of its call is told.
async fn kept_under(registry: &MemoryRegistry, fence: Fence, key: &Key) -> Option<Recorded> {
    match registry.begin_key("token", fence, key, "buy").await.unwrap() {
        Keyed::Done { outcome, .. } => Some(note::from_bytes(&outcome)),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_comes_late_stands_under_its_key() {
    let registry = Arc::new(MemoryRegistry::new());
    let (account, owner) = (AccountName::new("account"), WorkerId::new("one"));
    let Opened::Yes(fence) = registry.open("token", &account, &owner, &Bytes::new()).await.unwrap() else {
        panic!("it is taken")
    };
    assert_eq!(registry.opened("token", fence, &Bytes::new()).await.unwrap(), Written::Yes);
    let key = Key::Chosen("key".to_owned());
    assert_eq!(registry.begin_key("token", fence, &key, "buy").await.unwrap(), Keyed::New);
    let standing = Standing::new(Lease::unending(), Rank::Owner, fence);
    let known: Arc<dyn Registry> = registry.clone();
    let scribe = Scribe::new("token".into(), known, Tasks::new(), standing, Arc::new(Fanout::new()));

    let (mut state, mut trades) = (state(), Trades::new(scribe.clone()));
    let (reply, mut outcome) = oneshot::channel();
    let call = CallName { key: Some(key.clone()), fingerprint: "buy".to_owned() };
    let job = Job { request: buy(2), intent: Intent::Open, magic: 0, reply, number: Arc::default(), call };
    let entry = trades.begin(job, &state).unwrap();
    scribe.begin(&entry).await.unwrap();
    trades.recorded(entry.number).unwrap();
    trades.on_link_lost();
    look_for(&mut trades, &mut state, Duration::from_secs(10)).await;
    assert!(matches!(outcome.try_recv(), Ok(Outcome::Absent(_))));
    let unknown = eventually("the key says unknown", async || kept_under(&registry, fence, &key).await).await;
    assert_eq!(unknown.unwrap_err().outcome(), Some(error::Outcome::Unknown));
    // The next owner would look for it as well.
    assert_eq!(registry.unsettled("token").await.unwrap(), [entry]);

    let after = bought(filled(70, 2, "mine"));
    resync(&mut state, after.portfolio(), &after.history());
    look_for(&mut trades, &mut state, Duration::from_secs(30)).await;
    let done =
        eventually("the key says what came of it", async || kept_under(&registry, fence, &key).await?.ok())
            .await;
    assert!(matches!(&done, Payload::Json(json) if String::from_utf8_lossy(json).contains("\"ticket\":70")));
    eventually("the journal is closed", async || {
        registry.unsettled("token").await.unwrap().is_empty().then_some(())
    })
    .await;
}
