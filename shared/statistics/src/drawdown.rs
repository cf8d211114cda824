//! How far a value has fallen.

use model::Money;

/// The highest value so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak(Money);

/// A drawdown: how far a value is below its peak.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fall {
    /// Peak less value; never negative.
    pub money: Money,
    /// The same in percent of the peak; zero where the peak is not above zero. More than 100 if the value is negative.
    pub percent: f64,
}

impl Peak {
    /// Begins with this value.
    #[must_use]
    pub const fn new(value: Money) -> Self {
        Self(value)
    }

    /// Money was paid in, or out if negative: the peak moves along, since it is neither gain nor loss.
    pub fn pay(&mut self, amount: Money) {
        self.0 += amount;
    }

    /// Takes the next value and tells how far it is below the peak (MQL5 Reference, `STAT_BALANCE_DD` and
    /// `STAT_BALANCE_DDREL_PERCENT`: from a local maximum, in money and in percent of that maximum).
    pub fn fall(&mut self, value: Money) -> Fall {
        self.0 = self.0.max(value);
        let money = self.0 - value;
        let percent =
            if self.0 > Money::ZERO { money.units() as f64 / self.0.units() as f64 * 100.0 } else { 0.0 };
        Fall { money, percent }
    }
}
