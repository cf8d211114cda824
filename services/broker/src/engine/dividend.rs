//! Dividends, for all who hold a symbol.

use model::calc::{rate_buy, rate_sell};
use model::{DealType, Money, Side};

use super::account::Account;
use super::desk::Desk;
use super::market::Market;
use super::{Engine, Event, Position};
use crate::catalogue::SymbolId;

impl Engine {
    /// Whether a dividend on a symbol can be converted for everybody who holds it.
    #[must_use]
    pub fn can_pay_dividend(&self, symbol: SymbolId) -> bool {
        self.ledger.holders(symbol).into_iter().filter_map(|login| self.accounts.get(&login)).all(|account| {
            let mut held = account.positions.values().filter(|position| position.symbol == symbol);
            held.all(|position| account.dividend(position, 1.0, &self.market).is_some())
        })
    }

    /// Pays it, by a deal for each position. What cannot be converted is not paid.
    pub(super) fn pay_dividends(
        &mut self,
        symbol: SymbolId,
        amount: f64,
        comment: &str,
        events: &mut Vec<Event>,
    ) {
        for login in self.ledger.holders(symbol) {
            if let Some(mut desk) = self.desk(login, events) {
                desk.pay_dividends(symbol, amount, comment);
                desk.enforce_margin();
            }
        }
    }
}

impl Desk<'_> {
    fn pay_dividends(&mut self, symbol: SymbolId, amount: f64, comment: &str) {
        let held = self.account.positions.values().filter(|position| position.symbol == symbol);
        let due: Vec<Money> =
            held.filter_map(|position| self.account.dividend(position, amount, self.market)).collect();
        for money in due.into_iter().filter(|money| !money.is_zero()) {
            self.operate(DealType::Dividend, money, comment.into());
        }
    }
}

impl Account {
    /// Lots x contract size x amount in account currency. Who is long receives it and sells the profit currency, who is
    /// short owes it to the lender of the shares and buys it.
    fn dividend(&self, position: &Position, amount: f64, market: &Market) -> Option<Money> {
        let contract = market.contract(position.symbol)?;
        let deposit = &self.terms.deposit;
        let (from, to) = (contract.currency_profit.as_str(), deposit.currency.as_str());
        let rate = match position.side {
            Side::Buy => rate_sell(from, to, market),
            Side::Sell => rate_buy(from, to, market),
        }?;
        let whole = position.volume.lots() * contract.contract_size * amount;
        Some(Money::round(position.side.sign() * whole * rate, deposit.digits))
    }
}
