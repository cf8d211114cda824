//! An open position as a session knows it.

use model::{Money, Price, Side, Volume};
use wire::records::Position;

use super::texts::Texts;

/// An open position with its profit at current prices.
#[derive(Clone, Debug)]
pub(crate) struct OpenPosition {
    /// As the server sent it last.
    pub(crate) record: Position,
    /// Account currency: ours from the first tick on, until then the server's.
    pub(crate) profit: Money,
    /// Profit currency to account currency.
    pub(crate) rate: f64,
    /// Where it would close now.
    pub(crate) close: Price,
    /// Of opening what is open, account currency: its record has none.
    pub(crate) fee: Money,
    /// Symbols whose prices its profit depends on; empty until its terms are known.
    pub(in crate::session) inputs: Vec<u32>,
    /// How the order that opened it was to be filled; if that is not known, how one would be now.
    pub(crate) filling: Option<u32>,
    pub(in crate::session) texts: Texts,
}

impl OpenPosition {
    pub(crate) fn side(&self) -> Side {
        Side::from_number(self.record.trade_action).unwrap_or(Side::Buy)
    }

    pub(crate) fn volume(&self) -> Volume {
        Volume::from_units(self.record.trade_volume)
    }

    pub(crate) fn open_price(&self) -> Price {
        Price::from_f64(self.record.price_open, self.record.digits).unwrap_or_default()
    }
}
