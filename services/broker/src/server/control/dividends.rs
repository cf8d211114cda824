//! Dividends.

use model::{DealType, Retcode};
use serde::{Deserialize, Serialize};

use super::accounts::{COMMENT_MAX, check_comment};
use super::{Control, ControlError};
use crate::engine::{Command, Event};
use crate::server::hub::Hub;

/// Largest amount for a unit, profit currency.
const AMOUNT_MAX: f64 = 1e6;

/// A dividend on a symbol.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DividendOrder {
    /// For each unit (share), profit currency of the symbol. A lot has as many as its contract size says.
    pub amount: f64,
    /// Remark on the deals; without, "Dividend" and the symbol.
    #[serde(default)]
    pub comment: String,
}

/// What a position was paid, or paid itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DividendPaid {
    /// Its account.
    pub login: u64,
    /// Deal ticket.
    pub deal: u64,
    /// Account currency; below zero for a short position.
    pub amount: f64,
}

impl Control {
    /// Pays a dividend to all who hold a symbol, and takes it from all who are short in it: one deal a position. Nobody
    /// is paid if somebody's currency cannot be converted.
    ///
    /// # Errors
    /// For an unknown symbol, an amount that cannot be, or a missing price.
    pub async fn dividend(
        &self,
        symbol: &str,
        order: DividendOrder,
    ) -> Result<Vec<DividendPaid>, ControlError> {
        let is_amount = order.amount > 0.0 && order.amount <= AMOUNT_MAX;
        if !is_amount {
            return Err(ControlError::Invalid("\"amount\" must be a number above 0, up to 1,000,000"));
        }
        check_comment(&order.comment)?;
        let name = symbol.to_owned();
        self.keep(move |hub| hub.pay_dividend(&name, order)).await
    }
}

impl Hub {
    fn pay_dividend(&mut self, name: &str, order: DividendOrder) -> Result<Vec<DividendPaid>, ControlError> {
        let symbol = self.catalogue.by_name(name).ok_or(ControlError::Symbol)?.id;
        let DividendOrder { amount, mut comment } = order;
        if !self.engine.can_pay_dividend(symbol) {
            return Err(ControlError::Refused(Retcode::NO_QUOTES));
        }
        if comment.is_empty() {
            comment = format!("Dividend {name}").chars().take(COMMENT_MAX).collect();
        }
        let command = Command::Dividend { symbol, amount, comment };
        let events = self.engine.apply(command, self.clock.now());
        let paid = events.iter().filter_map(paid).collect();
        self.announce(events, None);
        Ok(paid)
    }
}

fn paid(event: &Event) -> Option<DividendPaid> {
    let Event::Deal { login, report, .. } = event else { return None };
    let deal = report.deal.as_ref().filter(|deal| deal.kind == DealType::Dividend)?;
    Some(DividendPaid { login: login.0, deal: deal.ticket.0, amount: deal.profit.to_f64() })
}
