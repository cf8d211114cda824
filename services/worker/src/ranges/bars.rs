//! The bars of a range.

use error::Error;
use model::grid::{next_open, open_of};
use wire::MAX_MESSAGE;
use wire::records::Bar;

use super::{BARS_MAX, Cut, REQUESTS_MAX, too_many_bars};

/// Bars that a request asks for where nothing else is known: a little more than gateways are known to answer.
const WINDOW_BARS: i64 = 20_000;
/// The most after windows without any: what one message holds.
const WINDOW_BARS_MAX: i64 = (MAX_MESSAGE / 56) as i64;
const MINUTE_S: i64 = 60;

/// A span of time in seconds of the server clock, both ends included.
type Span = (i64, i64);

/// Asks for the bars of a range, the newest first.
#[derive(Debug)]
pub(crate) struct BarsAsking {
    minutes: u32,
    /// What has not been asked for, the newest last.
    open: Vec<Span>,
    /// What was asked for last.
    asked: Span,
    /// How much is asked for at once, in bars, where the last request brought some.
    window: i64,
    /// The same for the next request: it grows while markets were closed.
    next_window: i64,
    requests: u32,
    /// What has come: stretches of rising time that do not overlap.
    stretches: Vec<Vec<Bar>>,
    count: usize,
}

impl BarsAsking {
    /// Begins to ask for bars of this length in minutes.
    pub(crate) fn new(minutes: u32, (from_s, to_s): (i32, i32)) -> Self {
        let range = (i64::from(from_s), i64::from(to_s));
        Self {
            minutes,
            open: if range.0 <= range.1 { vec![range] } else { Vec::new() },
            asked: range,
            window: WINDOW_BARS,
            next_window: WINDOW_BARS,
            requests: 0,
            stretches: Vec::new(),
            count: 0,
        }
    }

    /// Asks for about so many seconds at once, if that is less than usual.
    pub(crate) fn in_steps_of(mut self, span_s: i64) -> Self {
        let bars = span_s / (i64::from(self.minutes.max(1)) * MINUTE_S) + 1;
        self.window = bars.clamp(1, WINDOW_BARS);
        self.next_window = self.window;
        self
    }

    /// What to ask for next, in seconds of the server clock; none when all of it has come.
    ///
    /// # Errors
    /// Too many requests.
    pub(crate) fn next(&mut self) -> Result<Option<(i32, i32)>, Error> {
        let Some((from_s, to_s)) = self.open.pop() else { return Ok(None) };
        if self.requests >= REQUESTS_MAX {
            return Err(Cut::Requests.error());
        }
        self.requests += 1;
        let window_s = self.next_window.saturating_mul(i64::from(self.minutes) * MINUTE_S);
        // On the grid, so that no bar is between two windows.
        let first_s = open_of(self.minutes, to_s.saturating_sub(window_s)).max(from_s);
        if first_s > from_s {
            self.open.push((from_s, first_s - 1));
        }
        self.asked = (first_s, to_s);
        let seconds = |time_s: i64| i32::try_from(time_s).unwrap_or(i32::MAX);
        Ok(Some((seconds(first_s), seconds(to_s))))
    }

    /// How many bars the last request brings at most, as far as servers are known to answer.
    pub(crate) fn expected(&self) -> usize {
        let (from_s, to_s) = self.asked;
        let span = (to_s - from_s) / (i64::from(self.minutes.max(1)) * MINUTE_S) + 1;
        usize::try_from(span.clamp(0, WINDOW_BARS)).unwrap_or(0)
    }

    /// How many bars are held.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Takes the answer over. What lies outside of what was asked for is no part of it.
    ///
    /// # Errors
    /// More bars than are held.
    pub(crate) fn take(&mut self, mut bars: Vec<Bar>) -> Result<(), Error> {
        let (from_s, to_s) = self.asked;
        bars.retain(|bar| (from_s..=to_s).contains(&i64::from(bar.time)));
        bars.sort_by_key(|bar| bar.time);
        bars.dedup_by_key(|bar| bar.time);
        let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
            self.next_window = self.next_window.saturating_mul(2).min(WINDOW_BARS_MAX);
            return Ok(());
        };
        let (first_s, last_s) = (i64::from(first.time), i64::from(last.time));
        self.next_window = self.window;
        self.count += bars.len();
        if self.count > BARS_MAX {
            return Err(too_many_bars());
        }
        // A server may have cut at either end.
        if self.first_open_from(from_s) < first_s {
            self.open.push((from_s, first_s - 1));
        }
        let next_s = next_open(self.minutes, last_s);
        if next_s <= to_s {
            self.open.push((next_s, to_s));
        }
        bars.shrink_to_fit();
        self.stretches.push(bars);
        Ok(())
    }

    fn first_open_from(&self, time_s: i64) -> i64 {
        let open_s = open_of(self.minutes, time_s);
        if open_s == time_s { open_s } else { next_open(self.minutes, time_s) }
    }

    /// Whether nothing is missing that is younger than the oldest bar.
    pub(crate) fn is_whole_from_the_end(&self) -> bool {
        let oldest_s = self.stretches.iter().filter_map(|bars| bars.first()).map(|bar| bar.time).min();
        oldest_s.is_some_and(|oldest_s| self.open.iter().all(|(_, to_s)| *to_s < i64::from(oldest_s)))
    }

    /// How many candles of this length the bars belong to.
    pub(crate) fn opens(&self, minutes: u32) -> usize {
        let mut stretches: Vec<&Vec<Bar>> = self.stretches.iter().collect();
        stretches.sort_by_key(|bars| bars.first().map(|bar| bar.time));
        let mut opens: Vec<i64> =
            stretches.into_iter().flatten().map(|bar| open_of(minutes, bar.time.into())).collect();
        opens.dedup();
        opens.len()
    }

    /// What has come, in rising time.
    pub(crate) fn finish(mut self) -> Vec<Bar> {
        self.stretches.sort_by_key(|bars| bars.first().map(|bar| bar.time));
        if self.stretches.len() == 1 {
            return self.stretches.remove(0);
        }
        // Each stretch is freed once it was taken over.
        let mut all = Vec::with_capacity(self.count);
        self.stretches.into_iter().for_each(|stretch| all.extend(stretch));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_S: i32 = 3600;

    fn bar(time: i32) -> Bar {
        Bar { time, open: 1.0, high: 1.0, low: 1.0, close: 1.0, tick_volume: 1, real_volume: 0.0 }
    }

    /// The bars of some hours, but for a weekend in between.
    fn market() -> Vec<Bar> {
        (0..1000).filter(|hour| !(300..348).contains(hour)).map(|hour| bar(hour * HOUR_S)).collect()
    }

    /// What a server answers of a market.
    type Server = fn(&[Bar], i32, i32, u32) -> Vec<Bar>;

    fn within(bars: &[Bar], from: i32, to: i32) -> Vec<Bar> {
        bars.iter().filter(|bar| (from..=to).contains(&bar.time)).cloned().collect()
    }

    fn newest(bars: &[Bar], from: i32, to: i32, most: usize) -> Vec<Bar> {
        let all = within(bars, from, to);
        all[all.len().saturating_sub(most)..].to_vec()
    }

    fn ask(server: Server, (from, to): (i32, i32)) -> Result<(Vec<i32>, u32), Error> {
        let market = market();
        let mut asking = BarsAsking::new(60, (from, to));
        while let Some((from, to)) = asking.next()? {
            let answer = server(&market, from, to, asking.requests);
            asking.take(answer)?;
        }
        let requests = asking.requests;
        Ok((asking.finish().iter().map(|bar| bar.time).collect(), requests))
    }

    #[test]
    fn all_bars_come_from_every_kind_of_server() {
        let servers: [(&str, Server); 8] = [
            ("all at once", |bars, from, to, _| within(bars, from, to)),
            ("the newest seven", |bars, from, to, _| newest(bars, from, to, 7)),
            ("one at a time", |bars, from, to, _| newest(bars, from, to, 1)),
            ("the oldest seven", |bars, from, to, _| within(bars, from, to).into_iter().take(7).collect()),
            ("fewer each time", |bars, from, to, asked| {
                newest(bars, from, to, 400_usize.saturating_sub(90 * asked as usize).max(2))
            }),
            ("overlapping", |bars, from, to, _| {
                let mut answer = newest(bars, from, to, 50);
                answer.extend(within(bars, to.saturating_add(1), to.saturating_add(90 * HOUR_S)));
                answer.extend(within(bars, from.saturating_sub(90 * HOUR_S), from - 1));
                answer
            }),
            ("backwards and twice", |bars, from, to, _| {
                let mut answer = newest(bars, from, to, 50);
                answer.extend(answer.clone());
                answer.reverse();
                answer
            }),
            ("the newest before the closed days", |bars, from, to, _| newest(bars, from, to, 48)),
        ];
        for range in [(0, 999 * HOUR_S), (0, i32::MAX), (10 * HOUR_S + 1, 700 * HOUR_S - 1), (5, 6)] {
            let expected: Vec<i32> = within(&market(), range.0, range.1).iter().map(|bar| bar.time).collect();
            for (name, server) in servers {
                let (times, requests) = ask(server, range).unwrap();
                assert_eq!(times, expected, "{name} {range:?}");
                assert!(requests < 1100, "{name} {range:?}: {requests}");
            }
        }
        let (_, requests) = ask(servers[0].1, (0, 299 * HOUR_S)).unwrap();
        assert_eq!(requests, 1, "an answer that reaches both ends is whole");
    }

    #[test]
    fn the_asking_ends_whatever_is_answered() {
        let nothing: Server = |_, _, _, _| Vec::new();
        assert!(ask(nothing, (0, i32::MAX)).unwrap().1 <= 8);
        let always_the_same: Server = |bars, _, _, _| bars[..100].to_vec();
        assert_eq!(ask(always_the_same, (0, 400 * HOUR_S)).unwrap().0.len(), 100);
        assert!(ask(always_the_same, (200 * HOUR_S, 400 * HOUR_S)).unwrap().0.is_empty());
        // A bar for every second that was asked for last, one at a time.
        let endless: Server = |_, _, to, _| vec![bar(to)];
        assert!(ask(endless, (0, i32::MAX)).is_err());
        let too_many: Server = |_, from, to, _| (from..=to).step_by(60).take(BARS_MAX / 2).map(bar).collect();
        assert!(ask(too_many, (0, i32::MAX)).is_err());
    }
}
