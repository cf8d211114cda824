//! What a session knows of its account: kept up to date from pushes, and asked by calls.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use calls::reply;
use model::calc::{Deposit, Equity, Exposure, Floating, FreeMarginMode, Funds, profit_of};
use model::{Money, Price, Side, Volume};
use wire::records::{Account, Deal, FullSymbol, History, Order, Portfolio, Position, TradeSettings};

use super::quotes::QuoteBook;
use super::terms::Terms;
use crate::catalogue::Catalogue;
use crate::translate;

/// Closed orders that a session remembers (contract: at most 100).
const CLOSED_MAX: usize = 100;
/// Deals and ended orders that are remembered, to complete answers of trade requests.
const RECENT_MAX: usize = 256;
/// Magic numbers that are remembered.
const MAGIC_MAX: usize = 10_000;

/// The margin mode of accounts with several positions a symbol (protocol 9.2).
const RETAIL_HEDGING: u32 = 2;

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
    /// Symbols whose prices its profit depends on; empty until its terms are known.
    inputs: Vec<u32>,
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

#[derive(Clone, Copy, Debug, Default)]
struct Newest {
    deal: i64,
    order: i64,
}

/// Everything about the account at one moment.
#[derive(Debug)]
pub(crate) struct State {
    /// Account number.
    pub(crate) login: u64,
    /// Host of the link.
    pub(crate) host: String,
    /// Port of the link.
    pub(crate) port: u16,
    /// As the server sent it last, with the money of later pushes.
    pub(crate) account: Account,
    /// Open positions by ticket.
    pub(crate) positions: BTreeMap<i64, OpenPosition>,
    /// Pending orders by ticket.
    pub(crate) orders: BTreeMap<i64, Order>,
    /// What was closed while this session lived, oldest first.
    pub(crate) closed: VecDeque<reply::Order>,
    /// Deals seen, oldest first.
    pub(crate) deals: VecDeque<Deal>,
    /// Orders that ended, oldest first.
    pub(crate) ended: VecDeque<Order>,
    /// Whether the gateway is connected to the trade server (push 15).
    pub(crate) is_server_up: bool,
    /// Largest ticket of a deal, and of an order, ever seen: what comes later is larger.
    newest: Newest,
    /// Prices.
    pub(crate) quotes: QuoteBook,
    /// Symbols of the server.
    pub(crate) catalogue: Arc<Catalogue>,
    /// Terms of symbols that the account has something in, or has asked for.
    terms: HashMap<u32, Arc<Terms>>,
    /// Magic numbers by order and position ticket: the protocol does not carry them.
    magic: HashMap<i64, i64>,
    magic_order: VecDeque<i64>,
    margin: Option<Money>,
}

impl State {
    pub(crate) fn new(login: u64, account: Account, catalogue: Arc<Catalogue>) -> Self {
        Self {
            login,
            host: String::new(),
            port: 0,
            account,
            positions: BTreeMap::new(),
            orders: BTreeMap::new(),
            closed: VecDeque::new(),
            deals: VecDeque::new(),
            ended: VecDeque::new(),
            is_server_up: true,
            newest: Newest::default(),
            quotes: QuoteBook::default(),
            catalogue,
            terms: HashMap::new(),
            magic: HashMap::new(),
            magic_order: VecDeque::new(),
            margin: None,
        }
    }

    /// Replaces everything open.
    pub(crate) fn load(&mut self, portfolio: Portfolio) {
        self.positions.clear();
        for order in &portfolio.orders {
            self.newest.order = self.newest.order.max(order.trade_order);
        }
        self.orders = portfolio.orders.into_iter().map(|order| (order.trade_order, order)).collect();
        for position in portfolio.positions {
            self.put_position(position);
        }
        self.margin = None;
    }

    /// A new link: account and symbols are loaded anew, and prices from before the gap are not those of now. Until ticks
    /// come, positions are worth what the server says.
    pub(crate) fn begin_again(&mut self, account: Account, catalogue: Arc<Catalogue>) {
        self.quotes.forget_prices();
        self.set_catalogue(catalogue);
        self.set_account(account);
    }

    /// Takes over a new account record, and with it the conditions of all symbols.
    pub(crate) fn set_account(&mut self, account: Account) {
        self.account = account;
        self.terms.clear();
        self.margin = None;
    }

    /// Replaces the symbol list after a reconnect; ids may have changed.
    pub(crate) fn set_catalogue(&mut self, catalogue: Arc<Catalogue>) {
        if !Arc::ptr_eq(&self.catalogue, &catalogue) {
            let before = std::mem::replace(&mut self.catalogue, catalogue);
            let now = &self.catalogue;
            self.quotes.renumber(|id| Some(now.named(&before.by_id(id)?.name)?.id));
        }
        self.terms.clear();
    }

    pub(crate) fn deposit(&self) -> Deposit {
        Deposit {
            currency: self.account.main.account_currency.clone(),
            digits: self.account.main.currency_digits.min(model::SCALE_DIGITS),
            leverage: self.account.main.margin_leverage,
        }
    }

    /// Milliseconds by which the server clock is ahead of UTC (protocol 1.5).
    pub(crate) fn zone_ms(&self) -> i64 {
        let main = &self.account.main;
        1000 * (i64::from(main.timezone_shift) + 3600 * i64::from(main.daylightmode))
    }

    /// Whether a symbol may have several positions; if not, it has one, which every order changes.
    pub(crate) const fn is_hedging(&self) -> bool {
        self.account.main.margin_mode == RETAIL_HEDGING
    }

    /// Adds or replaces a position. Its profit starts as the server's, and as ours if there are prices.
    pub(crate) fn put_position(&mut self, mut record: Position) {
        if record.expert == 0
            && let Some(magic) = self.magic.get(&record.position_id)
        {
            record.expert = *magic;
        }
        let digits = self.account.main.currency_digits;
        let (profit, rate) = (Money::round(record.profit, digits), record.rate_profit);
        let close = Price::from_f64(record.price_close, record.digits).unwrap_or_default();
        let id = record.position_id;
        self.positions.insert(id, OpenPosition { record, profit, rate, close, inputs: Vec::new() });
        self.margin = None;
        self.revalue(id);
    }

    /// The number of the first position on a symbol.
    pub(crate) fn position_on(&self, symbol: &str) -> Option<i64> {
        self.positions.iter().find(|(_, open)| open.record.trade_symbol == symbol).map(|(id, _)| *id)
    }

    /// Removes a position.
    pub(crate) fn drop_position(&mut self, id: i64) -> Option<OpenPosition> {
        self.margin = None;
        self.positions.remove(&id)
    }

    /// Remembers a deal, in place of an earlier version of it.
    pub(crate) fn remember_deal(&mut self, deal: Deal) {
        self.newest.deal = self.newest.deal.max(deal.deal);
        self.newest.order = self.newest.order.max(deal.trade_order);
        match self.deals.iter_mut().rev().find(|known| known.deal == deal.deal) {
            Some(known) => *known = deal,
            None => push_bounded(&mut self.deals, deal, RECENT_MAX),
        }
    }

    /// Forgets a deal that the server has taken back.
    pub(crate) fn forget_deal(&mut self, ticket: i64) {
        self.deals.retain(|known| known.deal != ticket);
    }

    /// Remembers an order that ended.
    pub(crate) fn remember_ended(&mut self, order: Order) {
        self.newest.order = self.newest.order.max(order.trade_order);
        push_bounded(&mut self.ended, order, RECENT_MAX);
    }

    /// Remembers what was closed, for `ClosedOrders`.
    pub(crate) fn remember_closed(&mut self, order: reply::Order) {
        push_bounded(&mut self.closed, order, CLOSED_MAX);
    }

    /// Remembers the magic number of an order that this session sent, and shows it on what the order made.
    pub(crate) fn remember_magic(&mut self, ticket: i64, magic: i64) {
        if magic == 0 {
            return;
        }
        if self.magic.insert(ticket, magic).is_none() {
            self.magic_order.push_back(ticket);
        }
        if self.magic_order.len() > MAGIC_MAX
            && let Some(oldest) = self.magic_order.pop_front()
        {
            self.magic.remove(&oldest);
        }
        if let Some(position) = self.positions.get_mut(&ticket) {
            position.record.expert = magic;
        }
    }

    /// The magic number of a ticket: the server's, or the remembered one.
    pub(crate) fn magic(&self, ticket: i64, of_server: i64) -> i64 {
        if of_server != 0 { of_server } else { self.magic.get(&ticket).copied().unwrap_or(0) }
    }

    /// The terms of a symbol, if its full record is there.
    pub(crate) fn terms(&mut self, id: u32) -> Option<Arc<Terms>> {
        if let Some(terms) = self.terms.get(&id) {
            return Some(Arc::clone(terms));
        }
        let full: Arc<FullSymbol> = self.catalogue.full(id)?;
        let overrides: &[TradeSettings] = &self.account.trade_settings;
        let terms = Arc::new(Terms::new(full, overrides));
        self.terms.insert(id, Arc::clone(&terms));
        Some(terms)
    }

    /// Forgets terms whose symbols have changed.
    pub(crate) fn forget_terms(&mut self, ids: impl Iterator<Item = u32>) {
        for id in ids {
            self.terms.remove(&id);
        }
        self.margin = None;
    }

    fn terms_of(&mut self, symbol: &str) -> Option<Arc<Terms>> {
        let id = self.catalogue.named(symbol)?.id;
        self.terms(id)
    }

    /// Ids of symbols whose full records are needed for the figures and are not there yet.
    pub(crate) fn missing_terms(&mut self) -> Vec<u32> {
        let mut symbols: Vec<u32> = self.held_symbols();
        symbols.retain(|id| self.catalogue.full(*id).is_none());
        symbols
    }

    /// Ids of the symbols of positions and orders.
    pub(crate) fn held_symbols(&self) -> Vec<u32> {
        let names = self.positions.values().map(|position| position.record.trade_symbol.as_str());
        let names = names.chain(self.orders.values().map(|order| order.trade_symbol.as_str()));
        let mut ids: Vec<u32> =
            names.filter_map(|name| self.catalogue.named(name).map(|one| one.id)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Ids of the pairs that profits are converted by.
    pub(crate) fn conversion_symbols(&mut self) -> Vec<u32> {
        let account = self.account.main.account_currency.clone();
        let held: Vec<String> =
            self.positions.values().map(|position| position.record.trade_symbol.clone()).collect();
        let mut ids = Vec::new();
        for symbol in held {
            if let Some(terms) = self.terms_of(&symbol) {
                self.add_conversions(&terms.contract.currency_profit, &account, &mut ids);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The pairs that convert one currency into another: their own in either direction, or both through the dollar.
    pub(crate) fn add_conversions(&self, from: &str, to: &str, ids: &mut Vec<u32>) {
        if from == to {
            return;
        }
        let direct = self.catalogue.pair(from, to).or_else(|| self.catalogue.pair(to, from));
        match direct {
            Some(pair) => ids.push(pair.id),
            None if from != "USD" && to != "USD" => {
                self.add_conversions(from, "USD", ids);
                self.add_conversions("USD", to, ids);
            }
            None => {}
        }
    }

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

    fn revalue(&mut self, id: i64) {
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

    /// Everything open as the contract shows it: positions, then pending orders.
    pub(crate) fn opened_orders(&mut self) -> Vec<reply::Order> {
        self.revalue_changed();
        let zone_ms = self.zone_ms();
        let positions = self.positions.values().map(|open| translate::position(open, zone_ms));
        let orders = self.orders.values().map(|order| {
            let mut shown = translate::pending(order, zone_ms);
            shown.expert_id = self.magic(order.trade_order, order.expert);
            shown
        });
        positions.chain(orders).collect()
    }

    /// The largest ticket of an order ever seen.
    pub(crate) const fn newest_order(&self) -> i64 {
        self.newest.order
    }

    /// The largest ticket of a deal ever seen.
    pub(crate) const fn newest_deal(&self) -> i64 {
        self.newest.deal
    }

    /// Takes over what happened before this session: it is no news, and evidence of nothing that this session does.
    pub(crate) fn load_past(&mut self, history: History) {
        for deal in history.deals {
            self.remember_deal(deal);
        }
        for order in history.orders {
            self.remember_ended(order);
        }
    }
}

fn push_bounded<T>(list: &mut VecDeque<T>, item: T, max: usize) {
    if list.len() >= max {
        list.pop_front();
    }
    list.push_back(item);
}
