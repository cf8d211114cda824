//! An engine with two accounts and quiet prices.

use std::sync::Arc;
use std::time::Duration;

use model::calc::{Deposit, FreeMarginMode};
use model::{
    DealType, Expiration, Filling, MarginMode, Money, OrderType, Price, ServerTime, TradeAction, Volume,
};

use crate::catalogue::{Catalogue, GROUPS, MarketHours, Symbol};
use crate::engine::*;
use crate::feed::book_around;
use crate::store::Store;

/// Monday, 2026-11-23 12:00.
pub(super) const START: ServerTime = ServerTime::from_ms(1_795_435_200_000);
pub(super) const USD: Login = Login(1);
pub(super) const EUR: Login = Login(2);

pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) now: ServerTime,
    /// What came of the last command, without verdicts.
    pub(super) events: Vec<Event>,
    /// What keeps it, if anything does.
    pub(super) store: Option<Store>,
}

pub(super) fn terms(login: Login, currency: &str) -> AccountTerms {
    AccountTerms {
        login,
        deposit: Deposit { currency: currency.into(), digits: 2, leverage: 100 },
        margin_call: 100.0,
        stop_out: StopOut::Level(50.0),
        free_margin: FreeMarginMode::ProfitAndLoss,
        margin_mode: MarginMode::Hedging,
        fifo: false,
        commissions: GROUPS[0].commissions,
        leverage: GROUPS[0].leverage_rules(),
    }
}

pub(super) fn money(amount: f64) -> Money {
    Money::round(amount, 2)
}

pub(super) fn lots(lots: f64) -> Volume {
    Volume::from_lots(lots).unwrap()
}

/// The request that opens a position, or closes one if `position` is set later.
pub(super) fn market(kind: OrderType, symbol: &str, volume: f64) -> TradeRequest {
    TradeRequest {
        action: TradeAction::DealMarket,
        symbol: symbol.into(),
        volume: lots(volume),
        kind,
        filling: Filling::ImmediateOrCancel,
        expiration: Expiration::GoodTillCancelled,
        expires_s: 0,
        price: 0.0,
        limit_price: 0.0,
        sl: 0.0,
        tp: 0.0,
        deviation: 0,
        comment: String::new(),
        order: None,
        position: None,
        position_by: None,
        share: 1.0,
    }
}

pub(super) fn pending(kind: OrderType, symbol: &str, price: f64) -> TradeRequest {
    let base = market(kind, symbol, 1.0);
    TradeRequest { action: TradeAction::Pending, filling: Filling::Return, price, ..base }
}

/// The built-in symbols, one of them with other terms.
pub(super) fn edited(name: &str, edit: impl Fn(&mut Symbol)) -> Catalogue {
    let mut symbols: Vec<Symbol> =
        Catalogue::built_in(MarketHours::Always).symbols().iter().map(|s| (**s).clone()).collect();
    edit(symbols.iter_mut().find(|symbol| symbol.name == name).unwrap());
    Catalogue::of(symbols)
}

impl World {
    pub(super) fn new() -> Self {
        Self::of(Catalogue::built_in(MarketHours::Always), Limits::default())
    }

    /// Every symbol is quoted at its usual price.
    pub(super) fn of(catalogue: Catalogue, limits: Limits) -> Self {
        Self::agreed(catalogue, limits, |_| {})
    }

    /// Both accounts have this margin mode.
    pub(super) fn in_mode(mode: MarginMode) -> Self {
        let catalogue = Catalogue::built_in(MarketHours::Always);
        Self::agreed(catalogue, Limits::default(), |terms| terms.margin_mode = mode)
    }

    /// The usual terms are edited for both accounts.
    pub(super) fn agreed(catalogue: Catalogue, limits: Limits, edit: impl Fn(&mut AccountTerms)) -> Self {
        let mut world = Self::opened(catalogue, limits, edit);
        let symbols: Vec<_> = world.catalogue.symbols().to_vec();
        for symbol in symbols {
            let bid = symbol.pace.price;
            let ask = bid + symbol.points(symbol.pace.spread).to_f64();
            world.quote(&symbol.name, bid, ask);
        }
        world
    }

    pub(super) fn unquoted(catalogue: Catalogue, limits: Limits) -> Self {
        Self::opened(catalogue, limits, |_| {})
    }

    fn opened(catalogue: Catalogue, limits: Limits, edit: impl Fn(&mut AccountTerms)) -> Self {
        let catalogue = Arc::new(catalogue);
        let engine = Engine::new(Arc::clone(&catalogue), limits);
        let mut world = Self { engine, catalogue, now: START, events: Vec::new(), store: None };
        for (login, currency) in [(USD, "USD"), (EUR, "EUR")] {
            let mut terms = terms(login, currency);
            edit(&mut terms);
            world.apply(Command::Open(Box::new(terms)));
            world.pay(login, 10_000.0);
        }
        world
    }

    pub(super) fn apply(&mut self, command: Command) -> Option<Verdict> {
        let mut events = self.engine.apply(command, self.now);
        if let Some(store) = &mut self.store {
            store.keep_events(&events, self.engine.furthest().max(self.now));
        }
        let verdict = match events.pop() {
            Some(Event::Verdict { verdict, .. }) => Some(verdict),
            other => {
                events.extend(other);
                None
            }
        };
        self.events = events;
        verdict
    }

    pub(super) fn pay(&mut self, login: Login, amount: f64) {
        let (amount, comment) = (money(amount), String::new());
        self.apply(Command::Operation { login, kind: DealType::Balance, amount, comment });
    }

    pub(super) fn quote(&mut self, name: &str, bid: f64, ask: f64) {
        let symbol = Arc::clone(self.catalogue.by_name(name).unwrap());
        let (bid, ask) = (symbol.price(bid).unwrap(), symbol.price(ask).unwrap());
        let book = symbol.has_book().then(|| book_around(&symbol, bid, ask, 0));
        let tick = Tick { symbol: symbol.id, time: self.now, bid, ask, last: None, book };
        self.apply(Command::Ticks(vec![tick]));
    }

    pub(super) fn book(&mut self, name: &str, bids: &[(f64, f64)], asks: &[(f64, f64)]) {
        let symbol = Arc::clone(self.catalogue.by_name(name).unwrap());
        let level = |(price, volume): &(f64, f64)| Level {
            price: symbol.price(*price).unwrap(),
            volume: lots(*volume),
        };
        let book = Book { bids: bids.iter().map(level).collect(), asks: asks.iter().map(level).collect() };
        let best = |levels: &[Level], otherwise: f64| {
            levels.first().map_or(symbol.price(otherwise).unwrap(), |level| level.price)
        };
        let (bid, ask) = (best(&book.bids, 1.0), best(&book.asks, 1000.0));
        let tick = Tick { symbol: symbol.id, time: self.now, bid, ask, last: None, book: Some(book) };
        self.apply(Command::Ticks(vec![tick]));
    }

    pub(super) fn trade(&mut self, request: TradeRequest) -> Verdict {
        self.trade_as(USD, request)
    }

    pub(super) fn trade_as(&mut self, login: Login, request: TradeRequest) -> Verdict {
        let request = Box::new(request);
        self.apply(Command::Trade { login, tag: 0, is_investor: false, request }).unwrap()
    }

    /// A request that must succeed; gives its order.
    pub(super) fn done(&mut self, request: TradeRequest) -> Ticket {
        let verdict = self.trade(request);
        assert!(verdict.retcode.is_success(), "{verdict:?}");
        verdict.order.unwrap_or(Ticket(0))
    }

    pub(super) fn wait(&mut self, span: Duration) {
        self.now = self.now + span;
        self.apply(Command::Clock);
    }

    pub(super) fn positions(&mut self) -> Vec<Position> {
        self.engine.snapshot(USD).unwrap().positions
    }

    pub(super) fn orders(&mut self) -> Vec<Order> {
        self.engine.snapshot(USD).unwrap().orders
    }

    pub(super) fn balance(&self, login: Login) -> f64 {
        self.engine.funds(login).unwrap().balance.to_f64()
    }

    pub(super) fn history(&self) -> History {
        self.engine.history(USD, 0, i64::MAX, usize::MAX).unwrap()
    }

    /// The last deal.
    pub(super) fn last_deal(&self) -> Deal {
        self.history().deals.pop().unwrap()
    }
}

pub(super) fn price(value: f64) -> Price {
    Price::from_f64(value, 5).unwrap()
}

/// Closes a position, or a part.
pub(super) fn close(position: &Position, symbol: &str, volume: f64) -> TradeRequest {
    let kind = position.side.opposite().market_order();
    TradeRequest { position: Some(position.id), ..market(kind, symbol, volume) }
}
