//! The deals and ended orders of a range.

use std::collections::BTreeMap;

use wire::records::{Deal, History, HistoryRequest, Order};

use super::{Cut, REQUESTS_MAX};

/// Asks for deals and ended orders, the newest first. Servers cut both lists, each by itself; records of one second can be on
/// both sides of a cut, so each request includes the last second of the one before. What a server hides within a single second
/// shows by older records that come all the same; where there are none, nothing tells.
#[derive(Debug)]
pub(crate) struct HistoryAsking {
    from_s: i64,
    /// Up to where it is asked for next; none once all of it has come.
    next: Option<i32>,
    /// Up to where it was asked for last.
    asked_s: i64,
    deals: List<Deal>,
    orders: List<Order>,
    requests: u32,
    records_max: usize,
    cut: Option<Cut>,
}

/// Deals and ended orders of late, as far as they could be had.
#[derive(Debug)]
pub(crate) struct Recent {
    pub(crate) history: History,
    /// From when on it was asked for, seconds of the server's clock.
    pub(crate) from_s: i64,
    /// Whether all of them are there.
    pub(crate) is_whole: bool,
}

/// The records of one kind by ticket.
#[derive(Debug)]
struct List<R> {
    known: BTreeMap<i64, R>,
    /// Whether all that the last request brought was of its very last second: older ones can only have been cut off.
    is_full_second: bool,
    /// Whether nothing of this kind is missing.
    is_whole: bool,
}

impl<R: Record> List<R> {
    const fn new() -> Self {
        Self { known: BTreeMap::new(), is_full_second: false, is_whole: false }
    }

    /// Takes records over. Answers the time of the oldest one in the range, and whether some were lost in a second.
    fn take(&mut self, records: Vec<R>, from_s: i64, to_s: i64) -> (Option<i64>, bool) {
        let mut oldest = None;
        let mut is_new = false;
        for record in records {
            let time_s = record.time_s();
            let ticket = record.ticket();
            let is_within = (from_s..=to_s).contains(&time_s);
            if is_within {
                oldest = Some(oldest.map_or(time_s, |oldest: i64| oldest.min(time_s)));
            }
            is_new |= is_within && !self.known.contains_key(&ticket);
            self.known.entry(ticket).or_insert(record);
        }
        let is_lost = self.is_full_second && is_new;
        self.is_full_second = oldest == Some(to_s);
        self.is_whole |= oldest.is_none();
        (oldest, is_lost)
    }
}

trait Record {
    fn ticket(&self) -> i64;

    /// By what the server counts it to a range.
    fn time_s(&self) -> i64;
}

impl Record for Deal {
    fn ticket(&self) -> i64 {
        self.deal
    }

    fn time_s(&self) -> i64 {
        self.time_create.into()
    }
}

impl Record for Order {
    fn ticket(&self) -> i64 {
        self.trade_order
    }

    fn time_s(&self) -> i64 {
        self.time_done.into()
    }
}

impl HistoryAsking {
    /// Begins to ask; at most about so many records are held.
    pub(crate) fn new(range: &HistoryRequest, records_max: usize) -> Self {
        Self {
            from_s: range.from.into(),
            next: Some(range.to),
            asked_s: 0,
            deals: List::new(),
            orders: List::new(),
            requests: 0,
            records_max,
            cut: None,
        }
    }

    /// What to ask for next; none when all of it has come, or too much.
    pub(crate) fn next(&mut self) -> Option<HistoryRequest> {
        let to = self.next.take()?;
        if self.requests >= REQUESTS_MAX {
            self.cut = Some(Cut::Requests);
            return None;
        }
        self.requests += 1;
        // Zero is "until now".
        self.asked_s = if to == 0 { i64::MAX } else { to.into() };
        Some(HistoryRequest { from: i32::try_from(self.from_s).unwrap_or(0), to })
    }

    /// Takes the answer over.
    pub(crate) fn take(&mut self, history: History) {
        let (oldest_deal, is_deal_lost) = self.deals.take(history.deals, self.from_s, self.asked_s);
        let (oldest_order, is_order_lost) = self.orders.take(history.orders, self.from_s, self.asked_s);
        if is_deal_lost || is_order_lost {
            self.cut = Some(Cut::Second);
        }
        if self.count() > self.records_max {
            self.cut = Some(Cut::Limit(self.records_max));
            return;
        }
        let of_deals = oldest_deal.filter(|_| !self.deals.is_whole);
        let of_orders = oldest_order.filter(|_| !self.orders.is_whole);
        // Both lists are known from here on.
        let Some(oldest_s) = of_deals.max(of_orders) else { return };
        let next_s = if oldest_s < self.asked_s { oldest_s } else { oldest_s - 1 };
        if next_s >= self.from_s.max(1) && (next_s < self.asked_s) {
            self.next = i32::try_from(next_s).ok();
        }
    }

    /// How many records are held.
    pub(crate) fn count(&self) -> usize {
        self.deals.known.len() + self.orders.known.len()
    }

    /// What has come by ticket, for those who go on with what there is.
    pub(crate) fn finish_as_far_as_it_goes(self) -> Recent {
        let from_s = self.from_s;
        let (history, cut) = self.finish();
        if let Some(cut) = cut {
            tracing::warn!(?cut, "the history of late is not whole");
        }
        Recent { history, from_s, is_whole: cut.is_none() }
    }

    /// What has come by ticket, and why part of it is missing, if it is.
    pub(crate) fn finish(self) -> (History, Option<Cut>) {
        let (deals, orders) = (self.deals.known.into_values(), self.orders.known.into_values());
        (History { deals: deals.collect(), orders: orders.collect() }, self.cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 10_000;

    fn deal(ticket: i64, time: u32) -> Deal {
        Deal { deal: ticket, time_create: time, ..Deal::default() }
    }

    fn order(ticket: i64, time: u32) -> Order {
        Order { trade_order: ticket, time_done: time, ..Order::default() }
    }

    /// A deposit, then two deals and an order every ten seconds, of which some share a second; then deals alone.
    fn past() -> History {
        let mut past = History { deals: vec![deal(1, 5)], orders: Vec::new() };
        for number in 0..200 {
            let time = 1000 + 10 * u32::try_from(number / 3).unwrap();
            past.deals.extend([deal(10 + 2 * number, time), deal(11 + 2 * number, time)]);
            past.orders.push(order(10 + number, time));
        }
        past.deals.extend((0..40).map(|number| deal(1000 + number, 5000)));
        past
    }

    /// What a server answers: past, range, number of the request.
    type Server = fn(&History, i64, i64, u32) -> History;

    fn newest(past: &History, from: i64, to: i64, most: usize) -> History {
        let to = if to == 0 { i64::MAX } else { to };
        let last = |len: usize| len.saturating_sub(most);
        let mut deals: Vec<Deal> =
            past.deals.iter().filter(|deal| (from..=to).contains(&deal.time_s())).cloned().collect();
        let mut orders: Vec<Order> =
            past.orders.iter().filter(|order| (from..=to).contains(&order.time_s())).cloned().collect();
        History { deals: deals.split_off(last(deals.len())), orders: orders.split_off(last(orders.len())) }
    }

    /// Tickets of deals and of orders, the cut, and the number of requests.
    fn ask(server: Server, from: i32, to: i32, max: usize) -> (Vec<i64>, Vec<i64>, Option<Cut>, u32) {
        let past = past();
        let mut asking = HistoryAsking::new(&HistoryRequest { from, to }, max);
        while let Some(ask) = asking.next() {
            let answer = server(&past, ask.from.into(), ask.to.into(), asking.requests);
            asking.take(answer);
        }
        let requests = asking.requests;
        let (history, cut) = asking.finish();
        let deals = history.deals.iter().map(|deal| deal.deal).collect();
        (deals, history.orders.iter().map(|order| order.trade_order).collect(), cut, requests)
    }

    #[test]
    fn all_records_come_from_every_kind_of_server() {
        let servers: [(&str, Server); 6] = [
            ("all at once", |past, from, to, _| newest(past, from, to, MAX)),
            ("the newest fifty", |past, from, to, _| newest(past, from, to, 50)),
            ("the newest forty-one", |past, from, to, _| newest(past, from, to, 41)),
            ("fewer each time", |past, from, to, asked| {
                newest(past, from, to, 300_usize.saturating_sub(50 * asked as usize).max(41))
            }),
            ("overlapping", |past, from, to, _| {
                newest(past, (from - 100).max(0), if to == 0 { 0 } else { to + 100 }, 150)
            }),
            ("twice", |past, from, to, _| {
                let mut answer = newest(past, from, to, 50);
                answer.deals.extend(answer.deals.clone());
                answer
            }),
        ];
        for (from, to) in [(0, 0), (1, 4000), (1200, 1400), (1, 3), (6000, 0)] {
            let expected = newest(&past(), from.into(), to.into(), MAX);
            let deals: Vec<i64> = expected.deals.iter().map(|deal| deal.deal).collect();
            let orders: Vec<i64> = expected.orders.iter().map(|order| order.trade_order).collect();
            for (name, server) in servers {
                let (got_deals, got_orders, cut, requests) = ask(server, from, to, MAX);
                let is_missing = deals.iter().any(|one| !got_deals.contains(one))
                    || orders.iter().any(|one| !got_orders.contains(one));
                assert!(!is_missing, "{name} {from} {to}");
                assert_eq!(cut, None, "{name} {from} {to}");
                assert!(requests < 40, "{name} {from} {to}: {requests}");
                if name != "overlapping" {
                    assert_eq!((got_deals.len(), got_orders.len()), (deals.len(), orders.len()), "{name}");
                }
            }
        }
    }

    #[test]
    fn what_a_second_hides_is_told() {
        let little: Server = |past, from, to, _| newest(past, from, to, 39);
        let (deals, orders, cut, _) = ask(little, 0, 0, MAX);
        assert_eq!(
            (deals.len(), orders.len(), cut),
            (440, 200, Some(Cut::Second)),
            "one of forty is missing"
        );
        // Where such a second ends the range, nothing of it is missed that was asked for.
        assert_eq!(ask(little, 1, 4999, MAX).2, None);
    }

    #[test]
    fn the_asking_ends_whatever_is_answered() {
        let nothing: Server = |_, _, _, _| History::default();
        assert_eq!(ask(nothing, 0, 0, MAX).3, 1);
        let always_the_same: Server = |past, _, _, _| newest(past, 0, 0, 30);
        let (deals, _, _, requests) = ask(always_the_same, 1, 0, MAX);
        assert!(deals.len() == 30 && requests < 10, "{requests}");
        let endless: Server = |_, _, to, asked| {
            let time = if to == 0 { u32::MAX / 2 - 1 } else { u32::try_from(to).unwrap() };
            History { deals: vec![deal(asked.into(), time)], orders: Vec::new() }
        };
        let (deals, _, cut, _) = ask(endless, 1, 0, MAX);
        assert!(deals.len() <= 2000 && cut.is_some(), "{cut:?}");
        let (deals, orders, cut, _) = ask(|past, from, to, _| newest(past, from, to, 50), 0, 0, 300);
        assert!(cut == Some(Cut::Limit(300)) && deals.len() + orders.len() <= 400);
    }
}
