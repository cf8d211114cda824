//! Some ticks of a symbol as differences: five or six bytes each.

use model::{Price, SCALE_DIGITS, pow10};

use super::Tick;

/// Ticks in a chunk, which is also a portion of a download: some 12 KB of JSON.
const TICKS_MAX: u32 = 128;

/// What has changed since the tick before.
mod changed {
    pub(super) const BID: u8 = 1;
    pub(super) const ASK: u8 = 2;
    pub(super) const LAST: u8 = 4;
    pub(super) const VOLUME: u8 = 8;
}

/// Some ticks, oldest first.
#[derive(Debug)]
pub(super) struct Chunk {
    first: Tick,
    last: Tick,
    digits: u32,
    len: u32,
    /// All ticks but the first: what has changed, then each change, as LEB128 of zigzag numbers.
    packed: Vec<u8>,
}

impl Chunk {
    pub(super) fn begin(tick: Tick, digits: u32) -> Self {
        Self { first: tick, last: tick, digits, len: 1, packed: Vec::new() }
    }

    /// Appends a tick and says how many bytes that took; `None`: a new chunk must be begun.
    pub(super) fn push(&mut self, tick: Tick, digits: u32) -> Option<usize> {
        // Its last tick is its latest: those of an hour that comes again begin a chunk of their own.
        let is_back = tick.time_ms < self.last.time_ms;
        if self.len >= TICKS_MAX || digits != self.digits || is_back {
            return None;
        }
        let before = self.packed.len();
        let step = step_of(digits);
        let mut flags = 0;
        let mut changes = [0_i64; 4];
        let prices = [
            (changed::BID, self.last.bid, tick.bid),
            (changed::ASK, self.last.ask, tick.ask),
            (changed::LAST, self.last.last, tick.last),
        ];
        for (place, (flag, old, new)) in prices.into_iter().enumerate() {
            let difference = new.units().wrapping_sub(old.units());
            if difference % step != 0 {
                // Finer than its symbol: it begins a chunk of its own, whole.
                return None;
            }
            if difference != 0 {
                flags |= flag;
                changes[place] = difference / step;
            }
        }
        if tick.volume != self.last.volume {
            flags |= changed::VOLUME;
            changes[3] = (tick.volume as i64).wrapping_sub(self.last.volume as i64);
        }
        self.packed.push(flags);
        put(&mut self.packed, tick.time_ms.wrapping_sub(self.last.time_ms));
        for (bit, change) in changes.into_iter().enumerate() {
            if flags & (1 << bit) != 0 {
                put(&mut self.packed, change);
            }
        }
        self.last = tick;
        self.len += 1;
        if self.len == TICKS_MAX {
            self.packed.shrink_to_fit();
        }
        Some(self.packed.len() - before)
    }

    /// Its newest tick.
    pub(super) const fn last(&self) -> &Tick {
        &self.last
    }

    /// How many ticks it holds.
    pub(super) const fn len(&self) -> u32 {
        self.len
    }

    /// Memory that it takes; while it is written perhaps some hundred bytes more.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.packed.len()
    }

    /// Its ticks, oldest first.
    pub(super) fn ticks(&self) -> impl Iterator<Item = Tick> {
        let (step, mut rest, mut tick) = (step_of(self.digits), self.packed.as_slice(), self.first);
        let following = std::iter::from_fn(move || {
            let (flags, after) = rest.split_first()?;
            rest = after;
            tick.time_ms = tick.time_ms.wrapping_add(take(&mut rest)?);
            for (flag, price) in [
                (changed::BID, &mut tick.bid),
                (changed::ASK, &mut tick.ask),
                (changed::LAST, &mut tick.last),
            ] {
                if flags & flag != 0 {
                    *price =
                        Price::from_units(price.units().wrapping_add(take(&mut rest)?.wrapping_mul(step)));
                }
            }
            if flags & changed::VOLUME != 0 {
                tick.volume = (tick.volume as i64).wrapping_add(take(&mut rest)?) as u64;
            }
            Some(tick)
        });
        std::iter::once(self.first).chain(following)
    }
}

/// Units of a price step.
fn step_of(digits: u32) -> i64 {
    pow10(SCALE_DIGITS.saturating_sub(digits)).max(1)
}

/// Writes a number so that small ones, of either sign, are short.
fn put(out: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn take(from: &mut &[u8]) -> Option<i64> {
    let (mut number, mut shift) = (0_u64, 0);
    loop {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((number >> 1) as i64 ^ -((number & 1) as i64));
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_come_out_as_they_went_in() {
        let price = |points| Price::from_points(points, 5);
        let tick = |n: i64| Tick {
            time_ms: 1_700_000_000_000 + n * n,
            bid: price(110_000 - n * 3),
            ask: price(110_010 + n % 2),
            last: price(if n % 3 == 0 { 110_005 } else { 0 }),
            volume: if n % 5 == 0 { u64::MAX } else { 7 },
        };
        let ticks: Vec<Tick> = (0..i64::from(TICKS_MAX)).map(tick).collect();
        let mut chunk = Chunk::begin(ticks[0], 5);
        for tick in &ticks[1..] {
            assert!(chunk.push(*tick, 5).is_some());
        }
        assert!(chunk.push(tick(1), 5).is_none(), "full");
        assert_eq!(chunk.ticks().collect::<Vec<_>>(), ticks);
    }

    #[test]
    fn usual_ticks_take_few_bytes() {
        let price = |points| Price::from_points(points, 5);
        let mut chunk = Chunk::begin(Tick::default(), 5);
        for n in 1..i64::from(TICKS_MAX) {
            let tick = Tick { time_ms: n * 250, bid: price(n % 5), ask: price(n % 7 + 1), ..Tick::default() };
            chunk.push(tick, 5);
        }
        assert!(chunk.packed.len() <= 6 * TICKS_MAX as usize, "{}", chunk.packed.len());
    }

    #[test]
    fn a_price_finer_than_its_symbol_is_not_rounded() {
        let mut chunk = Chunk::begin(Tick::default(), 5);
        let fine = Tick { bid: Price::from_units(1), ..Tick::default() };
        assert!(chunk.push(fine, 5).is_none());
        assert!(Chunk::begin(fine, 5).push(Tick::default(), 4).is_none());
    }
}
