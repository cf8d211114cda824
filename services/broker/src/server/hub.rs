//! The task that owns everything that changes: engine, accounts, clients, prices.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::{DealType, Money, Price, ServerTime, day_start_s};
use runtime::{CancellationToken, Tasks};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{MissedTickBehavior, interval};
use wire::message::Request;
use wire::records::PERIODS;
use wire::{Command as WireCommand, Payload, pushes};

use super::StartError;
use super::bars_desk::WORKERS;
use super::client::{Client, ClientId};
use super::clock::ServerClock;
use super::control::Work;
use super::daylight::ahead_of_new_york_close;
use super::edits::{restore_holidays, restore_symbols};
use super::figures::Figures;
use super::holidays::Holidays;
use super::outbox::{Body, Outbox};
use super::records;
use super::symbols::SymbolAnswers;
use super::trading::Withheld;
use crate::accounts::{Access, BuildError, Directory, configured, terms_of};
use crate::bars::{BARS_MAX, Charts};
use crate::catalogue::{Catalogue, MarketHours, Symbol, SymbolId};
use crate::engine::{Book, Command, Engine, Login, Quote, Tick};
use crate::faults::Faults;
use crate::feed::{Replay, STEP_MS, Source, Walk, World, book_around};
use crate::settings::{AccountSettings, AnswerLimits, Feed, Settings};
use crate::store::Store;
use model::calc::BidAsk;

/// How often a replay is looked at.
const REPLAY_PERIOD: Duration = Duration::from_millis(20);
/// How often accounts are looked over and the day's figures are sent.
const SWEEP_PERIOD: Duration = Duration::from_secs(1);
const DAY_S: i64 = 86_400;

/// What connections tell the hub.
#[derive(Debug)]
pub(super) enum ToHub {
    /// A connection has its key.
    Joined(ClientId, Arc<Outbox>),
    /// A connection asks for something.
    Asked(ClientId, WireCommand, Request),
    /// A connection has ended.
    Gone(ClientId),
}

/// How the broker presents itself.
pub(super) struct Presentation {
    pub(super) server_name: String,
    pub(super) company: String,
}

pub(super) struct Hub {
    pub(super) engine: Engine,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) directory: Directory,
    pub(super) clients: BTreeMap<ClientId, Client>,
    pub(super) by_login: BTreeMap<Login, BTreeSet<ClientId>>,
    pub(super) symbols: SymbolAnswers,
    pub(super) clock: ServerClock,
    pub(super) charts: Arc<Charts>,
    pub(super) bars_turns: Arc<Semaphore>,
    pub(super) answers: AnswerLimits,
    pub(super) presentation: Presentation,
    pub(super) faults: Faults,
    pub(super) store: Option<Store>,
    /// What has happened and could not be written yet, so that nobody has been told of it. Nothing is traded meanwhile: it
    /// grows by what open positions and orders do by themselves.
    pub(super) withheld: Vec<Withheld>,
    pub(super) tasks: Tasks,
    pub(super) last_transaction: u32,
    pub(super) last_serial: u32,
    pub(super) market_hours: MarketHours,
    /// The clock by which the built-in hours are stated, minutes ahead of that of New York's close.
    pub(super) hours_ahead_min: i32,
    pub(super) holidays: Holidays,
    pub(super) source: Source,
    pub(super) figures: HashMap<SymbolId, Figures>,
    world: Arc<World>,
    feed_period: Duration,
    has_walked_past: bool,
}

/// What is wrong with the accounts, the recorded ticks and the kept data that settings name.
pub(super) fn mistakes(settings: &Settings) -> Vec<StartError> {
    let catalogue = Catalogue::built_in(settings.market_hours);
    let accounts = || {
        for account in configured(settings.accounts_file.as_deref(), &settings.accounts)? {
            terms_of(&account)?;
        }
        Ok::<(), BuildError>(())
    };
    let replay = match &settings.feed {
        Feed::Replay(directory) => {
            let now = ServerClock::new(settings.clock, settings.zone).now();
            Replay::load(directory, &catalogue, now, settings.speed).err()
        }
        Feed::Walk | Feed::Manual => None,
    };
    let store =
        settings.data.as_ref().and_then(|folder| Store::open(folder, Arc::new(catalogue.clone())).err());
    let mistakes = accounts().err().map(StartError::from).into_iter();
    mistakes.chain(replay.map(StartError::from)).chain(store.map(StartError::from)).collect()
}

impl Hub {
    pub(super) fn new(settings: Settings, faults: Faults, tasks: Tasks) -> Result<Self, StartError> {
        let clock = ServerClock::new(settings.clock, settings.zone);
        let now = clock.now();
        let hours_ahead_min = ahead_of_new_york_close(clock.ahead().ms(), clock.unix_s());
        let catalogue = Catalogue::built_in_ahead(settings.market_hours, hours_ahead_min);
        let open = |folder: &PathBuf| Store::open(folder, Arc::new(catalogue.clone()));
        let store = settings.data.as_ref().map(open).transpose()?;
        let mut holidays = Holidays::default();
        let mut catalogue = catalogue.clone();
        if let Some(store) = &store {
            catalogue = catalogue.with_all(restore_symbols(store, &catalogue)?);
            restore_holidays(store, &catalogue, &mut holidays)?;
        }
        for holiday in settings.holidays {
            holidays.add(holiday, &catalogue)?;
        }
        let catalogue = Arc::new(catalogue.with_all(holidays.missing(&catalogue)));
        let world = Arc::new(World::new(Arc::clone(&catalogue), settings.seed));
        let is_walk = settings.feed == Feed::Walk;
        let source = match &settings.feed {
            Feed::Walk => Source::Walk(Walk::new(Arc::clone(&world), now)),
            Feed::Manual => Source::Manual,
            Feed::Replay(directory) => {
                let replay = Replay::load(directory, &catalogue, now, settings.speed)?;
                Source::replay(replay, Arc::clone(&world), now)
            }
        };
        let step = Duration::from_millis(STEP_MS.unsigned_abs());
        let mut hub = Self {
            engine: Engine::new(Arc::clone(&catalogue), settings.limits),
            directory: Directory::default(),
            clients: BTreeMap::new(),
            by_login: BTreeMap::new(),
            symbols: SymbolAnswers::new(&catalogue),
            clock,
            charts: Arc::new(Charts::new(Arc::clone(&world), now, !is_walk)),
            bars_turns: Arc::new(Semaphore::new(WORKERS)),
            answers: settings.answers,
            presentation: Presentation { server_name: settings.server_name, company: settings.company },
            faults,
            store,
            withheld: Vec::new(),
            tasks,
            last_transaction: 0,
            last_serial: 0,
            market_hours: settings.market_hours,
            hours_ahead_min,
            holidays,
            catalogue,
            world,
            source,
            figures: HashMap::new(),
            feed_period: if is_walk { step } else { REPLAY_PERIOD },
            has_walked_past: is_walk,
        };
        let opening = hub.source.opening(now);
        hub.take_ticks(opening);
        hub.restore(settings.limits.history_max)?;
        hub.open_configured(&configured(settings.accounts_file.as_deref(), &settings.accounts)?)?;
        Ok(hub)
    }

    /// Makes an account with its first deposit.
    pub(super) fn open_account(&mut self, account: &AccountSettings) -> Result<(), BuildError> {
        let bad = |reason| BuildError::Account { login: account.login, reason };
        let terms = terms_of(account)?;
        let login = terms.login;
        if self.directory.holder(login).is_some() {
            return Err(bad("there is an account of this number already"));
        }
        let (password, investor) = (&account.password, &account.investor_password);
        self.directory.add(login, account.name.clone(), password, investor, &account.otp).map_err(bad)?;
        self.directory.show_as_real(login, account.shown_as_real);
        self.keep_account(account);
        let amount = Money::round(account.deposit, terms.deposit.digits);
        self.apply(Command::Open(Box::new(terms)));
        if amount > Money::ZERO {
            let comment = "Initial deposit".into();
            self.apply(Command::Operation { login, kind: DealType::Balance, amount, comment });
        }
        Ok(())
    }

    /// Tells the engine something, and the clients what came of it.
    pub(super) fn apply(&mut self, command: Command) {
        let events = self.engine.apply(command, self.clock.now());
        self.announce(events, None);
    }

    /// Prices that somebody sets; without a book, an exchange symbol gets a deep one around them.
    pub(super) fn quote(&mut self, symbol: &Symbol, bid: Price, ask: Price, book: Option<Book>) {
        let book = symbol.has_book().then(|| book.unwrap_or_else(|| book_around(symbol, bid, ask, 0)));
        let time = self.clock.now();
        self.take_ticks(vec![Tick { symbol: symbol.id, time, bid, ask, last: None, book }]);
    }

    /// Where a symbol's generated price goes on from; prices that are set by hand are not generated.
    pub(super) fn lead(&mut self, symbol: &Symbol, mid: f64) {
        self.source.lead(symbol, mid, self.clock.steady());
    }

    /// Other terms of symbols, for everybody at once. Untold, clients find out when they ask.
    pub(super) fn replace_symbols(&mut self, symbols: Vec<Symbol>, is_told: bool) {
        let ids: Vec<_> = symbols.iter().map(|symbol| symbol.id).collect();
        self.catalogue = Arc::new(self.catalogue.with_all(symbols));
        self.world = Arc::new(self.world.under(Arc::clone(&self.catalogue)));
        self.source.change_symbols(Arc::clone(&self.world));
        self.symbols = SymbolAnswers::new(&self.catalogue);
        self.charts.change_symbols();
        self.apply(Command::Symbols(Arc::clone(&self.catalogue)));
        let records: Vec<_> = ids.iter().filter_map(|id| self.symbols.update(*id)).collect();
        for client in self.clients.values().filter(|client| is_told && client.access.is_some()) {
            records.iter().for_each(|record| client.outbox.push::<pushes::SymbolUpdate>(Arc::clone(record)));
        }
    }

    /// New prices: to the charts, the engine and the subscribers.
    pub(super) fn take_ticks(&mut self, mut ticks: Vec<Tick>) {
        if ticks.is_empty() {
            return;
        }
        let mut records = Vec::with_capacity(ticks.len());
        for tick in &mut ticks {
            let Some(symbol) = self.catalogue.get(tick.symbol).cloned() else { continue };
            if let Some(quote) = self.engine.quote(tick.symbol) {
                tick.time = tick.time.max(quote.time);
            }
            self.note(&symbol, tick);
            let price = BidAsk { bid: tick.bid, ask: tick.ask };
            let quote = Quote { price, last: tick.last, time: tick.time };
            let record: Body = records::tick(&symbol, &quote).to_bytes().into();
            records.push((symbol.id.0, record));
        }
        let events = self.engine.apply(Command::Ticks(ticks), self.clock.now());
        self.send_ticks(&records);
        self.announce(events, None);
    }

    /// Keeps a tick for the bars and the day's figures. Prices outside the hours of quotes are only there so that
    /// the symbol has one.
    fn note(&mut self, symbol: &Symbol, tick: &Tick) {
        if symbol.schedule.is_quoted(tick.time) {
            self.charts.add(tick);
        }
        match self.figures.get_mut(&symbol.id) {
            Some(figures) => figures.add(tick),
            None => {
                let earlier = self.earlier_today(symbol, tick.time);
                self.figures.insert(symbol.id, Figures::new(tick, earlier));
            }
        }
    }

    /// The bar of today so far, with the close of the day before.
    fn earlier_today(&self, symbol: &Symbol, now: ServerTime) -> Option<(crate::bars::Bar, Price)> {
        if !self.has_walked_past {
            return None;
        }
        let daily = PERIODS.into_iter().find(|period| period.name == "D1")?;
        let today = day_start_s(now.seconds());
        // The day before is mostly yesterday; after a weekend it is some days ago.
        [1, 5].into_iter().find_map(|days| {
            let bars = self.charts.range(symbol, daily, today - days * DAY_S, today, BARS_MAX);
            let [.., before, last] = bars.as_slice() else { return None };
            (last.time_s == today).then_some((*last, before.close))
        })
    }

    fn send_ticks(&self, records: &[(u32, Body)]) {
        for client in self.clients.values().filter(|client| !client.ticks.is_empty()) {
            client.outbox.tick(records.iter().filter(|(id, _)| client.ticks.contains(&SymbolId(*id))));
        }
        let mut sent = BTreeSet::new();
        for (id, _) in records {
            if sent.insert(*id) {
                self.send_book(SymbolId(*id));
            }
        }
    }

    /// Sends a symbol's book to all who watch it.
    fn send_book(&self, id: SymbolId) {
        let Some(symbol) = self.catalogue.get(id).filter(|symbol| symbol.has_book()) else { return };
        let watchers: Vec<_> = self.clients.values().filter(|client| client.books.contains(&id)).collect();
        if let Some(snapshot) = self.book_snapshot(symbol).filter(|_| !watchers.is_empty()) {
            watchers.iter().for_each(|client| client.outbox.book(id.0, &snapshot));
        }
    }

    pub(super) fn book_snapshot(&self, symbol: &Symbol) -> Option<Body> {
        let quote = self.engine.quote(symbol.id)?;
        Some(records::book(symbol, self.engine.book(symbol.id), quote.time).to_bytes().into())
    }

    pub(super) fn tick_record(&self, symbol: &Symbol) -> Option<Body> {
        let quote = self.engine.quote(symbol.id)?;
        Some(records::tick(symbol, &quote).to_bytes().into())
    }

    pub(super) fn details_record(&self, symbol: &Symbol) -> Option<Body> {
        self.figures.get(&symbol.id).map(|figures| figures.record(symbol).to_bytes().into())
    }

    /// Looks over all accounts, and sends the day's figures that have changed.
    fn sweep(&mut self) {
        self.follow_clock();
        self.apply(Command::Clock);
        // Tries again what could not be written.
        self.is_writable();
        let take =
            |(id, figures): (&SymbolId, &mut Figures)| std::mem::take(&mut figures.is_fresh).then_some(*id);
        let fresh: Vec<SymbolId> = self.figures.iter_mut().filter_map(take).collect();
        for id in fresh {
            let Some(symbol) = self.catalogue.get(id) else { continue };
            let Some(record) = self.details_record(symbol) else { continue };
            for client in self.clients.values().filter(|client| client.ticks.contains(&id)) {
                client.outbox.details(id.0, &record);
            }
        }
    }

    fn advance_feed(&mut self) {
        self.follow_clock();
        let ticks = self.source.advance(self.clock.steady(), &self.world);
        self.take_ticks(ticks);
    }

    /// The feed and the sweep, at once: for a clock that is moved by hand.
    pub(super) fn catch_up(&mut self) {
        self.advance_feed();
        self.sweep();
    }

    fn take(&mut self, message: ToHub) {
        match message {
            ToHub::Joined(id, outbox) => {
                self.clients.insert(id, Client::new(outbox));
            }
            ToHub::Asked(id, command, request) => self.answer(id, command, &request),
            ToHub::Gone(id) => {
                let access = self.clients.remove(&id).and_then(|client| client.access);
                if let Some(access) = access {
                    self.leave(id, access.login);
                }
            }
        }
    }

    /// Makes a connection a session of an account.
    pub(super) fn enter(&mut self, id: ClientId, access: Access) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.outbox.set_login(access.login.0);
        if let Some(before) = client.access.replace(access) {
            self.leave(id, before.login);
        }
        self.by_login.entry(access.login).or_default().insert(id);
    }

    fn leave(&mut self, id: ClientId, login: Login) {
        if let Some(sessions) = self.by_login.get_mut(&login) {
            sessions.remove(&id);
            if sessions.is_empty() {
                self.by_login.remove(&login);
            }
        }
    }

    /// The outboxes of all sessions of an account.
    pub(super) fn sessions(&self, login: Login) -> impl Iterator<Item = (ClientId, &Arc<Outbox>)> {
        let ids = self.by_login.get(&login).into_iter().flatten();
        ids.filter_map(|id| self.clients.get(id).map(|client| (*id, &client.outbox)))
    }

    /// Ends all sessions of an account: they learn that the trade server is gone, then the socket drops.
    pub(super) fn end_sessions(&self, login: Login) {
        let status: Body = wire::records::LoginStatus { status: 1 }.to_bytes().into();
        for (_, outbox) in self.sessions(login) {
            outbox.push::<pushes::LoginStatus>(Arc::clone(&status));
            outbox.hang_up();
        }
    }
}

/// Serves until told to stop. Operators come first, then time, then prices, then requests.
pub(super) async fn run(
    mut hub: Hub,
    mut requests: mpsc::Receiver<ToHub>,
    mut commands: mpsc::Receiver<Work>,
    stop: CancellationToken,
) {
    let mut feed = interval(hub.feed_period);
    let mut sweep = interval(SWEEP_PERIOD);
    feed.set_missed_tick_behavior(MissedTickBehavior::Skip);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(work) = commands.recv() => work(&mut hub),
            _ = sweep.tick() => hub.sweep(),
            _ = feed.tick() => hub.advance_feed(),
            Some(message) = requests.recv() => hub.take(message),
        }
    }
}
