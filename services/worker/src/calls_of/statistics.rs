//! What came of the trading so far: deals and candles are fetched here, and computed with in `statistics`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use calls::reply::{EquityPoint, Stats, StatsWithCharts, TradeUnrealizedExtrema};
use calls::statistics::{Curve, EquityHistory, TradeStats, TradeStatsEquityHistory, TradeUnrealizedPL};
use calls::{Handle, ServerTime, TimeFrame};
use error::Error;
use model::calc::Deposit;
use model::{Money, Price};
use statistics::{Account, Candle, Contracts, Deal, Fill, Holding, Present, Repeats, Tape, Trade};
use tokio::task::spawn_blocking;
use wire::records::{History, Period};

use super::history::records;
use crate::backend::{About, Caller};
use crate::ranges::RECORD_BYTES;
use crate::session::Session;
use crate::session::state::State;
use crate::session::terms::Terms;
use crate::translate::{deals_of, equity_point, server_ms, stats_of, ticket, unrealized};

/// Candles of one symbol that a curve is made of: the shortest length is taken that gives no more.
const CANDLES_MAX: i64 = 5_000;
/// The history is asked for again when a deal was made meanwhile, so often at most.
const TRIES: u32 = 3;
const MINUTE_MS: i64 = 60_000;

impl Handle<EquityHistory> for Caller<'_> {
    async fn handle(
        &self,
        call: EquityHistory,
        session: About<EquityHistory>,
    ) -> Result<Vec<EquityPoint>, Error> {
        let record = self.record(&session, call.curve.from).await?;
        computed(move || record.curve(&call.curve).iter().map(equity_point).collect()).await
    }
}

impl Handle<TradeStats> for Caller<'_> {
    async fn handle(&self, call: TradeStats, session: About<TradeStats>) -> Result<Stats, Error> {
        let record = self.record(&session, call.from).await?;
        let curve = Curve { from: call.from, exclude_same: true };
        computed(move || record.stats(&record.curve(&curve))).await
    }
}

impl Handle<TradeStatsEquityHistory> for Caller<'_> {
    async fn handle(
        &self,
        call: TradeStatsEquityHistory,
        session: About<TradeStatsEquityHistory>,
    ) -> Result<StatsWithCharts, Error> {
        let record = self.record(&session, call.curve.from).await?;
        let both = move || {
            let curve = record.curve(&call.curve);
            let charts = curve.iter().map(equity_point).collect();
            StatsWithCharts { stats: record.stats(&curve), charts }
        };
        computed(both).await
    }
}

impl Handle<TradeUnrealizedPL> for Caller<'_> {
    async fn handle(
        &self,
        call: TradeUnrealizedPL,
        session: About<TradeUnrealizedPL>,
    ) -> Result<Vec<TradeUnrealizedExtrema>, Error> {
        let record = self.record(&session, call.from).await?;
        computed(move || record.extrema()).await
    }
}

/// Computes beside the tasks that serve others: a long history takes a while.
async fn computed<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    spawn_blocking(compute).await.map_err(Error::internal)
}

/// Everything that statistics are computed from.
struct Record {
    deals: Vec<Deal>,
    trades: Vec<Trade>,
    open: Vec<Holding>,
    open_profit: Money,
    balance: Money,
    credit: Money,
    deposit: Deposit,
    contracts: Contracts,
    tape: Tape,
    from_ms: i64,
    now_ms: i64,
}

impl Record {
    fn account(&self) -> Account<'_> {
        Account {
            deals: &self.deals,
            balance: self.balance,
            credit: self.credit,
            deposit: &self.deposit,
            contracts: &self.contracts,
            floating: Some(self.open_profit),
        }
    }

    fn curve(&self, curve: &Curve) -> Vec<statistics::Point> {
        let repeats = if curve.exclude_same { Repeats::Drop } else { Repeats::Keep };
        let drawn = statistics::equity_curve(&self.account(), &self.tape, self.from_ms, self.now_ms, repeats);
        if !drawn.unvalued.is_empty() {
            tracing::info!(symbols = ?drawn.unvalued, "floating profits are missing in a curve: no terms or no candles");
        }
        drawn.points
    }

    fn stats(&self, curve: &[statistics::Point]) -> Stats {
        let present = Present {
            now_ms: self.now_ms,
            open_trades: u64::try_from(self.open.len()).unwrap_or(u64::MAX),
            open_profit: self.open_profit,
        };
        stats_of(&statistics::stats(&self.account(), &self.trades, curve, self.from_ms, present))
    }

    /// Of trades closed since the begin, then of open ones.
    fn extrema(&self) -> Vec<TradeUnrealizedExtrema> {
        let closed = self.trades.iter().filter(|trade| trade.closed.time_ms >= self.from_ms);
        // What came of it is known, rate included.
        let ended = |trade: &Trade| {
            Some(Holding { latest: Some((trade.closed.time_ms, trade.amounts.profit)), ..trade.holding()? })
        };
        let holdings = closed.filter_map(ended).chain(self.open.iter().cloned());
        let of = |holding: Holding| {
            let contract = self.contracts.get(&holding.symbol)?;
            Some(unrealized(&statistics::extrema(&holding, contract, &self.deposit, &self.tape)))
        };
        holdings.filter_map(of).collect()
    }
}

/// The account at one moment.
struct Moment {
    balance: Money,
    credit: Money,
    deposit: Deposit,
    open: Vec<Holding>,
    open_profit: Money,
    now_ms: i64,
}

impl Caller<'_> {
    async fn record(&self, session: &Session, from: ServerTime) -> Result<Record, Error> {
        let (history, moment) = self.history_and_moment(session).await?;
        let deals = deals_of(&history.deals, moment.deposit.digits);
        let trades = statistics::trades(&deals, moment.deposit.digits);
        let first_ms = deals.iter().map(|deal| deal.time_ms).min().unwrap_or(moment.now_ms);
        // Before the first deal there was nothing: a curve from 1970 would be a flat line.
        let from_ms = from.as_ms().unwrap_or(0).max(first_ms.min(moment.now_ms));
        let closed = trades.iter().filter(|trade| trade.closed.time_ms >= from_ms);
        let held = closed.map(|trade| &trade.symbol).chain(moment.open.iter().map(|holding| &holding.symbol));
        let held: BTreeSet<Arc<str>> = held.cloned().collect();
        // Extremes are looked for since the opening, which may lie before the begin.
        let opened =
            trades.iter().filter(|trade| trade.closed.time_ms >= from_ms).filter_map(|trade| trade.opened);
        let opened = opened.chain(moment.open.iter().map(|holding| holding.opened)).map(|fill| fill.time_ms);
        let tape_from_ms = opened.fold(from_ms.min(moment.now_ms), i64::min);
        let (contracts, tape) = self.tape(session, held, tape_from_ms, moment.now_ms).await?;
        let Moment { balance, credit, deposit, open, open_profit, now_ms } = moment;
        Ok(Record {
            deals,
            trades,
            open,
            open_profit,
            balance,
            credit,
            deposit,
            contracts,
            tape,
            from_ms,
            now_ms,
        })
    }

    /// The whole history, and the account right after its last deal.
    async fn history_and_moment(&self, session: &Session) -> Result<(History, Moment), Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let history = self.whole_history(session).await?;
            let (newest, moment) =
                session.visit(self.deadline, |state| (state.newest_deal(), moment(state))).await?;
            let last = history.deals.iter().map(|deal| deal.deal).max().unwrap_or(0);
            if newest <= last || tries >= TRIES {
                // The server's clock may be ahead of ours: what it has done is in the past all the same.
                let times = history.deals.iter().map(|deal| server_ms(deal.time_create, deal.time_create_ms));
                let now_ms = times.fold(moment.now_ms, i64::max);
                return Ok((history, Moment { now_ms, ..moment }));
            }
            self.memory.give_back(records(&history) * RECORD_BYTES);
        }
    }

    /// The contracts of symbols, and candles of them and of the pairs that convert their profits.
    async fn tape(
        &self,
        session: &Session,
        held: BTreeSet<Arc<str>>,
        from_ms: i64,
        now_ms: i64,
    ) -> Result<(Contracts, Tape), Error> {
        let known = move |state: &mut State| {
            let known = held.into_iter().filter(|name| state.catalogue.named(name).is_some());
            known.map(|name| name.to_string()).collect::<Vec<String>>()
        };
        let held = session.visit(self.deadline, known).await?;
        let frame = frame_for(now_ms - from_ms);
        let mut tape = Tape::new(i64::from(frame.minutes()) * MINUTE_MS);
        let mut contracts: Contracts = HashMap::new();
        if held.is_empty() {
            return Ok((contracts, tape));
        }
        let terms = self.terms_of(session, Some(held.into_iter().collect())).await?;
        let pairs = self.conversion_terms(session, &terms).await?;
        let mut done: BTreeSet<String> = BTreeSet::new();
        let seconds = |ms: i64| i32::try_from(ms.div_euclid(1000)).unwrap_or(i32::MAX).max(0);
        // A candle before the begin holds the price at the begin.
        let lead_ms = i64::from(frame.minutes()) * MINUTE_MS;
        for one in terms.iter().chain(&pairs) {
            let name = &one.full.trade_symbol;
            if done.insert(name.clone()) {
                let bars =
                    self.bars(session, name, frame, (seconds(from_ms - lead_ms), seconds(now_ms))).await?;
                let candles = bars.iter().filter_map(|bar| candle(bar, one.full.digits)).collect();
                tape.insert(name.as_str().into(), candles);
            }
        }
        for pair in &pairs {
            let full = &pair.full;
            tape.name_pair(&full.currency_base, &full.currency_profit, full.trade_symbol.as_str().into());
        }
        for one in terms {
            contracts.insert(one.full.trade_symbol.as_str().into(), one.contract.clone());
        }
        Ok((contracts, tape))
    }

    /// The pairs that convert the profits of symbols.
    async fn conversion_terms(
        &self,
        session: &Session,
        terms: &[Arc<Terms>],
    ) -> Result<Vec<Arc<Terms>>, Error> {
        let currencies: BTreeSet<String> =
            terms.iter().map(|one| one.contract.currency_profit.clone()).collect();
        let names = move |state: &mut State| {
            let ids = state.conversion_ways(currencies.iter().map(String::as_str));
            let name = |id: u32| state.catalogue.by_id(id).map(|symbol| symbol.name.to_string());
            ids.into_iter().filter_map(name).collect::<BTreeSet<String>>()
        };
        let names = session.visit(self.deadline, names).await?;
        if names.is_empty() {
            Ok(Vec::new())
        } else {
            self.terms_of(session, Some(names.into_iter().collect())).await
        }
    }
}

fn moment(state: &mut State) -> Moment {
    state.revalue_changed();
    let deposit = state.deposit();
    let main = &state.account.main;
    let money = |value: f64| Money::round(value, deposit.digits);
    let now_ms = state.now().ms();
    let holding = |open: &crate::session::state::OpenPosition| Holding {
        ticket: ticket(open.record.position_id),
        symbol: open.record.trade_symbol.as_str().into(),
        side: open.side(),
        volume: open.volume(),
        opened: Fill {
            time_ms: server_ms(open.record.time_create, open.record.time_create_ms),
            price: open.open_price(),
        },
        closed: None,
        latest: Some((now_ms, open.profit)),
    };
    // As the account's summary counts it, and as it will be once they are closed.
    let floating = |open: &crate::session::state::OpenPosition| open.profit + money(open.record.storage);
    Moment {
        balance: money(main.balance),
        credit: money(main.credit),
        open: state.positions.values().map(holding).collect(),
        open_profit: state.positions.values().map(floating).sum(),
        now_ms,
        deposit,
    }
}

/// The shortest candles of which a span of time has few enough.
fn frame_for(span_ms: i64) -> TimeFrame {
    let fits = |frame: &TimeFrame| span_ms / (i64::from(frame.minutes()) * MINUTE_MS) <= CANDLES_MAX;
    let of_server = |frame: &TimeFrame| Period::from_minutes(frame.minutes()).is_some();
    TimeFrame::ALL.into_iter().filter(of_server).find(fits).unwrap_or(TimeFrame::D1)
}

fn candle(bar: &calls::reply::Bar, digits: u32) -> Option<Candle> {
    let price = |value| Price::from_f64(value, digits);
    Some(Candle {
        time_ms: bar.time.as_ms()?,
        open: price(bar.open_price)?,
        high: price(bar.high_price)?,
        low: price(bar.low_price)?,
        close: price(bar.close_price)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_spans_have_long_candles() {
        let minutes = |days: i64| frame_for(days * 1440 * MINUTE_MS).minutes();
        assert_eq!([0, 3, 10, 100, 365, 3650, 36_500].map(minutes), [1, 1, 5, 30, 240, 1440, 43_200]);
    }
}
