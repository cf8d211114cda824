//! What a session knows of its account: kept up to date from pushes, and asked by calls.

mod look_back;
mod recent;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use calls::{ServerClock, reply};
use error::Error;
use model::calc::{Deposit, rate_sell};
use model::{MarginMode, Money, Price};
use wire::records::{Account, Deal, FullSymbol, History, Order, Portfolio, Position, TradeSettings};

use self::look_back::LookBack;
use super::books::Books;
use super::candles::Candles;
use super::fillings::Fillings;
use super::ledger::Ledger;
use super::market_watch::MarketWatches;
use super::past::Past;
pub(crate) use super::position::OpenPosition;
use super::quotes::QuoteBook;
use super::terms::Terms;
use super::texts::Texts;
use super::tick_downloads::TickDownloads;
use super::tick_values::TickValues;
use super::today::Today;
use crate::catalogue::Catalogue;
use crate::ranges::Recent;
use crate::ticks::TickWriter;
use crate::{translate, zone};

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
    /// How far the server clock is ahead of UTC.
    pub(crate) zone: ServerClock,
    /// Open positions by ticket.
    pub(crate) positions: BTreeMap<i64, OpenPosition>,
    /// What deals have made of positions, by ticket.
    pub(super) ledger: Ledger,
    /// Pending orders by ticket.
    pub(crate) orders: BTreeMap<i64, Order>,
    pub(super) order_texts: HashMap<i64, Texts>,
    /// By which clock the texts of everything open were made.
    pub(super) shown_by: ServerClock,
    /// What was closed while this session lived, oldest first.
    pub(crate) closed: VecDeque<reply::Order>,
    /// Deals seen, oldest first.
    pub(crate) deals: VecDeque<Deal>,
    /// What the deals of the day have booked.
    pub(super) today: Today,
    /// Orders that ended, oldest first.
    pub(crate) ended: VecDeque<Order>,
    /// Whether the gateway is connected to the trade server (push 15).
    pub(crate) is_server_up: bool,
    /// Largest ticket of a deal, and of an order, ever seen: what comes later is larger.
    newest: Newest,
    /// Largest ticket of a deal, and of an order, that is not remembered any more: all that came later is.
    forgotten: Newest,
    /// What else stands there while a fresh history is looked at.
    look_back: LookBack,
    /// Prices.
    pub(crate) quotes: QuoteBook,
    /// The day's figures of symbols.
    pub(crate) market_watches: MarketWatches,
    /// Order books.
    pub(crate) books: Books,
    /// Running candles.
    pub(crate) candles: Candles,
    /// Interest in tick values.
    pub(crate) tick_values: TickValues,
    /// Where the server's ticks are kept.
    pub(crate) tick_writer: TickWriter,
    /// Downloads of kept ticks under way.
    pub(crate) downloads: TickDownloads,
    /// The whole history, if it was asked for.
    pub(crate) past: Past,
    /// Symbols of the server.
    pub(crate) catalogue: Arc<Catalogue>,
    /// Symbols whose records the server did not give.
    pub(crate) without_terms: BTreeSet<u32>,
    /// Terms of symbols that the account has something in, or has asked for.
    terms: HashMap<u32, Arc<Terms>>,
    /// How orders were to be filled.
    pub(super) fillings: Fillings,
    /// Magic numbers by order and position ticket: the protocol does not carry them.
    pub(super) magic: HashMap<i64, i64>,
    pub(super) magic_order: VecDeque<i64>,
    /// Of so many magic numbers each, in their order.
    pub(super) magic_texts: Vec<Option<Bytes>>,
    /// Counts magic numbers that were ever remembered.
    pub(super) magic_version: u64,
    /// Counts how often the clock was set.
    pub(super) clock_version: u64,
    /// Of everything open, as long as that does not change.
    pub(super) margin: Option<Money>,
}

impl State {
    pub(crate) fn new(
        login: u64,
        account: Account,
        catalogue: Arc<Catalogue>,
        tick_writer: TickWriter,
    ) -> Self {
        Self {
            login,
            host: String::new(),
            port: 0,
            zone: zone::told(&account.main),
            account,
            positions: BTreeMap::new(),
            ledger: Ledger::default(),
            orders: BTreeMap::new(),
            order_texts: HashMap::new(),
            shown_by: ServerClock::default(),
            closed: VecDeque::new(),
            deals: VecDeque::new(),
            today: Today::default(),
            ended: VecDeque::new(),
            is_server_up: true,
            newest: Newest::default(),
            forgotten: Newest::default(),
            look_back: LookBack::default(),
            quotes: QuoteBook::default(),
            market_watches: MarketWatches::default(),
            books: Books::default(),
            candles: Candles::default(),
            tick_values: TickValues::default(),
            tick_writer,
            downloads: TickDownloads::default(),
            past: Past::default(),
            catalogue,
            without_terms: BTreeSet::new(),
            terms: HashMap::new(),
            fillings: Fillings::default(),
            magic: HashMap::new(),
            magic_order: VecDeque::new(),
            magic_texts: Vec::new(),
            magic_version: 0,
            clock_version: 0,
            margin: None,
        }
    }

    /// Replaces everything open.
    pub(crate) fn load(&mut self, portfolio: Portfolio) {
        self.positions.clear();
        self.order_texts.clear();
        for order in &portfolio.orders {
            self.newest.order = self.newest.order.max(order.trade_order);
            self.fillings.note(order);
        }
        self.orders = portfolio.orders.into_iter().map(|order| (order.trade_order, order)).collect();
        for position in portfolio.positions {
            self.put_position(position);
        }
        self.ledger.retain(|id| self.positions.contains_key(&id));
        self.margin = None;
    }

    /// A new link: account and symbols are loaded anew, and prices from before the gap are not those of now. Until ticks
    /// come, positions are worth what the server says.
    pub(crate) fn begin_again(&mut self, account: Account, catalogue: Arc<Catalogue>) {
        self.quotes.forget_prices();
        self.market_watches.forget();
        self.books.forget();
        self.candles.forget();
        self.set_catalogue(catalogue);
        // Whatever was asked for over the last link is forgotten anyway.
        let _ = self.set_account(account);
    }

    /// Takes over a new account record, and with it the conditions of all symbols. Says whether the server clock was set:
    /// then candles must be asked for anew.
    #[must_use]
    pub(crate) fn set_account(&mut self, account: Account) -> bool {
        let zone = zone::told(&account.main);
        let is_set = zone.ahead_ms() != self.zone.ahead_ms();
        if is_set {
            self.set_clock(zone);
        }
        self.account = account;
        self.terms.clear();
        self.margin = None;
        is_set
    }

    /// Replaces the symbol list after a reconnect; ids may have changed.
    pub(crate) fn set_catalogue(&mut self, catalogue: Arc<Catalogue>) {
        if !Arc::ptr_eq(&self.catalogue, &catalogue) {
            let before = std::mem::replace(&mut self.catalogue, catalogue);
            let now = &self.catalogue;
            let new_id = |id: u32| Some(now.named(&before.by_id(id)?.name)?.id);
            self.quotes.renumber(&new_id);
            self.market_watches.forget();
            self.books.forget();
            self.books.wanted.rename(new_id);
            self.candles.renumber(new_id);
            self.tick_values.renumber(&new_id);
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

    /// Whether a symbol may have several positions; if not, it has one, which every order changes.
    pub(crate) fn is_hedging(&self) -> bool {
        self.margin_mode() == MarginMode::Hedging
    }

    /// How positions are counted; as one a symbol where the server's mode is not known.
    pub(super) fn margin_mode(&self) -> MarginMode {
        MarginMode::from_number(self.account.main.margin_mode).unwrap_or(MarginMode::Netting)
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
        let filling = self.fillings.of(id);
        let fee = self.ledger.know(&record, &self.deals, digits).booked.fee;
        let (inputs, texts) = (Vec::new(), Texts::default());
        self.positions.insert(id, OpenPosition { record, profit, rate, close, fee, inputs, filling, texts });
        self.margin = None;
        self.revalue(id);
    }

    /// Removes a position.
    pub(crate) fn drop_position(&mut self, id: i64) -> Option<OpenPosition> {
        self.margin = None;
        self.positions.remove(&id)
    }

    /// Adds or replaces a pending order.
    pub(super) fn put_order(&mut self, order: Order) {
        self.margin = None;
        self.order_texts.remove(&order.trade_order);
        self.newest.order = self.newest.order.max(order.trade_order);
        self.orders.insert(order.trade_order, order);
    }

    /// Removes a pending order.
    pub(super) fn drop_order(&mut self, ticket: i64) {
        self.margin = None;
        self.order_texts.remove(&ticket);
        self.orders.remove(&ticket);
    }

    /// Everything since the account began, if it was loaded.
    ///
    /// # Errors
    /// As [`Past::whole`].
    pub(crate) fn whole_past(&mut self) -> Result<History, Error> {
        let mut history = self.past.whole()?;
        self.mark(&mut history);
        Ok(history)
    }

    /// Shows the remembered magic numbers on records of the past, which have none of their own.
    pub(crate) fn mark(&self, history: &mut History) {
        for deal in &mut history.deals {
            let of_order = self.magic(deal.trade_order, deal.expert);
            deal.expert = self.magic(deal.position_id, of_order);
        }
        for order in &mut history.orders {
            let of_order = self.magic(order.trade_order, order.expert);
            order.expert = self.magic(order.position_id, of_order);
        }
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

    pub(super) fn terms_of(&mut self, symbol: &str) -> Option<Arc<Terms>> {
        let id = self.catalogue.named(symbol)?.id;
        self.terms(id)
    }

    /// Whether the server does not tell the terms of a symbol.
    pub(super) fn is_without_terms(&self, symbol: &str) -> bool {
        self.catalogue.named(symbol).is_none_or(|symbol| self.without_terms.contains(&symbol.id))
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

    /// Every pair that may convert these currencies into the account's: their own and those through the dollar, since a
    /// pair that exists need not be quoted.
    pub(crate) fn conversion_ways<'a>(&self, currencies: impl IntoIterator<Item = &'a str>) -> Vec<u32> {
        let account = self.account.main.account_currency.as_str();
        let mut ids = Vec::new();
        for from in currencies {
            for (from, to) in [(from, account), (from, "USD"), ("USD", account)] {
                if from != to {
                    self.add_conversions(from, to, &mut ids);
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Whether there are prices to convert a currency into the account's.
    pub(crate) fn converts(&self, from: &str) -> bool {
        let market = self.quotes.market(&self.catalogue);
        rate_sell(from, &self.account.main.account_currency, &market).is_some()
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

    /// Everything open as the contract shows it: positions, then pending orders.
    pub(crate) fn opened_orders(&mut self) -> Vec<reply::Order> {
        self.revalue_changed();
        let zone = self.zone;
        let positions = self.positions.values().map(|open| translate::position(open, zone));
        let orders = self.orders.values().map(|order| self.shown_pending(order));
        positions.chain(orders).collect()
    }

    /// A pending order as the contract shows it.
    pub(super) fn shown_pending(&self, order: &Order) -> reply::Order {
        translate::pending_of(order, self.magic(order.trade_order, order.expert), self.zone)
    }

    /// Whether all deals and ended orders with larger tickets than these are remembered.
    const fn remembers_after(&self, deal: i64, order: i64) -> bool {
        self.forgotten.deal <= deal && self.forgotten.order <= order
    }

    /// What the server has and this does not counts as forgotten; of a history that was cut, that may be anything.
    pub(super) fn admit_gaps(&mut self, recent: &Recent) {
        if !recent.is_whole {
            self.forget_up_to(self.newest);
        }
        let deals: BTreeSet<i64> = self.deals.iter().map(|deal| deal.deal).collect();
        let ended: BTreeSet<i64> = self.ended.iter().map(|order| order.trade_order).collect();
        let missing = |known: &BTreeSet<i64>, tickets: &mut dyn Iterator<Item = i64>| {
            tickets.filter(|ticket| !known.contains(ticket)).max().unwrap_or(0)
        };
        let history = &recent.history;
        let deal = missing(&deals, &mut history.deals.iter().map(|deal| deal.deal));
        let order = missing(&ended, &mut history.orders.iter().map(|order| order.trade_order));
        self.forget_up_to(Newest { deal, order });
    }

    fn forget_up_to(&mut self, newest: Newest) {
        self.forgotten.deal = self.forgotten.deal.max(newest.deal);
        self.forgotten.order = self.forgotten.order.max(newest.order);
    }

    /// The largest ticket of an order ever seen.
    pub(crate) const fn newest_order(&self) -> i64 {
        self.newest.order
    }

    /// The largest ticket of a deal ever seen.
    pub(crate) const fn newest_deal(&self) -> i64 {
        self.newest.deal
    }

    /// Tickets up to these are no news.
    pub(crate) fn know_up_to(&mut self, deal: i64, order: i64) {
        self.newest = Newest { deal, order };
    }
}
