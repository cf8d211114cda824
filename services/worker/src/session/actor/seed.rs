//! The beginnings of running candles, asked of the server.

use link::{Link, LinkError};
use model::grid::open_of;
use wire::records::{Bar, BarsRequest, Period};
use wire::{Bare, Payload, code, requests};

use super::{Actor, Waiting};
use crate::session::candles::Which;

/// Bars are asked for up to here: the server's clock may be ahead of ours, in seconds.
const AHEAD_S: i64 = 24 * 3600;
/// Requests for one candle: none is made of more than twelve bars.
const REQUESTS_MAX: u32 = 40;

/// What is known of the beginning of a candle. A server may answer the newest of its bars only: then the older ones are
/// asked for, and afterwards the newest again, which has gone on meanwhile.
#[derive(Debug)]
pub(super) struct Seed {
    /// From where on bars are missing or have not ended, seconds of the server clock.
    from_s: i32,
    /// Up to where there may be any, seconds of the server clock.
    ahead_s: i32,
    /// Bars before that, in rising time.
    known: Vec<Bar>,
    /// While there is a hole before them: bars that have ended, and when the one opened that has not.
    beyond: Option<(Vec<Bar>, i32)>,
    /// From where to where it was asked last, seconds of the server clock.
    asked: (i32, i32),
    requests: u32,
}

impl Seed {
    fn new(open_s: i32, ahead_s: i32) -> Self {
        let asked = (open_s, ahead_s);
        Self { from_s: open_s, ahead_s, known: Vec::new(), beyond: None, asked, requests: 1 }
    }

    /// Takes an answer over. Answers the bars of the candle when they are all there, the last one as it is now.
    fn take(&mut self, mut bars: Vec<Bar>) -> Option<Vec<Bar>> {
        bars.retain(|bar| (self.asked.0..=self.asked.1).contains(&bar.time));
        bars.sort_by_key(|bar| bar.time);
        bars.dedup_by_key(|bar| bar.time);
        let hole_to_s = bars.first().map(|bar| bar.time - 1).filter(|to_s| *to_s >= self.from_s);
        let is_over = self.requests >= REQUESTS_MAX;
        self.requests += 1;
        match (self.beyond.take(), hole_to_s) {
            (None, None) => return Some(self.with(bars)),
            (Some((ended, _)), _) if is_over => return Some(self.with([bars, ended].concat())),
            (None, Some(_)) if is_over => return Some(self.with(bars)),
            (None, Some(to_s)) => {
                let newest_s = bars.pop().map_or(self.from_s, |bar| bar.time);
                self.beyond = Some((bars, newest_s));
                self.asked = (self.from_s, to_s);
            }
            (Some((ended, newest_s)), Some(to_s)) => {
                self.beyond = Some(([bars, ended].concat(), newest_s));
                self.asked = (self.from_s, to_s);
            }
            (Some((ended, newest_s)), None) => {
                self.known.extend(bars.into_iter().chain(ended));
                self.from_s = newest_s;
                self.asked = (newest_s, self.ahead_s);
            }
        }
        None
    }

    fn with(&mut self, bars: Vec<Bar>) -> Vec<Bar> {
        self.known.extend(bars);
        std::mem::take(&mut self.known)
    }
}

impl Actor {
    /// Asks for the beginnings of running candles.
    pub(super) fn ask_for_candles(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &self.state else { return Ok(()) };
        let now_s = state.now().seconds();
        for which in state.candles.unseeded() {
            let is_asked =
                |waiting: &Waiting| matches!(waiting, Waiting::Candle(asked, _) if *asked == which);
            if self.waiting.values().any(is_asked) {
                continue;
            }
            let seed = Seed::new(seconds(open_of(which.1.minutes(), now_s)), seconds(now_s + AHEAD_S));
            self.ask_for_seed(which, seed, link)?;
        }
        Ok(())
    }

    fn ask_for_seed(&mut self, which: Which, seed: Seed, link: &mut Link) -> Result<(), LinkError> {
        let Some(state) = &self.state else { return Ok(()) };
        let symbol = state.catalogue.by_id(which.0);
        let Some((symbol, period)) = symbol.zip(Period::for_minutes(which.1.minutes())) else {
            return Ok(());
        };
        let (from, to) = seed.asked;
        let ask = BarsRequest { symbol: symbol.name.to_string(), period: period.code, from, to };
        let id = link.submit::<requests::Bars>(&ask)?;
        self.waiting.insert(id, Waiting::Candle(which, seed));
        Ok(())
    }

    /// Part of the beginning of a running candle has come, or there is none.
    pub(super) fn on_seed(
        &mut self,
        which: Which,
        mut seed: Seed,
        code: u8,
        body: &[u8],
        link: &mut Link,
    ) -> Result<(), wire::DecodeError> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let bars = if code == code::SUCCESS { Bare::<Bar>::from_bytes(body)?.0 } else { Vec::new() };
        let Some(mut bars) = seed.take(bars) else {
            // A link that is full of calls is asked again at the next event.
            self.changed |= self.ask_for_seed(which, seed, link).is_err();
            return Ok(());
        };
        if let Some(end_s) = state.bars_end_s() {
            bars.retain(|bar| i64::from(bar.time) <= end_s);
        }
        let digits = state.catalogue.by_id(which.0).map_or(0, |symbol| symbol.digits);
        let last_ms = state.quotes.tick(which.0).map_or(0, |tick| tick.time_ms);
        state.candles.seed(which, &bars, digits, last_ms);
        Ok(())
    }
}

fn seconds(time_s: i64) -> i32 {
    i32::try_from(time_s).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(time: i32, tick_volume: u32) -> Bar {
        Bar { time, open: 1.0, high: 1.0, low: 1.0, close: 1.0, tick_volume, real_volume: 0.0 }
    }

    #[test]
    fn all_bars_of_a_candle_come_and_the_last_one_as_it_is_now() {
        // Twelve minutes, of which some had no ticks; the last one goes on with every request, and then another begins.
        for minutes in [&[0, 1, 2, 3, 4, 5, 6, 7][..], &[2, 3, 5], &[5], &[0], &[]] {
            for most in [1, 2, 3, 100] {
                let mut seed = Seed::new(0, 10_000);
                let mut requests = 0;
                let bars = loop {
                    requests += 1;
                    let mut all: Vec<Bar> = minutes.iter().map(|minute| bar(minute * 60, 1)).collect();
                    if let Some(last) = all.last_mut() {
                        last.tick_volume += requests.min(4);
                    }
                    if requests > 4 && !minutes.is_empty() {
                        all.push(bar(480, requests));
                    }
                    all.retain(|bar| (seed.asked.0..=seed.asked.1).contains(&bar.time));
                    let answer = all.split_off(all.len().saturating_sub(most));
                    if let Some(bars) = seed.take(answer) {
                        break bars;
                    }
                };
                let ticks: u32 = bars.iter().map(|bar| bar.tick_volume).sum();
                let ended = u32::try_from(minutes.len()).unwrap();
                let running = if minutes.is_empty() { 0 } else { requests };
                let expected = if requests > 4 { ended + 4 + running } else { ended + running };
                assert_eq!(ticks, expected, "{minutes:?} by {most}, {requests} requests");
                assert!(requests <= 20, "{minutes:?} by {most}");
            }
        }
    }

    #[test]
    fn a_server_that_never_reaches_the_beginning_is_given_up() {
        let mut seed = Seed::new(0, 100_000);
        let mut requests = 0;
        while seed.take(vec![bar(seed.asked.1, 1)]).is_none() {
            requests += 1;
        }
        assert!(requests < REQUESTS_MAX);
    }
}
