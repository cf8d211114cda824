//! Whatever is traded: every view of it has the same money, and all of it.

use std::collections::BTreeMap;

use calls::ServerClock;
use calls::reply::Order as Row;
use calls::values::SortType;
use model::{MarginMode, Money, Reason};
use proptest::prelude::*;
use statistics::Open;

use super::*;
use crate::translate;

/// What a trader or the server does next.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// An order that names no position.
    Order,
    Close(Reason),
    CloseBy,
    Swap,
    Rollover,
    Deposit,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    deed: Deed,
    is_buy: bool,
    lots: u64,
    pick: usize,
    /// Profit, swap, commission and fee, in the smallest unit of the currency.
    minor: [i32; 4],
}

fn step() -> impl Strategy<Value = Step> {
    let deed = prop_oneof![
        6 => Just(Deed::Order),
        4 => Just(Deed::Close(Reason::Web)),
        1 => Just(Deed::Close(Reason::StopOut)),
        2 => Just(Deed::CloseBy),
        2 => Just(Deed::Swap),
        1 => Just(Deed::Rollover),
        1 => Just(Deed::Deposit),
    ];
    (deed, any::<bool>(), 1_u64..8, 0_usize..6, prop::array::uniform4(-5_000..5_000))
        .prop_map(|(deed, is_buy, lots, pick, minor)| Step { deed, is_buy, lots, pick, minor })
}

#[derive(Clone, Copy, Debug)]
struct Held {
    is_buy: bool,
    lots: u64,
    swap: Money,
    commission: Money,
}

/// A trade server that knows nothing but its books.
#[derive(Debug)]
struct Server {
    mode: MarginMode,
    /// Whether its records of positions have what opening them has cost.
    tells_costs: bool,
    digits: u32,
    balance: Money,
    held: BTreeMap<i64, Held>,
    deals: Vec<Deal>,
    last: i64,
}

fn volume(lots: u64) -> Volume {
    Volume::from_units(lots * LOT)
}

impl Server {
    fn new(mode: MarginMode, tells_costs: bool, digits: u32) -> Self {
        let (held, deals) = (BTreeMap::new(), Vec::new());
        Self { mode, tells_costs, digits, balance: Money::ZERO, held, deals, last: 100 }
    }

    fn money(&self, minor: i32) -> Money {
        Money::round(f64::from(minor) / model::pow10(self.digits) as f64, self.digits)
    }

    fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    fn record(&self, id: i64) -> Position {
        let Some(held) = self.held.get(&id) else { return position(id, 0) };
        Position {
            trade_action: u32::from(!held.is_buy),
            storage: held.swap.to_f64(),
            commission: if self.tells_costs { held.commission.to_f64() } else { 0.0 },
            digits_currency: self.digits,
            ..position(id, held.lots)
        }
    }

    fn portfolio(&self) -> Portfolio {
        let positions = self.held.keys().map(|id| self.record(*id)).collect();
        Portfolio { positions, orders: Vec::new() }
    }

    fn history(&self) -> History {
        History { deals: self.deals.clone(), orders: Vec::new() }
    }

    /// Books a deal with its money.
    fn book(
        &mut self,
        id: i64,
        entry: u32,
        is_buy: bool,
        lots: u64,
        [profit, swap, commission, fee]: [Money; 4],
    ) -> Deal {
        let ticket = self.next();
        let made = Deal {
            trade_action: u32::from(!is_buy),
            profit: profit.to_f64(),
            storage: swap.to_f64(),
            commission: commission.to_f64(),
            commission_fee: fee.to_f64(),
            digits_currency: self.digits,
            time_create: u32::try_from(ticket).unwrap(),
            ..deal(ticket, ticket, id, entry, lots)
        };
        self.balance += profit + swap + commission + fee;
        self.deals.push(made.clone());
        made
    }

    fn push(&self, deal: Deal, id: i64) -> TradeUpdate {
        deal_push(deal, self.record(id), self.balance.to_f64())
    }

    fn enlarge(&mut self, id: i64, step: Step, lots: u64, costs: [Money; 2]) -> Deal {
        let [commission, fee] = costs;
        let empty = Held { is_buy: step.is_buy, lots: 0, swap: Money::ZERO, commission: Money::ZERO };
        let held = self.held.entry(id).or_insert(empty);
        held.lots += lots;
        held.commission += commission;
        self.book(id, 0, step.is_buy, lots, [Money::ZERO, Money::ZERO, commission, fee])
    }

    fn reduce(&mut self, id: i64, entry: u32, lots: u64, [profit, commission, fee]: [Money; 3]) -> Deal {
        let digits = self.digits;
        let held = self.held.get_mut(&id).unwrap();
        let swap = held.swap.part(volume(lots), volume(held.lots), digits);
        held.swap -= swap;
        held.commission -= held.commission.part(volume(lots), volume(held.lots), digits);
        held.lots -= lots;
        let is_buy = !held.is_buy;
        if held.lots == 0 {
            self.held.remove(&id);
        }
        self.book(id, entry, is_buy, lots, [profit, swap, commission, fee])
    }

    fn reverse(&mut self, id: i64, lots: u64, [profit, commission, fee]: [Money; 3]) -> Deal {
        let held = self.held.remove(&id).unwrap();
        let kept = commission - commission.part(volume(held.lots), volume(lots), self.digits);
        let is_buy = !held.is_buy;
        self.held.insert(id, Held { is_buy, lots: lots - held.lots, swap: Money::ZERO, commission: kept });
        self.book(id, 2, is_buy, lots, [profit, held.swap, commission, fee])
    }

    /// Closes a position and opens it again; what it has gained is booked.
    fn roll_over(&mut self, id: i64, profit: Money) -> Vec<TradeUpdate> {
        let held = self.held[&id];
        let reason = Reason::Rollover.number();
        let mut service = |entry, is_buy, money| {
            self.book(id, entry, is_buy, held.lots, money);
            let made = self.deals.last_mut().unwrap();
            made.trade_reason = reason;
            made.clone()
        };
        let out = service(1, !held.is_buy, [profit, held.swap, Money::ZERO, Money::ZERO]);
        let back = service(0, held.is_buy, [Money::ZERO; 4]);
        self.held.get_mut(&id).unwrap().swap = Money::ZERO;
        let gone = deal_push(out, position(id, 0), self.balance.to_f64());
        vec![gone, self.push(back, id)]
    }

    /// What is pushed of it.
    fn take(&mut self, step: Step) -> Vec<TradeUpdate> {
        let [profit, swap, commission, fee] = step.minor.map(|minor| self.money(minor));
        let (commission, fee) = (Money::ZERO - commission, fee);
        let closing = [profit, commission, fee];
        let ids: Vec<i64> = self.held.keys().copied().collect();
        let picked = (!ids.is_empty()).then(|| ids[step.pick % ids.len()]);
        match (step.deed, picked) {
            (Deed::Order, Some(id)) if self.mode != MarginMode::Hedging => {
                let held = self.held[&id];
                let made = if held.is_buy == step.is_buy {
                    self.enlarge(id, step, step.lots, [commission, fee])
                } else if step.lots <= held.lots {
                    self.reduce(id, 1, step.lots, closing)
                } else {
                    self.reverse(id, step.lots, closing)
                };
                vec![self.push(made, id)]
            }
            (Deed::Order, _) => {
                let id = self.next();
                let made = self.enlarge(id, step, step.lots, [commission, fee]);
                vec![self.push(made, id)]
            }
            (Deed::Close(reason), Some(id)) => {
                let all = self.held[&id].lots;
                let lots = if reason == Reason::StopOut { all } else { step.lots.min(all) };
                self.reduce(id, 1, lots, closing);
                let made = self.deals.last_mut().unwrap();
                made.trade_reason = reason.number();
                let made = made.clone();
                vec![self.push(made, id)]
            }
            (Deed::CloseBy, Some(id)) => {
                let side = self.held[&id].is_buy;
                let Some(other) = ids.iter().copied().find(|other| self.held[other].is_buy != side) else {
                    return Vec::new();
                };
                let lots = self.held[&id].lots.min(self.held[&other].lots);
                let first = self.reduce(id, 3, lots, closing);
                let second = self.reduce(other, 3, lots, [Money::ZERO, Money::ZERO, fee]);
                let TradeUpdate::Deals(mut updates) = self.push(first, id) else { return Vec::new() };
                (updates[0].deals, updates[0].positions) = (vec![second], vec![self.record(other)]);
                vec![TradeUpdate::Deals(updates)]
            }
            (Deed::Swap, Some(id)) => {
                self.held.get_mut(&id).unwrap().swap += swap;
                let head = DealUpdateHead {
                    flag_mask: mask::DEALS,
                    transaction_type: 1,
                    position: self.record(id),
                    ..DealUpdateHead::default()
                };
                vec![TradeUpdate::Deals(vec![DealUpdate { head, ..DealUpdate::default() }])]
            }
            (Deed::Rollover, Some(id)) => self.roll_over(id, profit),
            (Deed::Deposit, _) => {
                let mut paid = self.book(0, 0, true, 0, [profit, Money::ZERO, Money::ZERO, Money::ZERO]);
                (paid.trade_action, paid.trade_symbol) = (2, String::new());
                *self.deals.last_mut().unwrap() = paid.clone();
                vec![deal_push(paid, Position::default(), self.balance.to_f64())]
            }
            (_, None) => Vec::new(),
        }
    }
}

fn net(rows: &[Row], digits: u32) -> Money {
    let amounts = rows.iter().flat_map(|row| [row.profit, row.swap, row.commission, row.fee]);
    amounts.map(|amount| Money::round(amount, digits)).sum()
}

/// What identifies a row of closed volume, and its money.
fn shown(rows: impl IntoIterator<Item = Row>) -> Vec<String> {
    let text = |row: Row| {
        let money = [row.profit, row.swap, row.commission, row.fee];
        format!("{} {:?} {} {money:?}", row.ticket, row.order_type, row.close_lots)
    };
    rows.into_iter().map(text).collect()
}

/// Money of closed rows by position and side, as one that turned round has both.
fn by_trade(rows: &[Row], digits: u32) -> BTreeMap<(u64, &'static str), (u64, Money)> {
    let mut sums: BTreeMap<_, (u64, Money)> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry((row.ticket, row.order_type.as_str())).or_default();
        sum.0 += row.close_volume;
        sum.1 += net(std::slice::from_ref(row), digits);
    }
    sums
}

fn session(mode: MarginMode, digits: u32) -> State {
    let mut session = state();
    session.account.main.margin_mode = mode.number();
    session.account.main.currency_digits = digits;
    session.account.main.balance = 0.0;
    session
}

fn check(server: &Server, live: &mut State) -> Result<(), TestCaseError> {
    let (digits, history) = (server.digits, server.history());
    let balance = Money::round(live.account.main.balance, digits);
    prop_assert_eq!(balance, server.balance);
    let is_trade = |deal: &&Deal| deal.trade_action <= 1;
    let amounts = |deal: &Deal| deal.profit + deal.storage + deal.commission + deal.commission_fee;
    let deals: Money = server.deals.iter().map(|deal| Money::round(amounts(deal), digits)).sum();
    prop_assert_eq!(deals, balance);
    let traded: Money =
        server.deals.iter().filter(is_trade).map(|deal| Money::round(amounts(deal), digits)).sum();
    let closed: Vec<Row> = live.closed.iter().cloned().collect();
    // What is open has its costs still, and what the server booked meanwhile.
    let open: Money = server.held.keys().map(|id| live.ledger.of(*id).booked.net()).sum();
    prop_assert_eq!(net(&closed, digits) + open, traded, "closed orders");

    let positions = translate::closed_positions(&history, 7, ServerClock::fixed(0));
    prop_assert_eq!(by_trade(&closed, digits), by_trade(&positions, digits));
    // By the time of closing, and cut in two somewhere.
    let cut = server.deals.get(server.deals.len() / 2).map_or(0, |deal| i64::from(deal.time_create));
    let within = |range| translate::closed_within(positions.clone(), range);
    let by_time = [within(i64::MIN..=cut), within(cut + 1..=i64::MAX)].concat();
    prop_assert_eq!(by_trade(&by_time, digits), by_trade(&positions, digits));
    prop_assert!(by_time.is_sorted_by_key(|row| row.close_time));
    let told = translate::order_history(&history, 7, ServerClock::fixed(0), SortType::CloseTime, true);
    let trades_of = |row: &Row| !row.symbol.is_empty();
    let past: Vec<Row> = told.orders.into_iter().filter(trades_of).collect();
    prop_assert_eq!(by_trade(&past, digits), by_trade(&positions, digits));
    let trades = statistics::trades(&translate::deals_of(&history.deals, digits), digits);
    prop_assert_eq!(trades.iter().map(|trade| trade.net()).sum::<Money>(), net(&positions, digits));

    let costs = |row: &Row| format!("{} {} {} {}", row.ticket, row.lots, row.commission, row.fee);
    let mut later = session(server.mode, digits);
    later.load_past(history);
    later.load(server.portfolio());
    let opened = |state: &mut State| state.opened_orders().iter().map(costs).collect::<Vec<_>>();
    prop_assert_eq!(opened(&mut later), opened(live));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn every_view_has_the_same_money(
        mode in prop::sample::select(MarginMode::ALL),
        tells_costs in any::<bool>(),
        digits in prop::sample::select(&[0_u32, 2, 8][..]),
        steps in prop::collection::vec(step(), 1..40),
        (joins_after, is_away) in (0_usize..30, (0_usize..20, 1_usize..10)),
    ) {
        let mut server = Server::new(mode, tells_costs, digits);
        let mut live = session(mode, digits);
        let mut joined: Option<(State, usize)> = None;
        let mut patient = session(mode, digits);
        let (leaves, gap) = is_away;
        // In the end everything is closed.
        let end = [Step { deed: Deed::Close(Reason::StopOut), is_buy: true, lots: 1, pick: 0, minor: [7, 1, 3, -2] }; 40];
        for (number, step) in steps.iter().chain(&end).enumerate() {
            if number == joins_after {
                let mut state = session(mode, digits);
                state.load_past(server.history());
                state.load(server.portfolio());
                joined = Some((state, live.closed.len()));
            }
            let pushed = server.take(*step);
            for update in &pushed {
                apply(&mut live, update.clone());
                if let Some((state, _)) = &mut joined {
                    apply(state, update.clone());
                }
                if !(leaves..leaves + gap).contains(&number) {
                    apply(&mut patient, update.clone());
                }
            }
            if number + 1 == leaves + gap {
                resync(&mut patient, server.portfolio(), &server.history());
                patient.account.main.balance = server.balance.to_f64();
            }
            check(&server, &mut live)?;
        }
        prop_assert!(server.held.is_empty());
        let rows: Vec<Row> = live.closed.iter().cloned().collect();
        if let Some((state, before)) = joined {
            prop_assert_eq!(shown(state.closed), shown(rows[before..].to_vec()), "of one that connected later");
        }
        prop_assert_eq!(shown(patient.closed), shown(rows), "of one whose link was lost");
        prop_assert!(live.ledger.of(0) == Open::NONE && live.positions.is_empty());
    }
}
