//! Recorded ticks, played again from now on, over and over.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use model::{Price, ServerTime, Volume};

use super::book::book_around;
use super::ticks::{FileTick, parse_ticks};
use crate::catalogue::{Catalogue, Symbol, SymbolId};
use crate::engine::Tick;

/// Ticks of all files together that are kept in memory.
const TICKS_MAX: usize = 20_000_000;
/// Ticks given out at once; at great speeds the rest follows with the next call.
const BATCH_MAX: usize = 10_000;
/// Pause between the end of the recording and its next round.
const ROUND_PAUSE_MS: i64 = 1000;

/// Why recorded ticks cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file or the directory cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is not a tick.
    #[error("{path}, line {line}: {reason}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from one.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The file's name does not begin with a symbol.
    #[error("{path}: no symbol is called {symbol}", path = path.display())]
    Symbol {
        /// The file.
        path: PathBuf,
        /// The first part of its name.
        symbol: String,
    },
    /// There is nothing to play.
    #[error("{path}: there are no tick files here", path = path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// There is more than fits.
    #[error("{path}: more than {TICKS_MAX} ticks in all", path = path.display())]
    TooMany {
        /// The file that was too much.
        path: PathBuf,
    },
}

#[derive(Clone, Copy, Debug)]
struct Recorded {
    /// From the beginning of the recording.
    offset_ms: i64,
    symbol: SymbolId,
    bid: Price,
    ask: Price,
    last: Option<(Price, Volume)>,
}

/// A recording and how far it was played.
#[derive(Debug)]
pub struct Replay {
    ticks: Vec<Recorded>,
    symbols: BTreeSet<SymbolId>,
    speed: f64,
    start: ServerTime,
    next: usize,
    rounds: i64,
    /// How far the server clock was set since the beginning, milliseconds.
    set_ms: i64,
}

impl Replay {
    /// Reads all tick files of a directory, to be played from `start` on at `speed` times the real one. Files of
    /// bars are passed over.
    ///
    /// # Errors
    /// [`ReplayError`] for the first file that cannot be used.
    pub fn load(
        directory: &Path,
        catalogue: &Catalogue,
        start: ServerTime,
        speed: f64,
    ) -> Result<Self, ReplayError> {
        let read = |source| ReplayError::Read { path: directory.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(read)? {
            let path = entry.map_err(read)?.path();
            if path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("csv")) {
                paths.push(path);
            }
        }
        paths.sort();
        let mut ticks = Vec::new();
        for path in paths {
            for (symbol, tick) in read_file(&path, catalogue)? {
                ticks.push((symbol, tick));
            }
            if ticks.len() > TICKS_MAX {
                return Err(ReplayError::TooMany { path });
            }
        }
        if ticks.is_empty() {
            return Err(ReplayError::Empty { path: directory.to_owned() });
        }
        Ok(Self::of(ticks, start, speed))
    }

    /// Plays these ticks.
    #[must_use]
    pub fn of(mut ticks: Vec<(SymbolId, FileTick)>, start: ServerTime, speed: f64) -> Self {
        ticks.sort_by_key(|(symbol, tick)| (tick.time, *symbol));
        let first = ticks.first().map_or(start, |(_, tick)| tick.time);
        let recorded = |(symbol, tick): &(SymbolId, FileTick)| Recorded {
            offset_ms: tick.time.ms() - first.ms(),
            symbol: *symbol,
            bid: tick.bid,
            ask: tick.ask,
            last: tick.last,
        };
        Self {
            symbols: ticks.iter().map(|(symbol, _)| *symbol).collect(),
            ticks: ticks.iter().map(recorded).collect(),
            speed: if speed.is_finite() && speed > 0.0 { speed } else { 1.0 },
            start,
            next: 0,
            rounds: 0,
            set_ms: 0,
        }
    }

    /// The server clock is so far ahead of the one that the recording is played by.
    pub(super) fn set_clock(&mut self, set_ms: i64) {
        self.set_ms = set_ms;
    }

    /// The recorded symbols with the first price of each.
    pub fn first_prices(&self) -> impl Iterator<Item = (SymbolId, Price, Price)> {
        let first = |id: &SymbolId| self.ticks.iter().find(|tick| tick.symbol == *id);
        self.symbols.iter().filter_map(first).map(|tick| (tick.symbol, tick.bid, tick.ask))
    }

    /// The ticks that have become due, in order, at the moment they are given out: times never go back.
    pub fn advance(&mut self, now: ServerTime, catalogue: &Catalogue) -> Vec<Tick> {
        let mut due = Vec::new();
        while due.len() < BATCH_MAX {
            let Some(recorded) = self.ticks.get(self.next).copied() else { break };
            let offset = recorded.offset_ms + self.rounds * self.round_ms();
            let time = ServerTime::from_ms(self.start.ms() + (offset as f64 / self.speed) as i64);
            if time > now {
                break;
            }
            if let Some(symbol) = catalogue.get(recorded.symbol) {
                due.push(tick_of(symbol, recorded, time.set_by(self.set_ms)));
            }
            self.next += 1;
            if self.next == self.ticks.len() {
                self.next = 0;
                self.rounds += 1;
            }
        }
        due
    }

    fn round_ms(&self) -> i64 {
        self.ticks.last().map_or(0, |tick| tick.offset_ms) + ROUND_PAUSE_MS
    }
}

fn tick_of(symbol: &Symbol, recorded: Recorded, time: ServerTime) -> Tick {
    // A file may have more digits than the symbol.
    let on_step = |price: Price| symbol.price(price.to_f64()).unwrap_or(price);
    let (bid, ask) = (on_step(recorded.bid), on_step(recorded.ask));
    let last = recorded.last.map(|(price, volume)| (on_step(price), volume));
    let book = symbol.has_book().then(|| book_around(symbol, bid, ask, time.ms() as u64));
    Tick { symbol: symbol.id, time, bid, ask, last, book }
}

fn read_file(path: &Path, catalogue: &Catalogue) -> Result<Vec<(SymbolId, FileTick)>, ReplayError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ReplayError::Read { path: path.to_owned(), source })?;
    let header = text.lines().next().unwrap_or_default();
    if header.contains("<OPEN>") {
        return Ok(Vec::new());
    }
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.split(['_', '.', ' ']).next().unwrap_or_default().to_owned();
    let Some(symbol) = catalogue.by_name(&name) else {
        return Err(ReplayError::Symbol { path: path.to_owned(), symbol: name });
    };
    let bad = |(line, reason)| ReplayError::Line { path: path.to_owned(), line, reason };
    Ok(parse_ticks(&text).map_err(bad)?.into_iter().map(|tick| (symbol.id, tick)).collect())
}
