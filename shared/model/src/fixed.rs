//! Fixed-point numbers. All three kinds count units of 10^-8, the scale that the protocol uses for
//! volumes and the largest number of digits that a price or a currency may have there.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// Units in one: 10^8.
pub const SCALE: i64 = 100_000_000;
/// Decimal digits of [`SCALE`].
pub const SCALE_DIGITS: u32 = 8;

/// 10 to the power of `digits`; digits above 18 count as 18.
#[must_use]
pub fn pow10(digits: u32) -> i64 {
    10_i64.pow(digits.min(18))
}

/// Rounds as the official client does: `floor(x·10^n + 0.5000001) / 10^n`, mirrored below zero, with at
/// most eight digits. Values that are not finite come back as zero: they cannot be shown as money.
#[must_use]
pub fn round_to(value: f64, digits: u32) -> f64 {
    let digits = digits.min(SCALE_DIGITS);
    match round_to_integer(value, digits) {
        Some(points) => points as f64 / pow10(digits) as f64,
        None if value.is_finite() => value,
        None => 0.0,
    }
}

/// `value·10^digits` as a whole number, rounded by the protocol's rule; `None` if it has no such number.
fn round_to_integer(value: f64, digits: u32) -> Option<i64> {
    let points = (value.abs() * pow10(digits) as f64 + 0.500_000_1).floor();
    let points = to_i64(points)?;
    Some(if value < 0.0 { -points } else { points })
}

/// A whole double as an integer. 2^63 is exactly representable, so the comparison is exact.
fn to_i64(value: f64) -> Option<i64> {
    (value.is_finite() && value.abs() < 9_223_372_036_854_775_808.0).then_some(value as i64)
}

/// `of` / `by`, halves away from zero; zero if there is nothing to divide by.
#[must_use]
pub fn divide(of: i128, by: i128) -> i128 {
    let Some(rest) = of.checked_rem(by) else { return 0 };
    let whole = of / by;
    let is_half = rest.unsigned_abs() >= by.unsigned_abs().div_ceil(2);
    if is_half { whole.saturating_add(of.signum() * by.signum()) } else { whole }
}

macro_rules! fixed_point {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($int);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// From units of 10^-8.
            #[must_use]
            pub const fn from_units(units: $int) -> Self {
                Self(units)
            }

            /// As units of 10^-8.
            #[must_use]
            pub const fn units(self) -> $int {
                self.0
            }

            /// The nearest double.
            #[must_use]
            pub fn to_f64(self) -> f64 {
                self.0 as f64 / SCALE as f64
            }

            /// Whether this is nothing.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let units = i128::from(self.0);
                let (whole, part) = (units.abs() / i128::from(SCALE), units.abs() % i128::from(SCALE));
                let sign = if units < 0 { "-" } else { "" };
                let text = format!("{sign}{whole}.{part:08}");
                f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self::ZERO, Add::add)
            }
        }
    };
}

fixed_point! {
    /// A price, in units of the profit currency.
    Price(i64)
}
fixed_point! {
    /// A volume in lots; one lot is 10^8 units, as on the wire. Never negative.
    Volume(u64)
}
fixed_point! {
    /// An amount of some currency, usually the account's. Wide enough for any sum of them.
    Money(i128)
}

impl Price {
    /// From a plain price, rounded to `digits` (half away from zero). `None` if it is not finite or too
    /// large to be a price.
    #[must_use]
    pub fn from_f64(value: f64, digits: u32) -> Option<Self> {
        let digits = digits.min(SCALE_DIGITS);
        round_to_integer(value, digits)?.checked_mul(pow10(SCALE_DIGITS - digits)).map(Self)
    }

    /// From a price as ticks carry it, multiplied by 10^digits; a half point is rounded up.
    #[must_use]
    pub fn from_scaled(value: f64, digits: u32) -> Option<Self> {
        to_i64((value + 0.500_000_1).floor())?
            .checked_mul(pow10(SCALE_DIGITS.saturating_sub(digits)))
            .map(Self)
    }

    /// As ticks carry it: multiplied by 10^digits.
    #[must_use]
    pub fn to_scaled(self, digits: u32) -> f64 {
        self.0 as f64 / pow10(SCALE_DIGITS.saturating_sub(digits)) as f64
    }

    /// So many points (10^-digits each).
    #[must_use]
    pub fn from_points(points: i64, digits: u32) -> Self {
        Self(points.saturating_mul(pow10(SCALE_DIGITS.saturating_sub(digits))))
    }

    /// Whole points (10^-digits each) in this price, cut off.
    #[must_use]
    pub fn points(self, digits: u32) -> i64 {
        self.0 / pow10(SCALE_DIGITS.saturating_sub(digits))
    }
}

impl Neg for Price {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Volume {
    /// From lots, rounded to the nearest unit. `None` if negative, not finite or beyond 9·10^10 lots.
    #[must_use]
    pub fn from_lots(lots: f64) -> Option<Self> {
        to_i64((lots * SCALE as f64).round()).and_then(|units| u64::try_from(units).ok()).map(Self)
    }

    /// In lots, the nearest double.
    #[must_use]
    pub fn lots(self) -> f64 {
        self.to_f64()
    }
}

impl Money {
    /// From an amount that was computed, rounded to the currency's digits by the protocol's rule.
    /// Values that are not finite, or beyond 9·10^18 of the smallest unit, count as nothing.
    #[must_use]
    pub fn round(value: f64, digits: u32) -> Self {
        let digits = digits.min(SCALE_DIGITS);
        let minor = round_to_integer(value, digits).unwrap_or(0);
        Self(i128::from(minor) * i128::from(pow10(SCALE_DIGITS - digits)))
    }
}

impl Money {
    /// What of an amount belongs to a part of a volume, by size: rounded to the currency's digits, halves away from zero.
    /// All of it for the whole volume or more, so that parts taken of what is left, one after the other, add up to it.
    #[must_use]
    pub fn part(self, part: Volume, of: Volume, digits: u32) -> Self {
        if part >= of {
            return self;
        }
        let minor = i128::from(pow10(SCALE_DIGITS - digits.min(SCALE_DIGITS)));
        let product = self.0.saturating_mul(i128::from(part.0));
        Self(divide(product, i128::from(of.0) * minor).saturating_mul(minor))
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounding_follows_the_official_client() {
        for (value, digits, expected) in [
            (1.005, 2, "1.01"),
            (-1.005, 2, "-1.01"),
            (2.5, 0, "3"),
            (0.004_999, 2, "0"),
            (1.234_567_891_2, 12, "1.23456789"),
        ] {
            assert_eq!(Money::round(value, digits).to_string(), expected, "{value} to {digits} digits");
        }
    }

    #[test]
    fn what_is_not_finite_is_neither_a_price_nor_money() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Price::from_f64(value, 5), None);
            assert_eq!(Price::from_scaled(value, 5), None);
            assert_eq!(Volume::from_lots(value), None);
            assert_eq!(Money::round(value, 2), Money::ZERO);
        }
        assert_eq!(Volume::from_lots(-0.01), None);
    }

    #[test]
    fn scaled_half_points_are_rounded_up() {
        assert_eq!(Price::from_scaled(87_154.5, 1).map(|p| p.to_string()), Some("8715.5".into()));
        assert_eq!(Price::from_scaled(108_542.0, 5).map(|p| p.to_string()), Some("1.08542".into()));
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (of, by, expected) in
            [(7, 2, 4), (-7, 2, -4), (5, 3, 2), (4, 3, 1), (-4, 3, -1), (6, 3, 2), (1, 0, 0)]
        {
            assert_eq!(divide(of, by), expected, "{of} / {by}");
        }
        assert_eq!(divide(i128::MIN, -1), 0);
    }

    #[test]
    fn parts_are_rounded_and_the_last_takes_the_rest() {
        let lots = |lots: u64| Volume::from_units(lots * SCALE as u64);
        for (amount, digits, first, second) in
            [("-9.55", 2, "-4.78", "-4.77"), ("5", 0, "3", "2"), ("-0.01", 2, "-0.01", "0")]
        {
            let all = Money::round(amount.parse().unwrap(), digits);
            let one = all.part(lots(1), lots(2), digits);
            let rest = (all - one).part(lots(1), lots(1), digits);
            assert_eq!((one.to_string(), rest.to_string()), (first.into(), second.into()), "{amount}");
        }
        assert_eq!(Money::round(7.0, 2).part(lots(1), lots(0), 2).to_string(), "7", "of nothing known");
    }

    proptest! {
        #[test]
        fn parts_one_after_the_other_add_up(
            minor in any::<i64>(),
            digits in 0_u32..=12,
            parts in prop::collection::vec(1_u64..1_000_000_000_000, 1..9),
        ) {
            let all = Money(i128::from(minor) * i128::from(pow10(SCALE_DIGITS - digits.min(SCALE_DIGITS))));
            let (mut open, mut left, mut sum) = (parts.iter().sum::<u64>(), all, Money::ZERO);
            for part in parts {
                let share = left.part(Volume(part), Volume(open), digits);
                prop_assert!(share.0.abs() <= left.0.abs() && share.0.signum() * left.0.signum() >= 0);
                (open, left, sum) = (open - part, left - share, sum + share);
            }
            prop_assert_eq!((left, sum), (Money::ZERO, all));
        }

        #[test]
        fn a_price_survives_the_wire(points in -90_000_000_000_i64..90_000_000_000, digits in 0_u32..=8) {
            let price = Price::from_points(points, digits);
            prop_assert_eq!(Price::from_f64(price.to_f64(), digits), Some(price));
            prop_assert_eq!(Price::from_scaled(price.to_scaled(digits), digits), Some(price));
            prop_assert_eq!(price.points(digits), points);
        }

        #[test]
        fn lots_survive_the_trip_through_a_double(units in 0_u64..1_000_000_000_000_000) {
            let volume = Volume::from_units(units);
            prop_assert_eq!(Volume::from_lots(volume.lots()), Some(volume));
        }
    }
}
