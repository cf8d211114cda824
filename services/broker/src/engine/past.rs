//! Deals and ended orders of the past: many of them, in little memory.
//!
//! The last few stand as they are. Those before are packed, some together: of each what differs from the one before it, and
//! most of them differ in little but their numbers and times.

use std::collections::VecDeque;

use model::{
    DealEntry, DealType, Expiration, Filling, Money, OrderState, OrderType, Price, Reason, ServerTime, Volume,
};

use super::record::{Activation, Deal, DealTicket, Order, Ticket};
use crate::catalogue::SymbolId;

/// Records that are packed together.
const EACH: usize = 16;
/// Stands for nothing, where something would be a number.
const NONE: i64 = i64::MIN;

/// What can be packed.
pub(super) trait Record: Clone {
    /// The record as numbers.
    type Numbers: AsRef<[i64]> + AsMut<[i64]> + Copy + Default;

    /// Its numbers, and its only text.
    fn taken_apart(&self) -> (Self::Numbers, &str);

    /// The record of these. `None`: they are of no record.
    fn put_together(numbers: &Self::Numbers, text: &str) -> Option<Self>;
}

/// See the module.
#[derive(Debug)]
pub(super) struct Past<T> {
    packed: VecDeque<Pack>,
    /// Those of the first pack that are forgotten.
    gone: usize,
    latest: Vec<T>,
}

/// [`EACH`] records.
#[derive(Debug)]
struct Pack(Box<[u8]>);

impl<T: Record> Past<T> {
    pub(super) const fn new() -> Self {
        Self { packed: VecDeque::new(), gone: 0, latest: Vec::new() }
    }

    pub(super) fn of(records: impl IntoIterator<Item = T>) -> Self {
        let mut past = Self::new();
        records.into_iter().for_each(|record| past.push(record));
        past
    }

    pub(super) fn len(&self) -> usize {
        self.packed.len() * EACH - self.gone + self.latest.len()
    }

    /// Adds the newest one.
    pub(super) fn push(&mut self, record: T) {
        if self.latest.len() >= 2 * EACH {
            let oldest: Vec<T> = self.latest.drain(..EACH).collect();
            self.packed.push_back(Pack::of(&oldest));
        }
        self.latest.push(record);
    }

    /// Forgets the oldest one.
    pub(super) fn pop_front(&mut self) {
        if self.packed.is_empty() {
            if !self.latest.is_empty() {
                self.latest.remove(0);
            }
            return;
        }
        self.gone += 1;
        if self.gone == EACH {
            self.packed.pop_front();
            self.gone = 0;
        }
    }

    /// All of them, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = T> {
        let packed = self.packed.iter().enumerate().rev().flat_map(|(place, pack)| {
            let from = if place == 0 { self.gone } else { 0 };
            let mut records = pack.records::<T>();
            records.drain(..from.min(records.len()));
            records.into_iter().rev()
        });
        self.latest.iter().rev().cloned().chain(packed)
    }
}

impl Pack {
    fn of<T: Record>(records: &[T]) -> Self {
        let (mut bytes, mut last, mut said) = (Vec::new(), T::Numbers::default(), "");
        for record in records {
            let (numbers, text) = record.taken_apart();
            for (number, before) in numbers.as_ref().iter().zip(last.as_ref()) {
                put(&mut bytes, number.wrapping_sub(*before));
            }
            // The text of the one before, or another one of so many bytes.
            if text == said {
                put(&mut bytes, -1);
            } else {
                put(&mut bytes, i64::try_from(text.len()).unwrap_or(i64::MAX));
                bytes.extend_from_slice(text.as_bytes());
            }
            (last, said) = (numbers, text);
        }
        Self(bytes.into())
    }

    fn records<T: Record>(&self) -> Vec<T> {
        let (mut rest, mut last, mut said) = (&*self.0, T::Numbers::default(), "");
        let mut records = Vec::with_capacity(EACH);
        let mut next = || {
            let mut numbers = last;
            for number in numbers.as_mut() {
                *number = number.wrapping_add(take(&mut rest)?);
            }
            if let Ok(length) = usize::try_from(take(&mut rest)?) {
                let (text, behind) = rest.split_at_checked(length)?;
                (said, rest) = (std::str::from_utf8(text).ok()?, behind);
            }
            last = numbers;
            T::put_together(&numbers, said)
        };
        records.extend(std::iter::from_fn(&mut next));
        debug_assert_eq!(records.len(), EACH, "what was packed can be unpacked");
        records
    }
}

/// A number, the lowest seven bits first, with its sign in the lowest; all bytes but the last have the highest bit set.
fn put(to: &mut Vec<u8>, number: i64) {
    let mut rest = (number << 1 ^ number >> 63).cast_unsigned();
    while rest >= 0x80 {
        to.push((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    to.push(rest as u8);
}

fn take(from: &mut &[u8]) -> Option<i64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    None
}

fn small(number: i64) -> Option<u32> {
    u32::try_from(number).ok()
}

fn some(number: i64) -> Option<i64> {
    (number != NONE).then_some(number)
}

fn units(price: Option<Price>) -> i64 {
    price.map_or(NONE, Price::units)
}

fn price(number: i64) -> Option<Price> {
    some(number).map(Price::from_units)
}

fn ticket(number: i64) -> Option<Ticket> {
    some(number).map(|number| Ticket(number.cast_unsigned()))
}

fn number(ticket: Option<Ticket>) -> i64 {
    ticket.map_or(NONE, |ticket| ticket.0.cast_signed())
}

/// The lower half of an amount.
fn low(money: Money) -> i64 {
    money.units() as i64
}

/// The upper half of an amount, which is seldom another one than that of the one before.
fn high(money: Money) -> i64 {
    (money.units() >> 64) as i64
}

fn money(high: i64, low: i64) -> Money {
    Money::from_units(i128::from(high) << 64 | i128::from(low.cast_unsigned()))
}

impl Record for Deal {
    type Numbers = [i64; 21];

    fn taken_apart(&self) -> (Self::Numbers, &str) {
        let numbers = [
            self.ticket.0.cast_signed(),
            number(self.order),
            self.symbol.map_or(NONE, |symbol| symbol.0.into()),
            self.kind.number().into(),
            self.entry.number().into(),
            self.price.units(),
            self.price_position.units(),
            units(self.sl),
            units(self.tp),
            self.volume.units().cast_signed(),
            low(self.profit),
            self.rate_profit.to_bits().cast_signed(),
            self.rate_margin.to_bits().cast_signed(),
            low(self.commission),
            low(self.swap),
            number(self.position),
            self.time.ms(),
            self.reason.number().into(),
            high(self.profit),
            high(self.commission),
            high(self.swap),
        ];
        (numbers, &self.comment)
    }

    fn put_together(numbers: &Self::Numbers, text: &str) -> Option<Self> {
        let n = numbers;
        Some(Self {
            ticket: DealTicket(n[0].cast_unsigned()),
            order: ticket(n[1]),
            symbol: some(n[2]).and_then(small).map(SymbolId),
            kind: DealType::from_number(small(n[3])?)?,
            entry: DealEntry::from_number(small(n[4])?)?,
            price: Price::from_units(n[5]),
            price_position: Price::from_units(n[6]),
            sl: price(n[7]),
            tp: price(n[8]),
            volume: Volume::from_units(n[9].cast_unsigned()),
            profit: money(n[18], n[10]),
            rate_profit: f64::from_bits(n[11].cast_unsigned()),
            rate_margin: f64::from_bits(n[12].cast_unsigned()),
            commission: money(n[19], n[13]),
            swap: money(n[20], n[14]),
            position: ticket(n[15]),
            time: ServerTime::from_ms(n[16]),
            reason: Reason::from_number(small(n[17])?)?,
            comment: text.to_owned(),
        })
    }
}

const ACTIVATIONS: [Activation; 3] = [Activation::None, Activation::Price, Activation::StopLimit];

impl Record for Order {
    type Numbers = [i64; 22];

    fn taken_apart(&self) -> (Self::Numbers, &str) {
        let activation = ACTIVATIONS.iter().position(|one| *one == self.activation);
        let numbers = [
            self.ticket.0.cast_signed(),
            self.symbol.0.into(),
            self.kind.number().into(),
            self.state.number().into(),
            self.filling.number().into(),
            self.expiration.number().into(),
            self.expires.map_or(NONE, ServerTime::ms),
            self.reason.number().into(),
            self.price.units(),
            units(self.limit_price),
            self.price_current.units(),
            units(self.sl),
            units(self.tp),
            self.volume_initial.units().cast_signed(),
            self.volume_current.units().cast_signed(),
            self.rate_margin.to_bits().cast_signed(),
            self.placed.ms(),
            self.done.map_or(NONE, ServerTime::ms),
            number(self.position),
            number(self.position_by),
            self.is_closing.into(),
            activation.and_then(|place| i64::try_from(place).ok()).unwrap_or(0),
        ];
        (numbers, &self.comment)
    }

    fn put_together(numbers: &Self::Numbers, text: &str) -> Option<Self> {
        let n = numbers;
        Some(Self {
            ticket: Ticket(n[0].cast_unsigned()),
            symbol: SymbolId(small(n[1])?),
            kind: OrderType::from_number(small(n[2])?)?,
            state: OrderState::from_number(small(n[3])?)?,
            filling: Filling::from_number(small(n[4])?)?,
            expiration: Expiration::from_number(small(n[5])?)?,
            expires: some(n[6]).map(ServerTime::from_ms),
            reason: Reason::from_number(small(n[7])?)?,
            price: Price::from_units(n[8]),
            limit_price: price(n[9]),
            price_current: Price::from_units(n[10]),
            sl: price(n[11]),
            tp: price(n[12]),
            volume_initial: Volume::from_units(n[13].cast_unsigned()),
            volume_current: Volume::from_units(n[14].cast_unsigned()),
            rate_margin: f64::from_bits(n[15].cast_unsigned()),
            placed: ServerTime::from_ms(n[16]),
            done: some(n[17]).map(ServerTime::from_ms),
            position: ticket(n[18]),
            position_by: ticket(n[19]),
            is_closing: n[20] != 0,
            activation: *ACTIVATIONS.get(usize::try_from(n[21]).ok()?)?,
            comment: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deal(seed: u64, comment: &str) -> Deal {
        let units = seed.cast_signed();
        Deal {
            ticket: DealTicket(seed),
            order: (!seed.is_multiple_of(3)).then_some(Ticket(seed ^ 5)),
            symbol: (!seed.is_multiple_of(5)).then_some(SymbolId(seed as u32)),
            kind: if seed.is_multiple_of(2) { DealType::Buy } else { DealType::Sell },
            entry: if seed.is_multiple_of(3) { DealEntry::In } else { DealEntry::OutBy },
            price: Price::from_units(units),
            price_position: Price::from_units(-units),
            sl: (seed % 7 > 2).then_some(Price::from_units(units / 3)),
            tp: (seed % 7 > 4).then_some(Price::ZERO),
            volume: Volume::from_units(seed / 2),
            profit: Money::from_units(i128::from(units) * i128::from(seed)),
            rate_profit: f64::from_bits(seed),
            rate_margin: seed as f64 / 7.0,
            commission: Money::from_units((units % 1_000).into()),
            swap: Money::ZERO,
            position: (!seed.is_multiple_of(4)).then_some(Ticket(seed)),
            time: ServerTime::from_ms(units % 1_000_000_007),
            reason: if seed.is_multiple_of(2) { Reason::StopLoss } else { Reason::Dealer },
            comment: comment.to_owned(),
        }
    }

    fn order(seed: u64, comment: &str) -> Order {
        let units = seed.cast_signed();
        Order {
            ticket: Ticket(seed),
            symbol: SymbolId(seed as u32),
            kind: if seed.is_multiple_of(2) { OrderType::Buy } else { OrderType::SellStopLimit },
            state: if seed.is_multiple_of(3) { OrderState::Filled } else { OrderState::Canceled },
            filling: if seed.is_multiple_of(5) { Filling::Return } else { Filling::FillOrKill },
            expiration: Expiration::from_number((seed % 2) as u32).unwrap(),
            expires: (seed % 3 > 1).then_some(ServerTime::from_ms(units % 1_000_003)),
            reason: if seed.is_multiple_of(2) { Reason::StopLoss } else { Reason::Dealer },
            price: Price::from_units(units),
            limit_price: (seed % 7 > 2).then_some(Price::from_units(units / 3)),
            price_current: Price::from_units(units / 9),
            sl: (seed % 7 > 3).then_some(Price::from_units(units / 3)),
            tp: (seed % 7 > 4).then_some(Price::ZERO),
            volume_initial: Volume::from_units(seed / 2),
            volume_current: Volume::ZERO,
            rate_margin: seed as f64 / 7.0,
            placed: ServerTime::from_ms(units % 1_000_000_007),
            done: (!seed.is_multiple_of(3)).then_some(ServerTime::from_ms(units % 1_000_033)),
            position: (!seed.is_multiple_of(4)).then_some(Ticket(seed)),
            position_by: (seed % 9 > 6).then_some(Ticket(seed)),
            is_closing: seed.is_multiple_of(11),
            activation: ACTIVATIONS[(seed % 3) as usize],
            comment: comment.to_owned(),
        }
    }

    /// Everything that is kept, shown: not all floats equal themselves.
    fn shown<T: std::fmt::Debug>(records: impl Iterator<Item = T>) -> Vec<String> {
        records.map(|record| format!("{record:?}")).collect()
    }

    fn are_kept<T: Record + std::fmt::Debug>(all: &[T], gone: usize) {
        let mut past = Past::of(all.iter().cloned());
        (0..gone).for_each(|_| past.pop_front());
        let kept = &all[gone.min(all.len())..];
        assert_eq!(past.len(), kept.len());
        assert_eq!(shown(past.newest_first()), shown(kept.iter().rev()));
        past.push(all[0].clone());
        assert_eq!(shown(past.newest_first().take(1)), shown(all[..1].iter()));
    }

    proptest! {
        #[test]
        fn records_come_back_as_they_were(
            seeds in prop::collection::vec((any::<u64>(), prop::sample::select(vec!["", "a", "é x"])), 1..200),
            gone in 0_usize..220,
        ) {
            let deals: Vec<Deal> = seeds.iter().map(|(seed, text)| deal(*seed, text)).collect();
            let orders: Vec<Order> = seeds.iter().map(|(seed, text)| order(*seed, text)).collect();
            are_kept(&deals, gone);
            are_kept(&orders, gone);
        }
    }

    #[test]
    fn ordinary_trades_take_little() {
        let mut past = Past::new();
        for number in 0..3_200_u64 {
            past.push(Deal {
                ticket: DealTicket(number),
                order: Some(Ticket(number)),
                position: Some(Ticket(number / 2)),
                time: ServerTime::from_ms(1_800_000_000_000 + number.cast_signed() * 5_300),
                price: Price::from_units(110_000_000 + (number * 7_919 % 10_000).cast_signed()),
                ..deal(1_234, "")
            });
        }
        let bytes: usize = past.packed.iter().map(|pack| pack.0.len() + size_of::<Pack>()).sum();
        assert!(bytes / (past.packed.len() * EACH) <= 48, "{bytes} bytes");
    }
}
