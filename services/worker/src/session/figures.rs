//! Profit, margin and equity of a session's account at its present prices.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::calc::{
    Equity, Exposure, Floating, FreeMarginMode, Funds, Held, Stage, account_margin, profit_of,
};
use model::{LeverageRange, Money, Side};

use super::state::{OpenPosition, State};
use super::terms::{Terms, leverage_rules};

impl State {
    /// Computes the profits that depend on symbols whose prices changed since the last time.
    pub(crate) fn revalue_changed(&mut self) {
        let changed = self.quotes.take_changed();
        if changed.is_empty() || self.positions.is_empty() {
            return;
        }
        let touched = |position: &OpenPosition| {
            position.inputs.is_empty() || position.inputs.iter().any(|id| changed.contains(id))
        };
        let ids: Vec<i64> =
            self.positions.iter().filter(|(_, position)| touched(position)).map(|(id, _)| *id).collect();
        for id in ids {
            self.revalue(id);
        }
    }

    pub(super) fn revalue(&mut self, id: i64) {
        let Some(symbol) = self.positions.get(&id).map(|position| position.record.trade_symbol.clone())
        else {
            return;
        };
        let Some(terms) = self.terms_of(&symbol) else { return };
        let deposit = self.deposit();
        if self.positions.get(&id).is_some_and(|position| position.inputs.is_empty()) {
            let mut inputs = vec![terms.full.symbol_id];
            self.add_conversions(&terms.contract.currency_profit, &deposit.currency, &mut inputs);
            if let Some(position) = self.positions.get_mut(&id) {
                position.inputs = inputs;
            }
        }
        let Some(quote) = self.quotes.prices(terms.full.symbol_id) else { return };
        let market = self.quotes.market(&self.catalogue);
        let Some(position) = self.positions.get_mut(&id) else { return };
        let (side, volume, open) = (position.side(), position.volume(), position.open_price());
        position.close = quote.close(side);
        if let Some(profit) =
            profit_of(&terms.contract, side, volume, open, position.close, &deposit, &market)
        {
            position.profit = profit.money;
            position.rate = profit.rate;
        }
    }

    /// The figures of the account at current prices, with the floating profit. `None` while the terms of a held
    /// symbol are missing: then they would be wrong.
    pub(crate) fn figures(&mut self) -> Option<(Equity, Floating)> {
        self.revalue_changed();
        let margin = self.margin()?;
        Some(self.figures_with(margin))
    }

    /// As [`figures`](Self::figures), but symbols that the server tells no terms of count without margin: for events,
    /// which must not be withheld for ever.
    pub(crate) fn figures_of_known(&mut self) -> (Equity, Floating) {
        self.revalue_changed();
        let margin = self.margin().unwrap_or_else(|| {
            let (held, _) = self.held();
            self.margin_of(&held)
        });
        self.figures_with(margin)
    }

    fn figures_with(&mut self, margin: Money) -> (Equity, Floating) {
        let mut floating = Floating::default();
        let digits = self.account.main.currency_digits;
        let parts: Vec<(String, Side, Money, Money)> = self
            .positions
            .values()
            .map(|open| {
                let swap = Money::round(open.record.storage, digits);
                (open.record.trade_symbol.clone(), open.side(), open.profit, swap)
            })
            .collect();
        for (symbol, side, profit, swap) in parts {
            match self.terms_of(&symbol) {
                Some(terms) => floating.add(&terms.contract, side, profit, swap),
                None => floating.add_without_terms(profit, swap),
            }
        }
        let mode = FreeMarginMode::from_number(self.account.main.margin_free_mode);
        (Equity::of(&self.funds(), &floating, margin, mode), floating)
    }

    fn funds(&self) -> Funds {
        let main = &self.account.main;
        let money = |value| Money::round(value, main.currency_digits);
        let commission_accrued = money(main.commission_daily) + money(main.commission_monthly);
        Funds { balance: money(main.balance), credit: money(main.credit), commission_accrued }
    }

    /// Margin depends on opening prices and rates, so it changes with positions, not with prices; but where leverage
    /// floats with values that are converted.
    fn margin(&mut self) -> Option<Money> {
        if self.margin.is_some() {
            return self.margin;
        }
        let (held, is_whole) = self.held();
        let margin = is_whole.then(|| self.margin_of(&held))?;
        let by_value = [LeverageRange::Value, LeverageRange::SymbolValue].map(LeverageRange::number);
        let is_lasting =
            self.account.leverage_rules.iter().all(|rule| !by_value.contains(&rule.rule.range_mode));
        self.margin = is_lasting.then_some(margin);
        Some(margin)
    }

    /// What is held of each symbol whose terms are there, and whether that is all.
    fn held(&mut self) -> (Vec<(Arc<Terms>, Exposure)>, bool) {
        let mut exposures: BTreeMap<String, Exposure> = BTreeMap::new();
        for open in self.positions.values() {
            let exposure = exposures.entry(open.record.trade_symbol.clone()).or_default();
            exposure.add(open.side(), open.volume(), open.open_price(), open.record.rate_margin);
        }
        let count = exposures.len();
        let known = |(symbol, exposure): (String, Exposure)| Some((self.terms_of(&symbol)?, exposure));
        let held: Vec<_> = exposures.into_iter().filter_map(known).collect();
        let is_whole = held.len() == count;
        (held, is_whole)
    }

    fn margin_of(&self, held: &[(Arc<Terms>, Exposure)]) -> Money {
        let held: Vec<Held<'_>> = held
            .iter()
            .map(|(terms, exposure)| Held {
                path: &terms.full.trade.symbol_path,
                contract: &terms.contract,
                exposure: *exposure,
                stage: Stage::Open,
            })
            .collect();
        let rules = leverage_rules(&self.account);
        account_margin(&held, &rules, &self.deposit(), &self.quotes.market(&self.catalogue))
    }
}
