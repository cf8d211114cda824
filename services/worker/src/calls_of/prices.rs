//! Past prices.

use std::collections::BTreeSet;

use calls::history::Range;
use calls::prices::{
    Back, Candles, Day, PriceHistory, PriceHistoryEx, PriceHistoryExMany, PriceHistoryHighLow,
    PriceHistoryMany, PriceHistoryMonth, PriceHistoryMonthMany, PriceHistoryToday, PriceHistoryTodayMany,
};
use calls::reply::{Bar, BarsForSymbol, QuoteHistoryEventArgs, Series};
use calls::{Handle, Names, TimeFrame};
use error::{Code, Error};
use model::calendar::{date_from_days, days_from_date};

use super::candles::{Span, summed};
use super::history::{range_end, seconds};
use super::subscriptions::known_ids;
use crate::backend::{About, Caller};
use crate::ranges::{BARS_MAX, too_many_bars};
use crate::session::Session;
use crate::session::state::State;

const DAY_S: i64 = 86_400;
/// What a month's worth of candles goes back.
const MONTH_DAYS: i64 = 30;

impl Handle<PriceHistory> for Caller<'_> {
    async fn handle(&self, call: PriceHistory, session: About<PriceHistory>) -> Result<Series<Bar>, Error> {
        let span = span_of(&call.range);
        self.series(&session, &call.candles, span).await
    }
}

impl Handle<PriceHistoryMany> for Caller<'_> {
    async fn handle(
        &self,
        call: PriceHistoryMany,
        session: About<PriceHistoryMany>,
    ) -> Result<Vec<BarsForSymbol>, Error> {
        let span = span_of(&call.range);
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
    async fn handle(
        &self,
        call: PriceHistoryHighLow,
        session: About<PriceHistoryHighLow>,
    ) -> Result<Bar, Error> {
        let span = span_of(&call.range);
        let Candles { symbol, time_frame } = &call.candles;
        let bars = self.bars(&session, symbol, *time_frame, span).await?;
        summed(&bars).ok_or_else(|| Error::new(Code::NotFound, "There are no candles in this range."))
    }
}

impl Handle<PriceHistoryEx> for Caller<'_> {
    async fn handle(
        &self,
        call: PriceHistoryEx,
        session: About<PriceHistoryEx>,
    ) -> Result<Series<Bar>, Error> {
        let Candles { symbol, time_frame } = &call.candles;
        let parts = self.parts_back(&session, symbol, *time_frame, &call.back).await?;
        self.series_of(parts, usize::try_from(call.back.bars).unwrap_or(usize::MAX)).await
    }
}

impl Handle<PriceHistoryExMany> for Caller<'_> {
    async fn handle(
        &self,
        call: PriceHistoryExMany,
        session: About<PriceHistoryExMany>,
    ) -> Result<Vec<BarsForSymbol>, Error> {
        check_count(&call.back)?;
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
    async fn handle(
        &self,
        call: PriceHistoryMonth,
        session: About<PriceHistoryMonth>,
    ) -> Result<Series<Bar>, Error> {
        let span = month_to(&call.day)?;
        self.series(&session, &call.candles, span).await
    }
}

impl Handle<PriceHistoryMonthMany> for Caller<'_> {
    async fn handle(
        &self,
        call: PriceHistoryMonthMany,
        session: About<PriceHistoryMonthMany>,
    ) -> Result<Vec<QuoteHistoryEventArgs>, Error> {
        let span = month_to(&call.day)?;
        self.candles_of(&session, call.symbols, call.time_frame, span).await
    }
}

impl Handle<PriceHistoryToday> for Caller<'_> {
    async fn handle(
        &self,
        call: PriceHistoryToday,
        session: About<PriceHistoryToday>,
    ) -> Result<Series<Bar>, Error> {
        let span = self.today(&session).await?;
        self.series(&session, &call.candles, span).await
    }
}

impl Handle<PriceHistoryTodayMany> for Caller<'_> {
    async fn handle(
        &self,
        call: PriceHistoryTodayMany,
        session: About<PriceHistoryTodayMany>,
    ) -> Result<Vec<QuoteHistoryEventArgs>, Error> {
        let span = self.today(&session).await?;
        self.candles_of(&session, call.symbols, call.time_frame, span).await
    }
}

impl Caller<'_> {
    async fn series(&self, session: &Session, candles: &Candles, span: Span) -> Result<Series<Bar>, Error> {
        let parts = self.parts(session, &candles.symbol, candles.time_frame, span).await?;
        self.series_of(parts, usize::MAX).await
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
        if self.0 > 0 { Ok(()) } else { Err(too_many_bars()) }
    }

    fn take(&mut self, bars: Vec<Bar>) -> Result<Vec<Bar>, Error> {
        let Some(left) = self.0.checked_sub(bars.len()) else {
            self.0 = 0;
            return Err(too_many_bars());
        };
        self.0 = left;
        Ok(bars)
    }
}

fn span_of(range: &Range) -> Span {
    (seconds(range.from), range_end(range.to))
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

pub(super) fn check_count(back: &Back) -> Result<usize, Error> {
    let count = usize::try_from(back.bars).unwrap_or(usize::MAX);
    if count > BARS_MAX {
        let accepts = format!("a number of at most {BARS_MAX}");
        return Err(Error::invalid_param("numBars", &back.bars.to_string(), &accepts));
    }
    Ok(count)
}

fn or_exception(symbol: &str, bars: Result<Vec<Bar>, Error>) -> BarsForSymbol {
    let (bars, exception) = match bars {
        Ok(bars) => (bars, None),
        Err(failure) => (Vec::new(), Some(failure.to_string())),
    };
    BarsForSymbol { symbol: symbol.to_owned(), bars, exception }
}

#[cfg(test)]
mod tests {
    use calls::ServerTime;

    use super::*;

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
