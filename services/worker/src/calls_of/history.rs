//! Past orders and past prices.

use calls::history::OrderHistory;
use calls::prices::PriceHistory;
use calls::reply::{Bar, Filtered, OrderHistoryEventArgs};
use calls::{Handle, ServerTime};
use error::Error;
use model::round_to;
use wire::records::{self, BarsRequest, HistoryRequest, Period};
use wire::requests;

use crate::backend::Caller;
use crate::translate::{finite, order_history};

/// Candles in one answer: some 15 MB, as much as a client can be expected to take.
const BARS_MAX: usize = 100_000;
/// Bars of ten minutes are not in the protocol: they are put together from these.
const TEN_MINUTES: u32 = 10;
const FIVE_MINUTES: u32 = 5;

impl Handle<OrderHistory> for Caller<'_> {
    async fn handle(&self, call: OrderHistory) -> Result<Filtered<OrderHistoryEventArgs>, Error> {
        let session = self.session(&call.id)?;
        let range = HistoryRequest { from: range_start(call.from), to: range_end(call.to) };
        let history = session.request::<requests::History>(self.deadline, &range).await?;
        let (login, zone_ms) = session.visit(self.deadline, |state| (state.login, state.zone_ms())).await?;
        let shown = order_history(&history, login, zone_ms, call.sort, call.ascending);
        Ok(Filtered::new(shown, call.filter.as_ref()))
    }
}

/// Zero means "everything" to the server, so the very beginning is one second later.
fn range_start(from: ServerTime) -> i32 {
    seconds(from).max(1)
}

/// Zero means "until now" to the server.
fn range_end(to: ServerTime) -> i32 {
    // A fraction of a second belongs to the range.
    let has_fraction = to.as_ms().is_some_and(|ms| ms.rem_euclid(1000) != 0);
    seconds(to).saturating_add(i32::from(has_fraction)).max(1)
}

fn seconds(time: ServerTime) -> i32 {
    let seconds = time.as_seconds().unwrap_or(0);
    i32::try_from(seconds).unwrap_or(if seconds < 0 { 0 } else { i32::MAX })
}

impl Handle<PriceHistory> for Caller<'_> {
    async fn handle(&self, call: PriceHistory) -> Result<Vec<Bar>, Error> {
        let session = self.session(&call.id)?;
        let name = call.symbol.clone();
        let symbol = session.visit(self.deadline, move |state| state.catalogue.named(&name).cloned()).await?;
        let symbol = symbol.ok_or_else(|| Error::invalid_symbol(&call.symbol))?;
        let minutes = if call.time_frame_min == TEN_MINUTES { FIVE_MINUTES } else { call.time_frame_min };
        let period = Period::from_minutes(minutes).ok_or_else(|| {
            let accepts = "one of 1, 5, 10, 15, 30, 60, 240, 1440, 10080 and 43200 minutes";
            Error::invalid_param("timeFrame", &call.time_frame_min.to_string(), accepts)
        })?;
        let (from, to) = (seconds(call.from), range_end(call.to));
        if to < from {
            return Err(Error::invalid_param("to", &call.to.to_string(), "a date that is not before from"));
        }
        let ask = BarsRequest { symbol: symbol.name.to_string(), period: period.code, from, to };
        let bars = session.request::<requests::Bars>(self.deadline, &ask).await?;
        if bars.0.len() > BARS_MAX {
            let given = format!("{} to {}", call.from, call.to);
            return Err(Error::invalid_param(
                "to",
                &given,
                &format!("a range of at most {BARS_MAX} candles"),
            ));
        }
        let shown = bars.0.iter().map(|record| bar(record, symbol.digits)).collect();
        Ok(if call.time_frame_min == TEN_MINUTES { in_tens(shown) } else { shown })
    }
}

fn bar(record: &records::Bar, digits: u32) -> Bar {
    let price = |value| round_to(value, digits);
    Bar {
        time: ServerTime::from_seconds(record.time.into()),
        open_price: price(record.open),
        high_price: price(record.high),
        low_price: price(record.low),
        close_price: price(record.close),
        tick_volume: record.tick_volume.into(),
        // The protocol has no spread in a bar.
        spread: 0,
        volume: finite(record.real_volume).max(0.0) as u64,
    }
}

/// Puts bars of five minutes together in tens.
fn in_tens(fives: Vec<Bar>) -> Vec<Bar> {
    let start = |bar: &Bar| bar.time.as_seconds().map_or(0, |seconds| seconds - seconds.rem_euclid(600));
    let mut tens: Vec<Bar> = Vec::with_capacity(fives.len() / 2 + 1);
    for five in fives {
        match tens.last_mut().filter(|ten| start(ten) == start(&five)) {
            Some(ten) => {
                ten.high_price = ten.high_price.max(five.high_price);
                ten.low_price = ten.low_price.min(five.low_price);
                ten.close_price = five.close_price;
                ten.tick_volume += five.tick_volume;
                ten.volume += five.volume;
            }
            None => tens.push(Bar { time: ServerTime::from_seconds(start(&five)), ..five }),
        }
    }
    tens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fives_make_tens_on_their_grid() {
        let five = |time: i64, low: f64, high: f64| Bar {
            time: ServerTime::from_seconds(time),
            open_price: low,
            high_price: high,
            low_price: low,
            close_price: high,
            tick_volume: 3,
            spread: 0,
            volume: 0,
        };
        let tens = in_tens(vec![five(900, 5.0, 6.0), five(1200, 1.0, 2.0), five(1500, 0.5, 4.0)]);
        assert_eq!(tens.len(), 2);
        assert_eq!((tens[0].time.as_seconds(), tens[0].tick_volume), (Some(600), 3));
        assert_eq!((tens[1].time.as_seconds(), tens[1].tick_volume), (Some(1200), 6));
        assert_eq!(
            [tens[1].open_price, tens[1].low_price, tens[1].high_price, tens[1].close_price]
                .map(f64::to_bits),
            [1.0, 0.5, 4.0, 4.0].map(f64::to_bits)
        );
    }

    #[test]
    fn ranges_never_turn_into_the_servers_everything() {
        let time = |text| ServerTime::parse(text).unwrap();
        assert_eq!(range_start(time("1970-01-01")), 1);
        assert_eq!(range_end(time("1970-01-01")), 1);
        assert_eq!(range_end(time("1970-01-01T00:00:59.5")), 60);
        assert_eq!(range_end(time("9999-01-01")), i32::MAX);
    }
}
