//! Profit, margin and equity of a session's account at its present prices.

use std::collections::BTreeMap;

use model::calc::{Equity, Exposure, Floating, FreeMarginMode, Funds, profit_of};
use model::{Money, Side};

use super::state::{OpenPosition, State};

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
        let margin = self.margin_by_symbol().into_iter().flatten().sum();
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

    /// Margin depends on opening prices and rates only, so it changes with positions, not with prices.
    fn margin(&mut self) -> Option<Money> {
        if let Some(margin) = self.margin {
            return Some(margin);
        }
        let margin: Option<Vec<Money>> = self.margin_by_symbol().into_iter().collect();
        self.margin = margin.map(|parts| parts.into_iter().sum());
        self.margin
    }

    /// `None` for a symbol whose terms are missing.
    fn margin_by_symbol(&mut self) -> Vec<Option<Money>> {
        let mut exposures: BTreeMap<String, Exposure> = BTreeMap::new();
        for open in self.positions.values() {
            let exposure = exposures.entry(open.record.trade_symbol.clone()).or_default();
            exposure.add(open.side(), open.volume(), open.open_price(), open.record.rate_margin);
        }
        let deposit = self.deposit();
        let margin = |(symbol, exposure): (String, Exposure)| {
            Some(exposure.margin(&self.terms_of(&symbol)?.contract, &deposit))
        };
        exposures.into_iter().map(margin).collect()
    }
}
