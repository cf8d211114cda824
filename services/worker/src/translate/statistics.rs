//! Deals as statistics take them, and what statistics say as the contract shows it.

use std::sync::Arc;

use calls::ServerTime;
use calls::reply::{
    AveragePipsUsd, EquityPoint, Expectancy, MarketTradeCount, ProfitData, Profitability, Stats,
    TradeSummary, TradeUnrealizedExtrema, Won, ZScore,
};
use model::{DealEntry, DealType, Money, Price, Reason, Side, Volume};
use statistics::{Average, Deal, DealKind, Extrema, Notable, Point, Share};
use wire::records;

use super::{finite, server_ms, ticket};

/// Deals of the wire as statistics take them; amounts are rounded to the account's digits.
pub(crate) fn deals_of(deals: &[records::Deal], digits: u32) -> Vec<Deal> {
    deals.iter().map(|deal| deal_of(deal, digits)).collect()
}

/// A deal as statistics take it; amounts are rounded to the account's digits.
pub(crate) fn deal_of(deal: &records::Deal, digits: u32) -> Deal {
    let money = |value: f64| Money::round(finite(value), digits);
    let kind = DealType::from_number(deal.trade_action);
    // What a rollover or a transfer books is no trade of the account's holder; its money counts.
    let is_service = Reason::from_number(deal.trade_reason).is_some_and(Reason::is_service);
    let side = Side::from_number(deal.trade_action).unwrap_or(Side::Buy);
    let entry = DealEntry::from_number(deal.entry).unwrap_or(DealEntry::In);
    let volume = Volume::from_units(deal.trade_volume);
    let price = Price::from_f64(deal.price_open, deal.digits).unwrap_or_default();
    let kind = match kind.and_then(DealKind::of_money) {
        Some(money) => money,
        None if kind.is_none() => DealKind::Charge,
        None if is_service => DealKind::Service { entry, price },
        None => DealKind::Trade { side, entry, volume, price },
    };
    Deal {
        ticket: ticket(deal.deal),
        position: ticket(deal.position_id),
        time_ms: server_ms(deal.time_create, deal.time_create_ms),
        symbol: Arc::from(deal.trade_symbol.as_str()),
        kind,
        profit: money(deal.profit),
        swap: money(deal.storage),
        commission: money(deal.commission),
        fee: money(deal.commission_fee),
    }
}

/// A point of the curve.
pub(crate) fn equity_point(point: &Point) -> EquityPoint {
    EquityPoint {
        time: ServerTime::from_ms(point.time_ms),
        balance: point.balance.to_f64(),
        equity: point.equity.to_f64(),
        balance_drawdown_raw: point.balance_drawdown.to_f64(),
        balance_drawdown_relative: point.balance_drawdown_percent,
        equity_drawdown_raw: point.equity_drawdown.to_f64(),
        equity_drawdown_relative: point.equity_drawdown_percent,
        realized_pl: point.realized.to_f64(),
        unrealized_pl: point.unrealized.to_f64(),
    }
}

/// Best and worst of a trade.
pub(crate) fn unrealized(extrema: &Extrema) -> TradeUnrealizedExtrema {
    TradeUnrealizedExtrema {
        ticket: extrema.ticket,
        symbol: extrema.symbol.to_string(),
        max_unrealized_time: ServerTime::from_ms(extrema.max_time_ms),
        max_unrealized_pl: extrema.max.to_f64(),
        min_unrealized_time: ServerTime::from_ms(extrema.min_time_ms),
        min_unrealized_pl: extrema.min.to_f64(),
    }
}

/// The statistics.
pub(crate) fn stats_of(stats: &statistics::Stats) -> Stats {
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let market = |(symbol, trades): (&Arc<str>, &u64)| MarketTradeCount {
        market_name: symbol.to_string(),
        count: count(*trades),
    };
    Stats {
        summary: TradeSummary {
            open_trades: count(stats.open_trades),
            open_profit: stats.open_profit.to_f64(),
            day_profit: stats.day_profit.to_f64(),
            week_profit: stats.week_profit.to_f64(),
            month_profit: stats.month_profit.to_f64(),
            total_profit: stats.total_profit.to_f64(),
        },
        max_balance_drawdown_raw: stats.balance_drawdown.to_f64(),
        max_balance_drawdown_relative: stats.balance_drawdown_percent,
        max_equity_drawdown_raw: stats.equity_drawdown.to_f64(),
        max_equity_drawdown_relative: stats.equity_drawdown_percent,
        markets: stats.trades_by_symbol.iter().map(market).collect(),
        profitability: Profitability {
            won_trades: stats.won.count,
            won_trades_percent: stats.won.percent,
            lost_trades: stats.lost.count,
            lost_trades_percent: stats.lost.percent,
        },
        pips: stats.pips,
        lots: stats.lots.lots(),
        comissions: (stats.commission + stats.fee).to_f64(),
        average_win: average(&stats.average_win),
        average_lost: average(&stats.average_loss),
        longs_won: won(&stats.longs_won),
        shorts_won: won(&stats.shorts_won),
        best_trade: notable(stats.best_by_money.as_ref(), |money| money.to_f64()),
        worst_trade: notable(stats.worst_by_money.as_ref(), |money| money.to_f64()),
        best_trade_pips: notable(stats.best_by_pips.as_ref(), |pips| *pips),
        worst_trade_pips: notable(stats.worst_by_pips.as_ref(), |pips| *pips),
        average_trade_length: statistics::span_text(stats.average_length_ms),
        profit_factor: stats.profit_factor,
        standard_deviation: stats.standard_deviation,
        sharpe_ratio: stats.sharpe_ratio,
        z_score: ZScore { z_score_decimal: stats.runs.z_score, z_score_probability: stats.runs.probability },
        expectancy: Expectancy { pips: stats.expectancy.pips, dollar: stats.expectancy.money },
        ghpr: stats.ghpr,
        trades: stats.trades,
    }
}

fn average(of: &Average) -> AveragePipsUsd {
    AveragePipsUsd { average_pips: of.pips, average_usd: of.money }
}

fn won(share: &Share) -> Won {
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Won { won_count: count(share.count), all: count(share.of), won_persent: share.percent }
}

fn notable<T>(trade: Option<&Notable<T>>, value: impl Fn(&T) -> f64) -> ProfitData {
    match trade {
        Some(trade) => ProfitData {
            tiket: trade.position,
            date: ServerTime::from_ms(trade.close_time_ms),
            profit: value(&trade.value),
        },
        None => ProfitData { tiket: 0, date: ServerTime::NULL, profit: 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use model::calc::Deposit;
    use proptest::prelude::*;
    use serde_json::Value;
    use statistics::{Account, Contracts, Present, Repeats, Tape};

    use super::*;

    /// Any deal that a server may tell, sensible or not.
    fn any_deal() -> impl Strategy<Value = records::Deal> {
        let amount = || prop_oneof![-1e6..1e6_f64, any::<f64>(), Just(f64::MAX), Just(1e-9)];
        let numbers = (0_i64..50, 0_i64..4, 0_u32..6, 0_u32..4, any::<u32>());
        let sizes = (prop_oneof![1_u64..1_000_000_000, any::<u64>()], amount(), 0_u32..9);
        (numbers, sizes, prop::array::uniform4(amount())).prop_map(|(numbers, sizes, money)| {
            let (deal, position_id, trade_action, entry, time_create) = numbers;
            let (trade_volume, price_open, digits) = sizes;
            let [profit, storage, commission, commission_fee] = money;
            records::Deal {
                deal,
                position_id,
                trade_action,
                entry,
                time_create,
                trade_volume,
                price_open,
                digits,
                profit,
                storage,
                commission,
                commission_fee,
                trade_symbol: "EURUSD".into(),
                ..records::Deal::default()
            }
        })
    }

    /// The greatest decimal of .NET.
    const DECIMAL_MAX: f64 = 79_228_162_514_264_337_593_543_950_335.0;

    fn check_numbers(value: &Value) -> Result<(), TestCaseError> {
        match value {
            Value::Object(fields) => fields.values().try_for_each(check_numbers),
            Value::Array(items) => items.iter().try_for_each(check_numbers),
            // What is not finite has no number in JSON.
            Value::Null => Err(TestCaseError::fail("a figure is not finite")),
            Value::Number(number) => {
                let size = number.as_f64().unwrap().abs();
                prop_assert!(size < DECIMAL_MAX, "{number}");
                Ok(())
            }
            Value::Bool(_) | Value::String(_) => Ok(()),
        }
    }

    proptest! {
        #[test]
        fn every_figure_fits_a_decimal(
            deals in prop::collection::vec(any_deal(), 0..30),
            money_digits in 0_u32..9,
            balance in -1e6..1e6_f64,
            from_ms in prop_oneof![Just(0), any::<i64>()],
        ) {
            let deals = deals_of(&deals, money_digits);
            let deposit = Deposit { currency: "USD".into(), digits: money_digits, leverage: 100 };
            let contracts = Contracts::default();
            let account = Account {
                deals: &deals,
                balance: Money::round(balance, money_digits),
                credit: Money::ZERO,
                deposit: &deposit,
                contracts: &contracts,
                floating: Some(Money::ZERO),
            };
            let curve = statistics::equity_curve(&account, &Tape::new(60_000), from_ms, i64::MAX, Repeats::Keep);
            let closed = statistics::trades(&deals, money_digits);
            let present = Present { now_ms: i64::MAX, open_trades: 0, open_profit: Money::ZERO };
            let found = stats_of(&statistics::stats(&account, &closed, &curve.points, from_ms, present));
            let points: Vec<EquityPoint> = curve.points.iter().map(equity_point).collect();
            check_numbers(&serde_json::to_value(&found).unwrap())?;
            // A time without a date is nothing.
            for point in points {
                let mut point = serde_json::to_value(&point).unwrap();
                point["time"] = Value::Bool(true);
                check_numbers(&point)?;
            }
        }
    }
}
