//! Running candles of a session: begun from the server's bar, kept up by ticks.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::reply::OhlcSubscription;
use calls::{ServerTime, TimeFrame};
use model::Price;
use model::grid::open_of;
use tokio::time::Instant;
use wire::records;

use super::paced::Paced;

/// Which candle: symbol and length.
pub(crate) type Which = (u32, TimeFrame);

/// A candle while it runs. Times are seconds and milliseconds of the server clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candle {
    open_s: i64,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    ticks: u64,
    /// Exchange volume in lots.
    volume: u64,
    last_ms: i64,
}

impl Candle {
    const fn first(open_s: i64, price: Price, time_ms: i64) -> Self {
        Self {
            open_s,
            open: price,
            high: price,
            low: price,
            close: price,
            ticks: 1,
            volume: 0,
            last_ms: time_ms,
        }
    }

    fn add(&mut self, price: Price, time_ms: i64) {
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
        self.ticks += 1;
        self.last_ms = time_ms;
    }

    /// As the contract shows it.
    pub(crate) fn show(&self, symbol: &str, frame: TimeFrame) -> OhlcSubscription {
        OhlcSubscription {
            symbol: symbol.to_owned(),
            timeframe: i32::try_from(frame.minutes()).unwrap_or(i32::MAX),
            open: self.open.to_f64(),
            high: self.high.to_f64(),
            low: self.low.to_f64(),
            close: self.close.to_f64(),
            time: ServerTime::from_seconds(self.open_s),
            volume: self.volume,
            tick_volume: self.ticks,
            last_quote_time: ServerTime::from_ms(self.last_ms),
        }
    }

    /// Names it among all candles: each is told to its end, however slow the reader.
    pub(crate) fn key(&self, symbol: &str, frame: TimeFrame) -> String {
        format!("{symbol},{frame},{}", self.open_s)
    }
}

/// Candles that have ended, and wait to be told: more than end at once on the largest servers known.
const ENDED_MAX: usize = 16_384;

#[derive(Debug, Default)]
struct Running {
    candle: Option<Candle>,
    /// Whether the part before our first tick is in it.
    is_seeded: bool,
}

/// The candles that clients want.
#[derive(Debug, Default)]
pub(crate) struct Candles {
    wanted: Paced<Which>,
    running: BTreeMap<Which, Running>,
    /// Candles that have ended and are not told yet.
    ended: Vec<(Which, Candle)>,
}

impl Candles {
    /// Begins events of a candle. Returns `false` if there are too many.
    pub(crate) fn subscribe(&mut self, which: Which, interval: Duration) -> bool {
        let is_there = self.running.get(&which).is_some_and(|running| running.is_seeded);
        let begun = self.wanted.begin(which, interval, is_there);
        if begun {
            self.running.entry(which).or_default();
        }
        begun
    }

    /// Ends events of a candle.
    pub(crate) fn unsubscribe(&mut self, which: Which) {
        self.wanted.end(which);
        self.running.remove(&which);
    }

    /// Counts changes of what is wanted.
    pub(crate) const fn version(&self) -> u64 {
        self.wanted.version()
    }

    /// The candles that are wanted, and the least time between two events of each.
    pub(crate) fn intervals(&self) -> impl Iterator<Item = (Which, Duration)> {
        self.wanted.intervals()
    }

    /// The candles that are wanted.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = Which> {
        self.wanted.keys()
    }

    /// Whether a symbol has any: most have none, and ticks are many.
    pub(crate) fn wants(&self, id: u32) -> bool {
        let [first, .., last] = TimeFrame::ALL;
        self.running.range((id, first)..=(id, last)).next().is_some()
    }

    /// Prices were missed: all candles are begun anew.
    pub(crate) fn forget(&mut self) {
        self.running.values_mut().for_each(|running| *running = Running::default());
        self.ended.clear();
    }

    /// The clock was set back: candles of a symbol are begun anew, in an hour that has had some already.
    pub(crate) fn forget_symbol(&mut self, id: u32) {
        let [first, .., last] = TimeFrame::ALL;
        self.running
            .range_mut((id, first)..=(id, last))
            .for_each(|(_, running)| *running = Running::default());
    }

    /// Symbol ids have changed.
    pub(crate) fn renumber(&mut self, new_id: impl Fn(u32) -> Option<u32>) {
        self.forget();
        self.wanted.rename(|(id, frame)| Some((new_id(id)?, frame)));
        self.running = self.wanted.keys().map(|which| (which, Running::default())).collect();
    }

    /// Candles whose beginning must be asked for.
    pub(crate) fn unseeded(&self) -> Vec<Which> {
        self.running.iter().filter(|(_, running)| !running.is_seeded).map(|(which, _)| *which).collect()
    }

    /// Takes over the server's bars of late: the last one is the present candle's beginning; `last_ms` is
    /// the time of the symbol's last tick, zero if there was none. Without bars the candle
    /// begins with its first tick.
    pub(crate) fn seed(&mut self, which: Which, bars: &[records::Bar], digits: u32, last_ms: i64) {
        let Some(running) = self.running.get_mut(&which) else { return };
        running.is_seeded = true;
        self.wanted.touch(which);
        let Some(candle) = together(which.1, bars, digits) else { return };
        // Our ticks, if there are some, are in the server's bar.
        if running.candle.is_none_or(|ours| ours.open_s <= candle.open_s) {
            let last_ms = running.candle.map_or(last_ms, |ours| ours.last_ms).max(candle.last_ms);
            // Its minutes to come are in it too, in an hour that comes again: the present price is that of our tick.
            let ours = running.candle.filter(|ours| ours.open_s == candle.open_s);
            let close = ours.map_or(candle.close, |ours| ours.close);
            running.candle = Some(Candle { last_ms, close, ..candle });
        }
    }

    /// Adds a tick to the candles of its symbol.
    pub(crate) fn on_tick(&mut self, id: u32, price: Price, time_ms: i64) {
        let frames =
            self.running.range_mut((id, TimeFrame::ALL[0])..=(id, TimeFrame::ALL[TimeFrame::ALL.len() - 1]));
        for (which, running) in frames {
            let open_s = open_of(which.1.minutes(), time_ms.div_euclid(1000));
            match &mut running.candle {
                Some(candle) if candle.open_s == open_s => candle.add(price, time_ms),
                // Late: the running candle is right.
                Some(candle) if candle.open_s > open_s => continue,
                ended => {
                    let before = ended.replace(Candle::first(open_s, price, time_ms));
                    // One whose beginning is not known is not told.
                    if let Some(candle) = before.filter(|_| running.is_seeded)
                        && self.ended.len() < ENDED_MAX
                    {
                        self.ended.push((*which, candle));
                    }
                }
            }
            if running.is_seeded {
                self.wanted.touch(*which);
            }
        }
    }

    /// What must be told now: candles that have ended, then those that have changed.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<(Which, Candle)> {
        let mut due = std::mem::take(&mut self.ended);
        for which in self.wanted.take_due(now) {
            if let Some(candle) = self.running.get(&which).and_then(|running| running.candle) {
                due.push((which, candle));
            }
        }
        due
    }

    /// When the next candle may be told.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.wanted.next_due()
    }
}

/// The last candle of this length in bars of the same or a shorter one.
fn together(frame: TimeFrame, bars: &[records::Bar], digits: u32) -> Option<Candle> {
    let price = |value| Price::from_f64(value, digits).unwrap_or_default();
    let start = |bar: &records::Bar| open_of(frame.minutes(), bar.time.into());
    let open_s = start(bars.last()?);
    let mut parts = bars.iter().filter(|bar| start(bar) == open_s);
    let candle_of = |bar: &records::Bar| Candle {
        open_s,
        open: price(bar.open),
        high: price(bar.high),
        low: price(bar.low),
        close: price(bar.close),
        ticks: bar.tick_volume.into(),
        volume: crate::translate::finite(bar.real_volume).max(0.0) as u64,
        last_ms: i64::from(bar.time) * 1000,
    };
    let first = candle_of(parts.next()?);
    Some(parts.map(candle_of).fold(first, |whole, part| Candle {
        high: whole.high.max(part.high),
        low: whole.low.min(part.low),
        close: part.close,
        ticks: whole.ticks + part.ticks,
        volume: whole.volume + part.volume,
        last_ms: part.last_ms,
        ..whole
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const M5: Which = (1, TimeFrame::M5);

    fn price(points: i64) -> Price {
        Price::from_points(points, 5)
    }

    fn bar(time: i32, points: [f64; 4], tick_volume: u32) -> records::Bar {
        let [open, high, low, close] = points.map(|points| points / 100_000.0);
        records::Bar { time, open, high, low, close, tick_volume, real_volume: 0.0 }
    }

    fn told(candles: &mut Candles) -> Vec<(i64, [i64; 4], u64)> {
        let due = candles.take_due(Instant::now());
        let points =
            |candle: &Candle| [candle.open, candle.high, candle.low, candle.close].map(|one| one.points(5));
        due.iter().map(|(_, candle)| (candle.open_s, points(candle), candle.ticks)).collect()
    }

    #[test]
    fn a_candle_begins_with_the_servers_bar_and_goes_on_with_ticks() {
        let mut candles = Candles::default();
        candles.subscribe(M5, Duration::ZERO);
        assert_eq!(candles.unseeded(), [M5]);
        candles.on_tick(1, price(6), 600_000);
        assert!(told(&mut candles).is_empty(), "its beginning is not known yet");
        candles.seed(M5, &[bar(300, [1.0, 9.0, 1.0, 5.0], 7), bar(600, [5.0, 8.0, 4.0, 6.0], 3)], 5, 0);
        assert!(candles.unseeded().is_empty());
        candles.on_tick(1, price(9), 601_000);
        candles.on_tick(2, price(99), 601_000);
        assert_eq!(told(&mut candles), [(600, [5, 9, 4, 9], 4)]);
        assert!(told(&mut candles).is_empty());
        candles.on_tick(1, price(7), 899_999);
        candles.on_tick(1, price(3), 900_000);
        candles.on_tick(1, price(99), 899_000);
        assert_eq!(
            told(&mut candles),
            [(600, [5, 9, 4, 7], 5), (900, [3, 3, 3, 3], 1)],
            "the end is told too"
        );
    }

    #[test]
    fn shorter_bars_make_a_longer_candle() {
        let mut candles = Candles::default();
        let tens = (1, TimeFrame::M10);
        candles.subscribe(tens, Duration::ZERO);
        candles.seed(
            tens,
            &[
                bar(900, [1.0, 9.0, 1.0, 5.0], 7),
                bar(1200, [5.0, 8.0, 4.0, 6.0], 3),
                bar(1500, [6.0, 6.0, 2.0, 3.0], 1),
            ],
            5,
            1_503_000,
        );
        assert_eq!(told(&mut candles), [(1200, [5, 8, 2, 3], 4)]);
    }

    #[test]
    fn after_the_clock_was_set_back_a_candle_goes_on_by_the_ticks() {
        let mut candles = Candles::default();
        candles.subscribe(M5, Duration::ZERO);
        candles.seed(M5, &[], 5, 0);
        candles.on_tick(1, price(7), 7_200_000);
        assert_eq!(told(&mut candles), [(7200, [7, 7, 7, 7], 1)]);
        candles.forget_symbol(2);
        candles.forget_symbol(1);
        candles.on_tick(1, price(5), 3_600_000);
        candles.seed(M5, &[], 5, 0);
        candles.on_tick(1, price(6), 3_601_000);
        assert_eq!(told(&mut candles), [(3600, [5, 6, 5, 6], 2)]);
        // With what the hour has had already.
        candles.forget_symbol(1);
        candles.on_tick(1, price(6), 3_602_000);
        candles.seed(M5, &[bar(3600, [1.0, 9.0, 1.0, 6.0], 50)], 5, 0);
        assert_eq!(told(&mut candles), [(3600, [1, 9, 1, 6], 50)]);
    }

    #[test]
    fn after_a_gap_candles_are_asked_for_again() {
        let mut candles = Candles::default();
        candles.subscribe(M5, Duration::ZERO);
        candles.seed(M5, &[], 5, 0);
        candles.on_tick(1, price(7), 899_999);
        candles.forget();
        assert_eq!(candles.unseeded(), [M5]);
        candles.renumber(|id| (id == 1).then_some(8));
        assert_eq!(candles.unseeded(), [(8, TimeFrame::M5)]);
    }
}
