//! Past prices.

use std::collections::BTreeSet;

use calls::history::Range;
use calls::prices::{
    Back, Candles, Day, PriceHistory, PriceHistoryEx, PriceHistoryExMany, PriceHistoryHighLow,
    PriceHistoryMany, PriceHistoryMonth, PriceHistoryMonthMany, PriceHistoryToday, PriceHistoryTodayMany,
};
use calls::reply::{Bar, BarsForSymbol, QuoteHistoryEventArgs};
use calls::{Handle, Names, ServerTime, TimeFrame};
use error::{Code, Error};
use model::calendar::{date_from_days, days_from_date};
use model::grid::open_of;
use model::round_to;
use wire::records::{self, BarsRequest, Period};
use wire::requests;

use super::history::{range_end, seconds};
use super::subscriptions::known_ids;
use crate::backend::Caller;
use crate::session::Session;
use crate::session::state::State;
use crate::translate::finite;

/// Candles in one answer: some 15 MB, as much as a client can be expected to take.
const BARS_MAX: usize = 100_000;
/// Candles are looked for further and further back; markets are closed at most for some days.
const LOOKS_BACK: u32 = 8;
/// What the first look goes back beyond the time that the candles take if the market never closes, in seconds.
const CLOSED_S: i64 = 3 * DAY_S;
const DAY_S: i64 = 86_400;
/// What a month's worth of candles goes back.
const MONTH_DAYS: i64 = 30;
const MINUTE_S: i64 = 60;

/// A range in seconds of the server clock, both ends included.
type Span = (i32, i32);

impl Handle<PriceHistory> for Caller<'_> {
    async fn handle(&self, call: PriceHistory) -> Result<Vec<Bar>, Error> {
        let span = span_of(&call.range)?;
        self.candles(&self.session(&call.id)?, &call.candles, span).await
    }
}

impl Handle<PriceHistoryMany> for Caller<'_> {
    async fn handle(&self, call: PriceHistoryMany) -> Result<Vec<BarsForSymbol>, Error> {
        let span = span_of(&call.range)?;
        let session = self.session(&call.id)?;
        let (mut all, mut room) = (Vec::new(), Room::default());
        for symbol in self.names(&session, call.symbols).await? {
            let bars = match room.check() {
                Ok(()) => self.bars(&session, &symbol, call.time_frame, span).await,
                Err(full) => Err(full),
            };
            all.push(or_exception(&symbol, bars.and_then(|bars| room.take(bars))));
        }
        Ok(all)
    }
}

impl Handle<PriceHistoryHighLow> for Caller<'_> {
    async fn handle(&self, call: PriceHistoryHighLow) -> Result<Bar, Error> {
        let span = span_of(&call.range)?;
        let bars = self.candles(&self.session(&call.id)?, &call.candles, span).await?;
        summed(&bars).ok_or_else(|| Error::new(Code::NotFound, "There are no candles in this range."))
    }
}

impl Handle<PriceHistoryEx> for Caller<'_> {
    async fn handle(&self, call: PriceHistoryEx) -> Result<Vec<Bar>, Error> {
        let session = self.session(&call.id)?;
        self.bars_back(&session, &call.candles.symbol, call.candles.time_frame, &call.back).await
    }
}

impl Handle<PriceHistoryExMany> for Caller<'_> {
    async fn handle(&self, call: PriceHistoryExMany) -> Result<Vec<BarsForSymbol>, Error> {
        check_count(&call.back)?;
        let session = self.session(&call.id)?;
        let (mut all, mut room) = (Vec::new(), Room::default());
        for symbol in self.names(&session, call.symbols).await? {
            let bars = match room.check() {
                Ok(()) => self.bars_back(&session, &symbol, call.time_frame, &call.back).await,
                Err(full) => Err(full),
            };
            all.push(or_exception(&symbol, bars.and_then(|bars| room.take(bars))));
        }
        Ok(all)
    }
}

impl Handle<PriceHistoryMonth> for Caller<'_> {
    async fn handle(&self, call: PriceHistoryMonth) -> Result<Vec<Bar>, Error> {
        let span = month_to(&call.day)?;
        self.candles(&self.session(&call.id)?, &call.candles, span).await
    }
}

impl Handle<PriceHistoryMonthMany> for Caller<'_> {
    async fn handle(&self, call: PriceHistoryMonthMany) -> Result<Vec<QuoteHistoryEventArgs>, Error> {
        let span = month_to(&call.day)?;
        self.candles_of(&self.session(&call.id)?, call.symbols, call.time_frame, span).await
    }
}

impl Handle<PriceHistoryToday> for Caller<'_> {
    async fn handle(&self, call: PriceHistoryToday) -> Result<Vec<Bar>, Error> {
        let session = self.session(&call.id)?;
        let span = self.today(&session).await?;
        self.candles(&session, &call.candles, span).await
    }
}

impl Handle<PriceHistoryTodayMany> for Caller<'_> {
    async fn handle(&self, call: PriceHistoryTodayMany) -> Result<Vec<QuoteHistoryEventArgs>, Error> {
        let session = self.session(&call.id)?;
        let span = self.today(&session).await?;
        self.candles_of(&session, call.symbols, call.time_frame, span).await
    }
}

impl Caller<'_> {
    async fn candles(&self, session: &Session, candles: &Candles, span: Span) -> Result<Vec<Bar>, Error> {
        self.bars(session, &candles.symbol, candles.time_frame, span).await
    }

    /// The candles of several symbols; an unknown one fails them all, before anything is asked.
    async fn candles_of(
        &self,
        session: &Session,
        symbols: Names,
        frame: TimeFrame,
        span: Span,
    ) -> Result<Vec<QuoteHistoryEventArgs>, Error> {
        let known = symbols.clone();
        session.visit(self.deadline, move |state| known_ids(state, &known)).await??;
        let (mut all, mut room) = (Vec::new(), Room::default());
        for symbol in self.names(session, symbols).await? {
            let bars = room.take(self.bars(session, &symbol, frame, span).await?)?;
            all.push(QuoteHistoryEventArgs { symbol, bars });
        }
        Ok(all)
    }

    /// The names that a list means, each once.
    async fn names(&self, session: &Session, symbols: Names) -> Result<Vec<String>, Error> {
        let names = move |state: &mut State| {
            let named = symbols.resolve(|name| state.catalogue.named(name).is_some());
            let mut seen = BTreeSet::new();
            let each = named.into_iter().filter(|name| seen.insert(*name));
            each.map(str::to_owned).collect::<Vec<String>>()
        };
        session.visit(self.deadline, names).await
    }

    /// The candles of a symbol.
    pub(super) async fn bars(
        &self,
        session: &Session,
        symbol: &str,
        frame: TimeFrame,
        (from, to): Span,
    ) -> Result<Vec<Bar>, Error> {
        let name = symbol.to_owned();
        let known = session.visit(self.deadline, move |state| state.catalogue.named(&name).cloned()).await?;
        let known = known.ok_or_else(|| Error::invalid_symbol(symbol))?;
        let bars = self.parts(session, &known.name, frame, (from, to)).await?;
        if bars.len() > BARS_MAX {
            let given = format!("{from} to {to}");
            return Err(Error::invalid_param(
                "to",
                &given,
                &format!("a range of at most {BARS_MAX} candles"),
            ));
        }
        Ok(shown(&bars, frame, known.digits))
    }

    /// The server's own bars that candles are made of.
    async fn parts(
        &self,
        session: &Session,
        symbol: &str,
        frame: TimeFrame,
        (from, to): Span,
    ) -> Result<Vec<records::Bar>, Error> {
        let period = period_of(frame)?.code;
        let ask = BarsRequest { symbol: symbol.to_owned(), period, from, to };
        Ok(session.request::<requests::Bars>(self.deadline, &ask).await?.0)
    }

    /// The last candles up to a moment: looked for further back until there are enough.
    async fn bars_back(
        &self,
        session: &Session,
        symbol: &str,
        frame: TimeFrame,
        back: &Back,
    ) -> Result<Vec<Bar>, Error> {
        let count = check_count(back)?;
        let name = symbol.to_owned();
        let known = session.visit(self.deadline, move |state| state.catalogue.named(&name).cloned()).await?;
        let known = known.ok_or_else(|| Error::invalid_symbol(symbol))?;
        let mut to = range_end(back.from);
        let mut reach_s = i64::from(back.bars) * i64::from(frame.minutes()) * MINUTE_S + CLOSED_S;
        let mut parts: Vec<records::Bar> = Vec::new();
        let mut bars = Vec::new();
        for _ in 0..LOOKS_BACK {
            // On the grid, so that no candle is cut in two between looks.
            let reached = open_of(frame.minutes(), i64::from(to) - reach_s);
            let from = i32::try_from(reached).unwrap_or(0).max(0);
            let mut earlier = self.parts(session, &known.name, frame, (from, to)).await?;
            earlier.append(&mut parts);
            parts = earlier;
            bars = shown(&parts, frame, known.digits);
            if bars.len() >= count || from == 0 {
                break;
            }
            to = from - 1;
            reach_s = reach_s.saturating_mul(2);
        }
        let surplus = bars.len().saturating_sub(count);
        bars.drain(..surplus);
        Ok(bars)
    }

    /// From the server's last midnight until now.
    async fn today(&self, session: &Session) -> Result<Span, Error> {
        let now_s = session.visit(self.deadline, |state| state.now().seconds()).await?;
        let midnight_s = now_s - now_s.rem_euclid(DAY_S);
        let clamp = |time: i64| i32::try_from(time).unwrap_or(i32::MAX);
        Ok((clamp(midnight_s), clamp(midnight_s + DAY_S - 1)))
    }
}

/// How many candles an answer of several symbols may still take: together as many as one symbol's alone.
struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(BARS_MAX)
    }
}

impl Room {
    /// Whether there is any.
    fn check(&self) -> Result<(), Error> {
        if self.0 > 0 { Ok(()) } else { Err(Self::full()) }
    }

    fn take(&mut self, bars: Vec<Bar>) -> Result<Vec<Bar>, Error> {
        let Some(left) = self.0.checked_sub(bars.len()) else {
            self.0 = 0;
            return Err(Self::full());
        };
        self.0 = left;
        Ok(bars)
    }

    fn full() -> Error {
        let told =
            format!("One answer holds {BARS_MAX} candles at most. Ask for fewer symbols or a shorter range.");
        Error::new(Code::InvalidParam, told)
    }
}

fn span_of(range: &Range) -> Result<Span, Error> {
    let (from, to) = (seconds(range.from), range_end(range.to));
    if to < from {
        return Err(Error::invalid_param("to", &range.to.to_string(), "a date that is not before from"));
    }
    Ok((from, to))
}

/// The 30 days up to a day, the day included.
fn month_to(day: &Day) -> Result<Span, Error> {
    let (year, month, date) = (i64::from(day.year), i64::from(day.month), i64::from(day.day));
    let last = days_from_date(year, month, date);
    // The calendar counts days that do not exist into the next month.
    if !(1970..=2037).contains(&year) || date_from_days(last) != (year, month, date) {
        let given = format!("{year}-{month}-{date}");
        return Err(Error::invalid_param("day", &given, "a day of the calendar from 1970 to 2037"));
    }
    let clamp = |time: i64| i32::try_from(time.max(0)).unwrap_or(i32::MAX);
    Ok((clamp((last + 1 - MONTH_DAYS) * DAY_S), clamp((last + 1) * DAY_S - 1)))
}

fn check_count(back: &Back) -> Result<usize, Error> {
    let count = usize::try_from(back.bars).unwrap_or(usize::MAX);
    if count > BARS_MAX {
        let accepts = format!("a number of at most {BARS_MAX}");
        return Err(Error::invalid_param("numBars", &back.bars.to_string(), &accepts));
    }
    Ok(count)
}

/// The server's bars that candles of this length are made of: its own, or shorter ones.
fn period_of(frame: TimeFrame) -> Result<Period, Error> {
    let minutes = frame.minutes();
    Period::for_minutes(minutes).ok_or_else(|| Error::internal(format!("no period for {minutes} minutes")))
}

/// Candles as the contract has them.
fn shown(parts: &[records::Bar], frame: TimeFrame, digits: u32) -> Vec<Bar> {
    let bars = parts.iter().map(|record| bar(record, digits)).collect();
    let is_whole =
        Period::for_minutes(frame.minutes()).is_some_and(|period| period.minutes == frame.minutes());
    if is_whole { bars } else { together(bars, frame.minutes()) }
}

fn or_exception(symbol: &str, bars: Result<Vec<Bar>, Error>) -> BarsForSymbol {
    let (bars, exception) = match bars {
        Ok(bars) => (bars, None),
        Err(failure) => (Vec::new(), Some(failure.to_string())),
    };
    BarsForSymbol { symbol: symbol.to_owned(), bars, exception }
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
fn together(parts: Vec<Bar>, minutes: u32) -> Vec<Bar> {
    let start = |bar: &Bar| open_of(minutes, bar.time.as_seconds().unwrap_or(0));
    let mut whole: Vec<Bar> = Vec::with_capacity(parts.len() / 2 + 1);
    for part in parts {
        match whole.last_mut().filter(|last| start(last) == start(&part)) {
            Some(last) => add(last, &part),
            None => whole.push(Bar { time: ServerTime::from_seconds(start(&part)), ..part }),
        }
    }
    whole
}

/// One candle for all of these; `None` without any.
fn summed(bars: &[Bar]) -> Option<Bar> {
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
        let tens = together(vec![five(900, 5.0, 6.0), five(1200, 1.0, 2.0), five(1500, 0.5, 4.0)], 10);
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
    fn a_month_goes_up_to_a_day_that_exists() {
        let day = |year, month, day| month_to(&Day { year, month, day });
        // 2024-03-01 00:00 to the end of 2024-03-30.
        assert_eq!(day(2024, 3, 30).unwrap(), (1_709_251_200, 1_711_843_199));
        for (year, month, date) in
            [(2023, 2, 29), (2024, 13, 1), (2024, 0, 1), (2024, 1, 0), (1969, 1, 1), (9999, 1, 1)]
        {
            assert!(day(year, month, date).is_err(), "{year}-{month}-{date}");
        }
    }

    #[test]
    fn symbols_share_the_room_of_an_answer() {
        let bar = || Bar {
            time: ServerTime::NULL,
            open_price: 1.0,
            high_price: 1.0,
            low_price: 1.0,
            close_price: 1.0,
            tick_volume: 1,
            spread: 0,
            volume: 0,
        };
        let mut room = Room::default();
        assert!(room.take(vec![bar(); BARS_MAX - 1]).is_ok() && room.check().is_ok());
        assert!(room.take(vec![bar(); 2]).is_err());
        assert!(room.check().is_err(), "nothing more is asked for");
    }
}
