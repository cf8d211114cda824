//! What a server may make a session keep. Most of it is bounded where it is kept; what is open is bounded here.
//!
//! | Kept | Bound |
//! | --- | --- |
//! | positions, pending orders, their texts | [`OPEN_MAX`] |
//! | the ledger | the same: what is not open is forgotten |
//! | updates in a push | [`UPDATES_MAX`] |
//! | deals, ended orders, closed orders | `RECENT_MAX` and `CLOSED_MAX` of `state` |
//! | fillings, magic numbers | `KEPT_MAX` of `fillings`, `MAGIC_MAX` of `magics` |
//! | quotes, the day's figures, terms, symbols without terms | the symbols of the list, which is one message |
//! | order books, candles, tick values | `SUBSCRIBED_MAX` of `paced`, in which clients have their say, `LEVELS_MAX` of `books` |
//! | candles that have ended | `ENDED_MAX` of `candles` |
//! | the whole history | `RECORDS_MAX` of `ranges` |
//! | ticks | `SERVER_BYTES_MAX` and `BYTES_MAX` of `ticks` |
//! | everything else | one message of the server (`link`) |

use link::LinkError;
use wire::records::{Portfolio, TradeUpdate};

use super::state::State;

/// Open positions and pending orders of a session together. Real servers allow an account some hundreds.
pub(crate) const OPEN_MAX: usize = 10_000;

/// Deals, or orders, that one push may tell of.
const UPDATES_MAX: usize = OPEN_MAX;

/// Whether so much may be open.
///
/// # Errors
/// [`LinkError::TooMuch`]: the link is of no use.
fn check_open(count: usize) -> Result<(), LinkError> {
    if count <= OPEN_MAX {
        return Ok(());
    }
    let what =
        format!("the account has {count} open positions and orders, and at most {OPEN_MAX} can be followed");
    Err(LinkError::TooMuch { what })
}

/// Whether a session can follow everything open.
///
/// # Errors
/// [`LinkError::TooMuch`] if it is more than [`OPEN_MAX`].
pub(super) fn check_portfolio(portfolio: &Portfolio) -> Result<(), LinkError> {
    check_open(portfolio.positions.len() + portfolio.orders.len())
}

/// Whether a push is not out of all proportion.
///
/// # Errors
/// [`LinkError::TooMuch`] if it tells of more than any account has.
pub(super) fn check_update(update: &TradeUpdate) -> Result<(), LinkError> {
    let count = match update {
        TradeUpdate::Orders(orders) => orders.len(),
        TradeUpdate::Deals(deals) => {
            deals.iter().map(|update| 1 + update.deals.len() + update.positions.len()).sum()
        }
    };
    if count <= UPDATES_MAX {
        return Ok(());
    }
    let what =
        format!("the server tells of {count} changes at once, and at most {UPDATES_MAX} can be followed");
    Err(LinkError::TooMuch { what })
}

impl State {
    /// Whether it can follow everything that is open by now.
    ///
    /// # Errors
    /// [`LinkError::TooMuch`] if it is more than [`OPEN_MAX`].
    pub(super) fn check_open(&self) -> Result<(), LinkError> {
        check_open(self.positions.len() + self.orders.len())
    }
}

#[cfg(test)]
mod tests {
    use wire::records::{DealUpdate, Order, OrderUpdate, Position};

    use super::*;

    #[test]
    fn what_is_open_is_bounded() {
        let portfolio = |positions: usize, orders: usize| Portfolio {
            positions: vec![Position::default(); positions],
            orders: vec![Order::default(); orders],
        };
        assert!(check_portfolio(&portfolio(OPEN_MAX / 2, OPEN_MAX / 2)).is_ok());
        let refused = check_portfolio(&portfolio(OPEN_MAX / 2 + 1, OPEN_MAX / 2)).unwrap_err();
        assert!(refused.to_string().contains("10001 open positions and orders"), "{refused}");
    }

    #[test]
    fn what_one_push_tells_is_bounded() {
        let orders = |count: usize| TradeUpdate::Orders(vec![OrderUpdate::default(); count]);
        assert!(
            check_update(&orders(UPDATES_MAX)).is_ok() && check_update(&orders(UPDATES_MAX + 1)).is_err()
        );
        let positions = vec![Position::default(); UPDATES_MAX];
        let deals = vec![DealUpdate { positions, ..DealUpdate::default() }];
        assert!(check_update(&TradeUpdate::Deals(deals)).is_err());
    }
}
