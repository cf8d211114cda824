//! Candles of every length: the server's own bars, or put together from its shorter ones.

use calls::prices::Back;
use calls::reply::{Bar, Series};
use calls::{ServerTime, TimeFrame};
use error::Error;
use model::grid::{next_open, open_of};
use model::round_to;
use wire::records::{self, Period};

use super::history::range_end;
use super::prices::check_count;
use crate::backend::Caller;
use crate::ranges::{BAR_BYTES, BarsAsking};
use crate::session::Session;
use crate::session::state::State;
use crate::translate::finite;

/// A range in seconds of the server clock, both ends included.
pub(super) type Span = (i32, i32);

/// What the first look goes back beyond the time that the candles take if the market never closes, in seconds.
const CLOSED_S: i64 = 3 * 86_400;
const MINUTE_S: i64 = 60;
/// What a candle takes as a part of an encoded reply.
const CANDLE_TEXT_BYTES: usize = 160;

/// The server's bars that candles are made of, in rising time.
pub(super) struct Parts {
    bars: Vec<records::Bar>,
    frame: TimeFrame,
    period: Period,
    /// Of prices.
    digits: u32,
}

impl Parts {
    /// Candles as the contract has them.
    fn shown(&self) -> Vec<Bar> {
        let bars = self.bars.iter().map(|record| bar(record, self.digits));
        if self.are_candles() { bars.collect() } else { together(bars, self.frame.minutes()) }
    }

    /// Whether each is a candle by itself.
    fn are_candles(&self) -> bool {
        self.period.minutes == self.frame.minutes()
    }

    /// About how many candles they make: with gaps there may be more, but never more than parts.
    fn candles(&self) -> usize {
        self.bars.len().div_ceil(parts_of(self.frame, self.period))
    }
}

impl Caller<'_> {
    /// The candles of a symbol that open in a span.
    pub(super) async fn bars(
        &self,
        session: &Session,
        symbol: &str,
        frame: TimeFrame,
        span: Span,
    ) -> Result<Vec<Bar>, Error> {
        let parts = self.parts(session, symbol, frame, span).await?;
        self.shown(&parts).await
    }

    /// The last candles up to a moment: looked for further back until there are enough.
    pub(super) async fn bars_back(
        &self,
        session: &Session,
        symbol: &str,
        frame: TimeFrame,
        back: &Back,
    ) -> Result<Vec<Bar>, Error> {
        let parts = self.parts_back(session, symbol, frame, back).await?;
        Ok(last(self.shown(&parts).await?, check_count(back)?))
    }

    /// What the candles of a symbol are made of that open in a span.
    pub(super) async fn parts(
        &self,
        session: &Session,
        symbol: &str,
        frame: TimeFrame,
        span: Span,
    ) -> Result<Parts, Error> {
        let (name, digits) = self.known(session, symbol).await?;
        let period = period_of(frame)?;
        let asking = BarsAsking::new(period.minutes, parts_span(frame, period, span));
        let bars = session.whole_bars(self.deadline, &name, period, asking, |_| false, &self.memory).await?;
        Ok(Parts { bars, frame, period, digits })
    }

    /// What the last candles up to a moment are made of, and perhaps a part of one more.
    pub(super) async fn parts_back(
        &self,
        session: &Session,
        symbol: &str,
        frame: TimeFrame,
        back: &Back,
    ) -> Result<Parts, Error> {
        let count = check_count(back)?;
        let (name, digits) = self.known(session, symbol).await?;
        let period = period_of(frame)?;
        let step_s = i64::from(back.bars) * i64::from(frame.minutes()) * MINUTE_S + CLOSED_S;
        let span = parts_span(frame, period, (0, range_end(back.from)));
        let asking = BarsAsking::new(period.minutes, span).in_steps_of(step_s);
        // Further and further back where there are none, as in the future, until nothing can be there any more.
        let is_enough =
            |asking: &BarsAsking| asking.is_whole_from_the_end() && asking.opens(frame.minutes()) > count;
        let bars = session.whole_bars(self.deadline, &name, period, asking, is_enough, &self.memory).await?;
        // So many candles have at most so many parts; with fewer in some, the oldest candle is cut and not shown.
        let (before, most) = (bars.len(), count.saturating_mul(parts_of(frame, period)));
        let bars = last(bars, most);
        self.memory.give_back((before - bars.len()) * BAR_BYTES);
        Ok(Parts { bars, frame, period, digits })
    }

    /// Candles as the contract has them. Their memory and that of their text is reserved in place of that of the parts.
    async fn shown(&self, parts: &Parts) -> Result<Vec<Bar>, Error> {
        self.memory.add(parts.candles() * (size_of::<Bar>() + CANDLE_TEXT_BYTES)).await?;
        let bars = parts.shown();
        self.memory.give_back(parts.bars.len() * BAR_BYTES);
        Ok(bars)
    }

    /// The last so many candles, made while they are encoded where that is possible. The memory of their text is reserved.
    pub(super) async fn series_of(&self, parts: Parts, count: usize) -> Result<Series<Bar>, Error> {
        if !parts.are_candles() {
            return Ok(last(self.shown(&parts).await?, count).into());
        }
        self.memory.add(parts.bars.len() * CANDLE_TEXT_BYTES).await?;
        Ok(Series::of(move |place| parts.bars.get(place).map(|record| bar(record, parts.digits))))
    }

    /// The name of a symbol as the server has it, and the digits of its prices.
    async fn known(&self, session: &Session, symbol: &str) -> Result<(String, u32), Error> {
        let name = symbol.to_owned();
        let known = move |state: &mut State| state.catalogue.known(&name).cloned();
        let known = session.visit(self.deadline, known).await??;
        Ok((known.name.to_string(), known.digits))
    }
}

/// The server's bars that candles of this length are made of: its own, or shorter ones.
fn period_of(frame: TimeFrame) -> Result<Period, Error> {
    let minutes = frame.minutes();
    Period::for_minutes(minutes).ok_or_else(|| Error::internal(format!("no period for {minutes} minutes")))
}

/// How many of the server's bars a candle is made of at most.
fn parts_of(frame: TimeFrame, period: Period) -> usize {
    usize::try_from(frame.minutes() / period.minutes.max(1)).unwrap_or(1).max(1)
}

/// Where the bars lie of which the candles of a span are made: a candle counts by its opening, and is whole.
fn parts_span(frame: TimeFrame, period: Period, (from, to): Span) -> Span {
    let minutes = frame.minutes();
    if period.minutes == minutes {
        return (from, to);
    }
    let (from_s, to_s) = (i64::from(from), i64::from(to));
    let first_s = open_of(minutes, from_s);
    let first_s = if first_s == from_s { first_s } else { next_open(minutes, from_s) };
    let last_s = next_open(minutes, to_s) - 1;
    let clamp = |time_s: i64| i32::try_from(time_s).unwrap_or(i32::MAX);
    // Where no candle opens in the span, none of the bars in it is asked for.
    (clamp(first_s), if first_s > to_s { to } else { clamp(last_s) })
}

/// The last so many of a list.
fn last<T>(mut list: Vec<T>, count: usize) -> Vec<T> {
    let surplus = list.len().saturating_sub(count);
    list.drain(..surplus);
    list
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

/// Puts candles together to longer ones on their grid.
fn together(parts: impl Iterator<Item = Bar>, minutes: u32) -> Vec<Bar> {
    let start = |bar: &Bar| open_of(minutes, bar.time.as_seconds().unwrap_or(0));
    let mut whole: Vec<Bar> = Vec::new();
    for part in parts {
        match whole.last_mut().filter(|last| start(last) == start(&part)) {
            Some(last) => add(last, &part),
            None => whole.push(Bar { time: ServerTime::from_seconds(start(&part)), ..part }),
        }
    }
    whole
}

/// One candle for all of these; `None` without any.
pub(super) fn summed(bars: &[Bar]) -> Option<Bar> {
    let (first, rest) = bars.split_first()?;
    let mut whole = first.clone();
    rest.iter().for_each(|bar| add(&mut whole, bar));
    Some(whole)
}

fn add(whole: &mut Bar, part: &Bar) {
    whole.high_price = whole.high_price.max(part.high_price);
    whole.low_price = whole.low_price.min(part.low_price);
    whole.close_price = part.close_price;
    whole.tick_volume += part.tick_volume;
    whole.volume += part.volume;
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
        let fives = [five(900, 5.0, 6.0), five(1200, 1.0, 2.0), five(1500, 0.5, 4.0)];
        let tens = together(fives.into_iter(), 10);
        assert_eq!(tens.len(), 2);
        assert_eq!((tens[0].time.as_seconds(), tens[0].tick_volume), (Some(600), 3));
        assert_eq!(summed(&tens).unwrap().tick_volume, 9);
        assert_eq!(summed(&[]), None);
        assert_eq!((tens[1].time.as_seconds(), tens[1].tick_volume), (Some(1200), 6));
        assert_eq!(
            [tens[1].open_price, tens[1].low_price, tens[1].high_price, tens[1].close_price]
                .map(f64::to_bits),
            [1.0, 0.5, 4.0, 4.0].map(f64::to_bits)
        );
    }

    #[test]
    fn candles_count_by_their_opening_and_are_whole() {
        let span = |frame, span| parts_span(frame, period_of(frame).unwrap(), span);
        assert_eq!(span(TimeFrame::M5, (1, 301)), (1, 301), "the server's own");
        assert_eq!(span(TimeFrame::M20, (0, 1200)), (0, 2399));
        assert_eq!(span(TimeFrame::M20, (1, 1199)), (1200, 1199), "none opens in it");
        assert_eq!(span(TimeFrame::H8, (100, 30_000)), (28_800, 57_599));
        for frame in TimeFrame::ALL {
            let period = period_of(frame).unwrap();
            assert!(frame.minutes().is_multiple_of(period.minutes), "{}", frame.name());
        }
    }
}
