//! Guards: what an account must not lose, and must not hold, whoever trades it. An account has some of its own, and so may each key
//! that trades it.
//!
//! Holding too much is refused, order by order. A loss *trips* a guard: from then on only what reduces is let through, until an
//! administrator resets it or, where it was the loss of a day, that day is over.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::Lots;

/// Keys whose guards stand beside those of an account; beyond it no further key with guards may trade it.
pub const GUARDED_KEYS_MAX: usize = 64;

/// What is guarded. Absent means that it is not. Money is in the deposit currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Guards {
    /// What a day of the server's clock may lose at most, of closed and open positions together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_loss: Option<Amount>,
    /// What the equity must stay above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equity_floor: Option<Amount>,
    /// What positions and pending orders may have at most, added up whatever their sides are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lots_max: Option<Lots>,
    /// The same of each symbol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol_lots_max: Option<Lots>,
    /// How many positions there may be, pending orders counted as those that they may become.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positions_max: Option<u32>,
    /// When one trips, positions are closed as well; pending orders are deleted anyway.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub close_all: bool,
}

/// An amount of money, exact, in the deposit currency. As a text and in JSON it is a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(Lots);

impl Amount {
    /// Of so many 10^-8.
    #[must_use]
    pub const fn from_units(units: u64) -> Self {
        Self(Lots::from_units(units))
    }

    /// In 10^-8.
    #[must_use]
    pub fn units(self) -> i128 {
        self.0.units().into()
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// What an account has, and would have with an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// 10^-8 lots of all positions, pending orders and requests under way.
    pub lots: u64,
    /// Of these, those of the symbol of the order.
    pub symbol_lots: u64,
    /// Positions, pending orders and requests under way that may become some.
    pub positions: u32,
}

/// The money of an account at a moment, in 10^-8 of the deposit currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    /// What it is worth.
    pub equity: i128,
    /// What it has lost since the day began; below zero, what it has gained.
    pub loss: i128,
    /// Which day it is by the server's clock, counted since 1970.
    pub day: i64,
}

/// What trips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tripwire {
    /// The day has lost too much.
    DailyLoss,
    /// The equity has come down to its floor.
    EquityFloor,
    /// Somebody has thrown the kill switch.
    KillSwitch,
}

impl fmt::Display for Tripwire {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::DailyLoss => "the loss of the day",
            Self::EquityFloor => "the floor of the equity",
            Self::KillSwitch => "the kill switch",
        })
    }
}

/// Why an order would be too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// See [`Guards::lots_max`].
    #[error("with this order the account would have more than {0} lots in all")]
    Lots(Lots),
    /// See [`Guards::symbol_lots_max`].
    #[error("with this order the account would have more than {0} lots of the symbol")]
    SymbolLots(Lots),
    /// See [`Guards::positions_max`].
    #[error("with this order the account might have more than {0} positions")]
    Positions(u32),
}

impl Guards {
    /// Whether nothing is guarded.
    #[must_use]
    pub fn are_none(&self) -> bool {
        *self == Self { close_all: self.close_all, ..Self::default() }
    }

    /// Whether it takes what an account is worth to keep them.
    #[must_use]
    pub const fn watches_money(&self) -> bool {
        self.daily_loss.is_some() || self.equity_floor.is_some()
    }

    /// What trips at this moment.
    #[must_use]
    pub fn tripped_by(&self, worth: &Worth) -> Option<Tripwire> {
        if self.daily_loss.is_some_and(|most| worth.loss >= most.units()) {
            return Some(Tripwire::DailyLoss);
        }
        self.equity_floor.is_some_and(|floor| worth.equity <= floor.units()).then_some(Tripwire::EquityFloor)
    }

    /// Whether an account may have what it would have with an order.
    ///
    /// # Errors
    /// Which guard says no.
    pub fn check(&self, with: &Exposure) -> Result<(), TooMuch> {
        let beyond = |most: &Lots, lots: u64| lots > most.units();
        if let Some(most) = self.lots_max.filter(|most| beyond(most, with.lots)) {
            return Err(TooMuch::Lots(most));
        }
        if let Some(most) = self.symbol_lots_max.filter(|most| beyond(most, with.symbol_lots)) {
            return Err(TooMuch::SymbolLots(most));
        }
        match self.positions_max.filter(|most| with.positions > *most) {
            Some(most) => Err(TooMuch::Positions(most)),
            None => Ok(()),
        }
    }
}

/// That guards have tripped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trip {
    /// By what.
    pub by: Tripwire,
    /// On which day of the server's clock.
    pub day: i64,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Whether positions are closed for it.
    #[serde(default)]
    pub close_all: bool,
}

impl Trip {
    /// Whether it still holds on a day. A clock that is set back does not end it.
    #[must_use]
    pub fn holds(&self, day: i64) -> bool {
        self.by != Tripwire::DailyLoss || day <= self.day
    }
}

/// The guards of an account, or of a key, and whether they have tripped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Guarded {
    /// What is guarded.
    pub guards: Guards,
    /// That they have tripped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trip: Option<Trip>,
}

impl Guarded {
    /// The trip that holds on a day.
    #[must_use]
    pub fn trip_on(&self, day: i64) -> Option<&Trip> {
        self.trip.as_ref().filter(|trip| trip.holds(day))
    }
}

/// All guards of an account, as they are kept for all processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GuardBook {
    /// Those of the account.
    pub account: Guarded,
    /// Those of keys that trade it, by their ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, Guarded>,
}

/// The guards of no more than so many keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{GUARDED_KEYS_MAX} keys with guards trade this account, which is the most")]
pub struct TooManyKeys;

impl GuardBook {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Has a key trade under these guards. Says whether that is new.
    ///
    /// # Errors
    /// There is no room for one more key.
    pub fn put_key(&mut self, key: &str, guards: &Guards) -> Result<bool, TooManyKeys> {
        if let Some(known) = self.keys.get_mut(key) {
            let is_new = known.guards != *guards;
            known.guards = guards.clone();
            return Ok(is_new);
        }
        if guards.are_none() {
            return Ok(false);
        }
        if self.keys.len() >= GUARDED_KEYS_MAX {
            return Err(TooManyKeys);
        }
        self.keys.insert(key.to_owned(), Guarded { guards: guards.clone(), trip: None });
        Ok(true)
    }

    /// Those that a request of a key, or of nobody's, must keep.
    pub fn of<'b>(&'b self, key: Option<&str>) -> impl Iterator<Item = &'b Guarded> + use<'b> {
        std::iter::once(&self.account).chain(key.and_then(|key| self.keys.get(key)))
    }

    /// All of them, with the key that they are of.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &Guarded)> {
        std::iter::once((None, &self.account))
            .chain(self.keys.iter().map(|(key, guarded)| (Some(key.as_str()), guarded)))
    }

    /// Trips all that trip at this moment and have not yet. Says which those are.
    pub fn trip(&mut self, worth: &Worth, now_ms: i64) -> Vec<(Option<String>, Tripwire)> {
        let mut tripped = Vec::new();
        let keys = self.keys.iter_mut().map(|(key, guarded)| (Some(key.clone()), guarded));
        for (key, guarded) in std::iter::once((None, &mut self.account)).chain(keys) {
            if guarded.trip_on(worth.day).is_some() {
                continue;
            }
            if let Some(by) = guarded.guards.tripped_by(worth) {
                guarded.trip =
                    Some(Trip { by, day: worth.day, at_ms: now_ms, close_all: guarded.guards.close_all });
                tripped.push((key, by));
            }
        }
        tripped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: i128 = 100_000_000;

    fn guards() -> Guards {
        serde_json::from_str(
            r#"{"dailyLoss":"100","equityFloor":"900.5","lotsMax":"1","symbolLotsMax":"0.5","positionsMax":3}"#,
        )
        .unwrap()
    }

    fn worth(equity: i128, loss: i128) -> Worth {
        Worth { equity: equity * UNIT, loss: loss * UNIT, day: 20_000 }
    }

    #[test]
    fn a_loss_trips_when_it_is_reached_and_a_floor_when_it_is() {
        for (seen, by) in [
            (worth(1000, 99), None),
            (worth(1000, 100), Some(Tripwire::DailyLoss)),
            (worth(901, -5), None),
            (worth(900, 0), Some(Tripwire::EquityFloor)),
            (worth(-1, 500), Some(Tripwire::DailyLoss)),
        ] {
            assert_eq!(guards().tripped_by(&seen), by, "{seen:?}");
        }
        assert_eq!(Guards::default().tripped_by(&worth(-1000, 5000)), None);
    }

    #[test]
    fn what_an_account_may_have_is_bounded_to_the_last_unit() {
        let with = |lots: u64, symbol_lots: u64, positions| Exposure { lots, symbol_lots, positions };
        let lot = 100_000_000;
        assert_eq!(guards().check(&with(lot, lot / 2, 3)), Ok(()));
        assert_eq!(guards().check(&with(lot + 1, lot / 2, 3)), Err(TooMuch::Lots(Lots::from_units(lot))));
        let most = Lots::from_units(lot / 2);
        assert_eq!(guards().check(&with(lot, lot / 2 + 1, 3)), Err(TooMuch::SymbolLots(most)));
        assert_eq!(guards().check(&with(lot, lot / 2, 4)), Err(TooMuch::Positions(3)));
        assert_eq!(Guards::default().check(&with(u64::MAX, u64::MAX, u32::MAX)), Ok(()));
    }

    #[test]
    fn a_trip_stays_until_its_day_is_over_or_for_good() {
        let mut book =
            GuardBook { account: Guarded { guards: guards(), trip: None }, ..GuardBook::default() };
        let of_key = Guards { daily_loss: Some(Amount::from_units(5 * 100_000_000)), ..Guards::default() };
        assert_eq!(book.put_key("key", &of_key), Ok(true));
        assert_eq!(book.put_key("key", &of_key), Ok(false));
        assert_eq!(book.trip(&worth(1000, 7), 1), [(Some("key".to_owned()), Tripwire::DailyLoss)]);
        assert_eq!(book.trip(&worth(1000, 8), 2), []);
        assert_eq!(book.trip(&worth(800, 8), 3), [(None, Tripwire::EquityFloor)]);
        let [account, key] = [&book.account, &book.keys["key"]];
        for (day, is_key_shut) in [(19_999, true), (20_000, true), (20_001, false)] {
            assert_eq!(
                (account.trip_on(day).is_some(), key.trip_on(day).is_some()),
                (true, is_key_shut),
                "{day}"
            );
        }
        assert_eq!(
            (book.of(None).count(), book.of(Some("key")).count(), book.of(Some("other")).count()),
            (1, 2, 1)
        );
        let next = Worth { day: 20_001, ..worth(1000, 9) };
        assert_eq!(
            book.trip(&next, 4),
            [(Some("key".to_owned()), Tripwire::DailyLoss)],
            "the next day counts anew"
        );
        // What a key may lose is changed, and what has tripped has.
        assert_eq!(book.put_key("key", &Guards::default()), Ok(true));
        assert!(book.keys["key"].trip_on(20_001).is_some());
        let text = serde_json::to_string(&book).unwrap();
        assert_eq!(serde_json::from_str::<GuardBook>(&text).unwrap(), book);
    }

    #[test]
    fn so_many_keys_have_guards() {
        let mut book = GuardBook::default();
        for number in 0..GUARDED_KEYS_MAX {
            book.put_key(&number.to_string(), &guards()).unwrap();
        }
        assert_eq!(book.put_key("one more", &guards()), Err(TooManyKeys));
        assert_eq!(book.put_key("without", &Guards { close_all: true, ..Guards::default() }), Ok(false));
        assert_eq!(book.put_key("0", &guards()), Ok(false));
        assert!(!book.is_empty() && GuardBook::default().is_empty());
    }
}
