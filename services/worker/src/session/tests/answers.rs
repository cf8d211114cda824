//! What a trade request is answered where servers differ: netting, verdicts that name nothing, verdicts that stay out.

use super::*;

fn begun(
    trades: &mut Trades,
    state: &State,
    intent: Intent,
    request: TradeRequest,
) -> (TradeRequest, oneshot::Receiver<Outcome>) {
    let (reply, outcome) = oneshot::channel();
    let job = Job { request, intent, magic: 0, reply, number: Arc::default(), call: CallName::default() };
    let entry = trades.begin(job, state).unwrap();
    (trades.recorded(entry.number).unwrap(), outcome)
}

fn netting() -> State {
    let mut state = state();
    state.account.main.margin_mode = 0;
    state.load(Portfolio { positions: vec![position(60, 2)], orders: Vec::new() });
    state
}

#[test]
fn a_lost_order_that_changed_the_position_of_a_netting_account_is_found() {
    for entry in [0, 1] {
        let (mut state, mut trades) = (netting(), Trades::default());
        let request = TradeRequest { trade_type: entry, ..buy(1) };
        let mut outcome = lost(&mut trades, &state, Intent::Open, request);
        let order = Order { position_id: 60, order_type: entry, ..filled(70, 1, "mine") };
        let history = History { deals: vec![deal(50, 70, 60, entry, 1)], orders: vec![order] };
        let left = if entry == 0 { 3 } else { 1 };
        resync(&mut state, Portfolio { positions: vec![position(60, left)], orders: Vec::new() }, &history);
        trades.look(&mut state);
        assert!(matches!(outcome.try_recv(), Ok(Outcome::Done(_))), "entry {entry}");
    }
}

#[test]
fn an_order_that_reduces_the_position_of_a_netting_account_is_answered_by_its_deal() {
    let (mut state, mut trades) = (netting(), Trades::default());
    let (request, mut outcome) =
        begun(&mut trades, &state, Intent::Open, TradeRequest { trade_type: 1, ..buy(1) });
    let out = Deal { profit: 12.5, ..deal(50, 70, 60, 1, 1) };
    apply(&mut state, deal_push(out, position(60, 1), 1012.5));
    let result = TradeResult { retcode: 10009, deal: 50, trade_order: 70, ..TradeResult::default() };
    trades.on_result(TradeResultPush { request, result, ..TradeResultPush::default() }, &mut state);
    let Ok(Outcome::Done(order)) = outcome.try_recv() else { panic!("it was not answered at once") };
    assert_eq!((order.ticket, order.volume, order.profit.to_string()), (70, LOT, "12.5".into()));
}

#[test]
fn a_verdict_names_the_order_the_deal_or_both() {
    use calls::values::FillPolicy::{FillOrKill, ImmediateOrCancel};
    for (deal_named, order_named, is_known) in
        [(50, 70, true), (50, 0, true), (0, 70, true), (51, 0, false), (0, 71, false)]
    {
        for (type_filling, policy) in [(0, FillOrKill), (1, ImmediateOrCancel)] {
            let (mut state, mut trades) = (state(), Trades::default());
            let asked = TradeRequest { type_filling, ..buy(2) };
            let (request, mut outcome) = begun(&mut trades, &state, Intent::Open, asked);
            apply(&mut state, deal_push(deal(50, 70, 70, 0, 2), position(70, 2), 1000.0));
            let (deal, trade_order) = (deal_named, order_named);
            let result = TradeResult { retcode: 10009, deal, trade_order, ..TradeResult::default() };
            trades.on_result(TradeResultPush { request, result, ..TradeResultPush::default() }, &mut state);
            let told = outcome.try_recv();
            let done = match &told {
                Ok(Outcome::Done(order)) => Some((order.ticket, order.fill_policy)),
                _ => None,
            };
            let expected = is_known.then_some((70, policy));
            assert_eq!(done, expected, "deal {deal_named}, order {order_named}: {told:?}");
        }
    }
}

#[test]
fn a_verdict_without_tickets_names_no_balance_operation() {
    let (mut state, mut trades) = (state(), Trades::default());
    let deposit = Deal { deal: 1, trade_action: 2, profit: 1000.0, ..Deal::default() };
    state.load_past(History { deals: vec![deposit], orders: Vec::new() });
    let (request, mut outcome) = begun(&mut trades, &state, Intent::Open, buy(2));
    trades.on_answer(request.action_id, model::Retcode::DONE, &mut state);
    assert!(outcome.try_recv().is_err(), "what it made has not come");
    let order = OrderUpdate { flag_mask: 1, order: filled(70, 2, "mine"), ..OrderUpdate::default() };
    apply(&mut state, TradeUpdate::Orders(vec![order]));
    apply(&mut state, deal_push(deal(50, 70, 70, 0, 2), position(70, 2), 1000.0));
    trades.settle(&mut state);
    let answered = outcome.try_recv();
    assert!(matches!(&answered, Ok(Outcome::Done(order)) if order.ticket == 70), "{answered:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_may_still_do_it_as_long_as_the_link_lives() {
    let (mut state, mut trades) = (state(), Trades::default());
    let (_, mut outcome) = begun(&mut trades, &state, Intent::Open, buy(2));
    for _ in 0..3 {
        tokio::time::advance(std::time::Duration::from_secs(15)).await;
        trades.look(&mut state);
    }
    assert!(matches!(outcome.try_recv(), Ok(Outcome::Unknown(1000))));
    assert!(matches!(trades.lookup(1000, &mut state), Some(Outcome::Unknown(1000))));
    trades.on_link_lost();
    assert!(matches!(trades.lookup(1000, &mut state), Some(Outcome::Absent(1000))));
}

#[tokio::test(start_paused = true)]
async fn looks_that_fail_are_repeated_after_a_pause_and_prove_nothing() {
    let (mut state, mut trades) = (state(), Trades::default());
    let mut outcome = lost(&mut trades, &state, Intent::Open, buy(2));
    for _ in 0..3 {
        assert!(trades.wants_look(tokio::time::Instant::now()));
        trades.look_failed(&mut state);
        assert!(!trades.wants_look(tokio::time::Instant::now()));
        tokio::time::advance(std::time::Duration::from_secs(5)).await;
    }
    assert!(matches!(outcome.try_recv(), Ok(Outcome::Unknown(1000))));
    // Its caller has been told; it is looked for on, and blind looks prove nothing however many they are.
    for _ in 0..10 {
        let next = trades.next_look().expect("it is looked for");
        tokio::time::advance(next.saturating_duration_since(tokio::time::Instant::now())).await;
        trades.look_failed(&mut state);
    }
    trades.look(&mut state);
    assert!(trades.next_look().is_some());
}

#[test]
fn a_position_without_a_number_is_the_one_of_its_symbol() {
    let mut state = netting();
    let mut push = |lots| {
        let out = Deal { deal: 0, ..Deal::default() };
        apply(&mut state, deal_push(out, Position { position_id: 0, ..position(60, lots) }, 1000.0));
        state.positions.iter().map(|(id, open)| (*id, open.volume().units())).collect::<Vec<_>>()
    };
    assert_eq!(push(1), [(60, LOT)]);
    assert_eq!(push(0), []);
}

#[test]
fn deals_are_corrected_and_taken_back() {
    let mut state = state();
    let push = |transaction_type, deal| {
        let head =
            DealUpdateHead { flag_mask: mask::DEALS, transaction_type, deal, ..DealUpdateHead::default() };
        TradeUpdate::Deals(vec![DealUpdate { head, ..DealUpdate::default() }])
    };
    apply(&mut state, push(0, deal(50, 70, 70, 0, 2)));
    apply(&mut state, push(1, deal(50, 70, 70, 0, 3)));
    assert_eq!(state.deals.iter().map(|deal| deal.trade_volume).collect::<Vec<_>>(), [3 * LOT]);
    apply(&mut state, push(2, deal(50, 70, 70, 0, 3)));
    assert!(state.deals.is_empty());
}

#[test]
fn sessions_do_not_share_the_numbers_of_their_requests() {
    let numbers =
        [(); 2].map(|()| begun(&mut Trades::numbered(), &state(), Intent::Open, buy(2)).0.action_id);
    assert_ne!(numbers[0], numbers[1]);
    assert!(numbers.into_iter().all(|number| i32::try_from(number).is_ok()), "replies show it");
}

#[tokio::test(start_paused = true)]
async fn done_with_nothing_to_show_is_unknown() {
    let (mut state, mut trades) = (state(), Trades::default());
    let (request, mut outcome) = begun(&mut trades, &state, Intent::Open, buy(2));
    trades.on_answer(request.action_id, model::Retcode::DONE, &mut state);
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    trades.look(&mut state);
    assert!(matches!(outcome.try_recv(), Ok(Outcome::Unknown(number)) if number == request.action_id));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_left_is_not_sent_even_if_it_was_given_up() {
    let (mut state, mut trades) = (state(), Trades::default());
    let (request, mut outcome) = begun(&mut trades, &state, Intent::Open, buy(2));
    trades.not_sent(request.action_id, error::Error::of(error::Code::NoConnection));
    assert!(matches!(outcome.try_recv(), Ok(Outcome::NotSent(_))));
    let (request, _) = begun(&mut trades, &state, Intent::Open, buy(2));
    for _ in 0..3 {
        tokio::time::advance(std::time::Duration::from_secs(20)).await;
        trades.look_failed(&mut state);
    }
    assert!(!trades.are_under_way(), "it was given up");
    trades.not_sent(request.action_id, error::Error::of(error::Code::NoConnection));
    assert!(matches!(trades.lookup(request.action_id, &mut state), Some(Outcome::NotSent(_))));
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_done_is_told_when_its_records_are_seen_not_before() {
    let (mut state, mut trades) = (state(), Trades::default());
    state.load_past(History { deals: vec![deal(50, 70, 70, 0, 2)], orders: Vec::new() });
    state.load(Portfolio { positions: vec![position(70, 2)], orders: Vec::new() });
    let (request, mut outcome) = begun(&mut trades, &state, Intent::Close(70), buy(2));
    let result = TradeResult { retcode: 10009, deal: 51, trade_order: 71, ..TradeResult::default() };
    trades.on_result(TradeResultPush { request, result, ..TradeResultPush::default() }, &mut state);
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    trades.look_failed(&mut state);
    assert!(outcome.try_recv().is_err(), "nothing of it was seen yet");
    trades.on_link_lost();
    let out = Deal { profit: 12.5, ..deal(51, 71, 70, 1, 2) };
    resync(&mut state, Portfolio::default(), &History { deals: vec![out], orders: Vec::new() });
    trades.look(&mut state);
    let Ok(Outcome::Done(order)) = outcome.try_recv() else { panic!("it is known to be done") };
    assert_eq!((order.ticket, order.profit.to_string()), (70, "12.5".into()));
}

#[test]
fn a_refusal_is_a_refusal_whatever_tickets_it_carries() {
    let (mut state, mut trades) = (state(), Trades::default());
    let (request, mut outcome) = begun(&mut trades, &state, Intent::Close(70), buy(2));
    let result = TradeResult { retcode: 10019, deal: 50, trade_order: 70, ..TradeResult::default() };
    trades.on_result(TradeResultPush { request, result, ..TradeResultPush::default() }, &mut state);
    assert!(
        matches!(outcome.try_recv(), Ok(Outcome::Refused(error)) if error.code() == error::Code::NoMoney)
    );
}

#[test]
fn a_caller_who_left_before_the_request_was_begun_has_not_sent_it() {
    let (state, mut trades) = (state(), Trades::default());
    let (reply, outcome) = oneshot::channel();
    drop(outcome);
    let (intent, number, call) = (Intent::Open, Arc::default(), CallName::default());
    assert!(trades.begin(Job { request: buy(2), intent, magic: 0, reply, number, call }, &state).is_none());
}

#[test]
fn what_is_too_near_to_be_changed_cannot_be_told_without_a_price() {
    let mut state = state();
    let mut full = (*state.catalogue.full(1).unwrap()).clone();
    full.trade.trade_freeze_level = 100;
    state.catalogue.learn(vec![full]);
    let request = TradeRequest { trade_position: 70, ..buy(2) };
    let explained = |state: &mut State, sl: f64| {
        let held = Position { sl, ..position(70, 2) };
        state.load(Portfolio { positions: vec![held], orders: Vec::new() });
        let error = error::Error::of(error::Code::ModificationFailed);
        crate::session::details::explained(error, &request, state).details().cloned()
    };
    let near = explained(&mut state, 1.0995);
    let is_told = |told: &error::FreezeDetails| told.present_price == Some(1.1) && told.too_near == [1.0995];
    assert!(matches!(&near, Some(error::Details::Freeze(told)) if is_told(told)), "{near:?}");
    assert_eq!(explained(&mut state, 1.05), None, "it was refused for something else");
    state.quotes.forget_prices();
    let waiting = explained(&mut state, 1.0995).unwrap();
    assert!(waiting.lacks_price());
    assert!(matches!(waiting, error::Details::Freeze(told) if told.too_near.is_empty()));
    assert_eq!(explained(&mut state, 0.0), None, "nothing could be near");
}
