//! What a store kept of an engine makes another one that is the same.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use model::{Filling, OrderState, OrderType};
use proptest::prelude::*;

use super::properties::step;
use super::world::*;
use crate::accounts::Directory;
use crate::catalogue::{Catalogue, MarketHours};
use crate::engine::*;
use crate::settings::{AccountSettings, MarginMode, OtpSettings};
use crate::store::{Store, StoreError};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("mt5rest-store-{}-{number}", std::process::id())))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl World {
    /// A world whose changes are kept from its accounts' first deposits on.
    fn kept(folder: &Folder, mode: MarginMode) -> Self {
        let edit = |terms: &mut AccountTerms| terms.margin_mode = mode.in_model();
        let mut world = Self::agreed(Catalogue::built_in(MarketHours::Always), Limits::default(), edit);
        let mut store = Store::open(folder.path(), Arc::clone(&world.catalogue)).unwrap();
        let mut directory = Directory::default();
        for (login, currency) in [(USD, "USD"), (EUR, "EUR")] {
            directory.add(login, String::new(), "demo", "", &OtpSettings::Off).unwrap();
            let settings = AccountSettings {
                login: login.0,
                currency: currency.into(),
                margin_mode: mode,
                ..AccountSettings::default()
            };
            let secrets = directory.holder(login).unwrap().secrets();
            store.keep_account(&settings, secrets, world.now);
            let history = world.engine.history(login, 0, i64::MAX, usize::MAX).unwrap();
            let funds = world.engine.funds(login).unwrap();
            let report =
                |deal: &Deal| DealReport { deal: Some(deal.clone()), funds, ..DealReport::default() };
            let event = |deal| Event::Deal { login, change: Change::Added, report: Box::new(report(deal)) };
            store.keep_events(&history.deals.iter().map(event).collect::<Vec<_>>(), world.now);
        }
        world.store = Some(store);
        world
    }

    /// Another engine at the same prices, made of what was kept.
    fn reopened(&mut self, folder: &Folder) -> Engine {
        self.store = None;
        let store = Store::open(folder.path(), Arc::clone(&self.catalogue)).unwrap();
        let books = store.load(usize::MAX).unwrap();
        let mut engine = Engine::new(Arc::clone(&self.catalogue), Limits::default());
        let tick = |symbol: &Arc<crate::catalogue::Symbol>| {
            let Quote { price, last, time } = self.engine.quote(symbol.id)?;
            let book = symbol.has_book().then(|| self.engine.book(symbol.id).clone());
            Some(Tick { symbol: symbol.id, time, bid: price.bid, ask: price.ask, last, book })
        };
        let ticks = self.catalogue.symbols().iter().filter_map(tick).collect();
        assert_eq!(engine.apply(Command::Ticks(ticks), self.now), []);
        let accounts = books.accounts.into_iter().map(|(_, account)| account).collect();
        engine.restore(accounts, books.clock.unwrap());
        engine
    }
}

fn assert_same(one: &mut Engine, other: &mut Engine) {
    for login in [USD, EUR] {
        assert_eq!(one.snapshot(login), other.snapshot(login));
        assert_eq!(one.equity(login), other.equity(login));
        let history = |engine: &Engine| engine.history(login, 0, i64::MAX, usize::MAX);
        assert_eq!(history(one), history(other));
        assert_eq!(one.funds(login), other.funds(login));
    }
}

fn modes() -> impl Strategy<Value = MarginMode> {
    prop_oneof![Just(MarginMode::Hedging), Just(MarginMode::Netting), Just(MarginMode::Exchange)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(36))]

    #[test]
    fn a_restart_changes_nothing(steps in prop::collection::vec(step(), 1..60), more in prop::collection::vec(step(), 1..20), mode in modes()) {
        let folder = Folder::new();
        let mut world = World::kept(&folder, mode);
        for step in &steps {
            world.step(step);
        }
        let mut engine = world.reopened(&folder);
        // What was not kept because nothing came of it: midnights without a charge.
        engine.apply(Command::Clock, world.now);
        world.engine.apply(Command::Clock, world.now);
        assert_same(&mut engine, &mut world.engine);
        world.engine = engine;
        for step in &more {
            world.step(step);
            world.check_books()?;
        }
    }
}

#[test]
fn a_new_day_is_kept_even_if_nothing_came_of_it_but_an_order_afterwards() {
    let folder = Folder::new();
    let mut world = World::kept(&folder, MarginMode::Hedging);
    world.done(market(OrderType::Buy, "EURUSD", 1.0));
    world.quote("EURUSD", 1.2, 1.2001);
    let position = world.positions()[0].clone();
    world.done(close(&position, "EURUSD", 1.0));
    assert!(world.engine.funds(USD).unwrap().day_profit > Money::ZERO);
    world.wait(std::time::Duration::from_hours(13));
    world.done(pending(OrderType::BuyLimit, "EURUSD", 1.1));
    let mut engine = world.reopened(&folder);
    assert_eq!(engine.funds(USD).unwrap().day_profit, Money::ZERO);
    assert_same(&mut engine, &mut world.engine);
}

#[test]
fn orders_that_ended_meanwhile_are_ended_and_swaps_charged() {
    let folder = Folder::new();
    let mut world = World::kept(&folder, MarginMode::Hedging);
    let verdict = world.trade(market(OrderType::Buy, "EURUSD", 1.0));
    let position = verdict.order.unwrap();
    let day =
        TradeRequest { expiration: model::Expiration::Day, ..pending(OrderType::BuyLimit, "EURUSD", 1.0) };
    let order = world.trade(day).order.unwrap();
    let mut engine = world.reopened(&folder);
    assert_eq!(engine.snapshot(USD).unwrap().orders.len(), 1);
    let events = engine.apply(Command::Clock, world.now + std::time::Duration::from_hours(24));
    let has_expired = |event: &Event| {
        matches!(event, Event::Order { list: List::History, order: ended, .. }
            if ended.ticket == order && ended.state == OrderState::Expired)
    };
    assert!(events.iter().any(has_expired), "{events:?}");
    let open = engine.snapshot(USD).unwrap();
    assert!(open.positions[0].id == position && !open.positions[0].swap.is_zero(), "{open:?}");
    let next = engine.apply(
        Command::Trade {
            login: USD,
            tag: 0,
            is_investor: false,
            request: Box::new(market(OrderType::Buy, "EURUSD", 1.0)),
        },
        world.now,
    );
    let is_new =
        |event: &Event| matches!(event, Event::Verdict { verdict, .. } if verdict.order.unwrap() > order);
    assert!(next.iter().any(is_new), "tickets are not given twice: {next:?}");
}

#[test]
fn old_history_is_forgotten_and_new_history_kept() {
    let folder = Folder::new();
    let mut world = World::kept(&folder, MarginMode::Hedging);
    for _ in 0..5 {
        world.trade(market(OrderType::Buy, "EURUSD", 0.1));
    }
    world.store = None;
    let store = Store::open(folder.path(), Arc::clone(&world.catalogue)).unwrap();
    let all = world.engine.history(USD, 0, i64::MAX, usize::MAX).unwrap();
    let books = store.load(3).unwrap();
    let (_, kept) = books.accounts.into_iter().find(|(_, account)| account.terms.login == USD).unwrap();
    assert_eq!(kept.deals, all.deals[3..]);
    assert_eq!(kept.past_orders, all.orders[2..]);
    assert_eq!(kept.positions.len(), 5, "what is open is no history");
}

#[test]
fn a_file_has_one_user_and_one_layout() {
    let folder = Folder::new();
    let catalogue = World::new().catalogue;
    let first = Store::open(folder.path(), Arc::clone(&catalogue)).unwrap();
    let second = Store::open(folder.path(), Arc::clone(&catalogue));
    assert!(matches!(second, Err(StoreError::Taken { .. })), "{second:?}");
    drop(first);
    let file = folder.path().join("broker.sqlite");
    let newer = rusqlite::Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let refused = Store::open(folder.path(), Arc::clone(&catalogue)).unwrap_err();
    assert!(refused.to_string().contains("layout 99"), "{refused}");
    std::fs::write(&file, "no database at all, and long enough not to be taken for an empty one").unwrap();
    assert!(matches!(Store::open(folder.path(), catalogue), Err(StoreError::File { .. })));
}

/// There, orders had no rate of their own, and nothing of what operators change was kept.
#[test]
fn a_file_of_the_first_layout_is_read() {
    let folder = Folder::new();
    let mut world = World::kept(&folder, MarginMode::Hedging);
    world.trade_as(EUR, pending(OrderType::BuyLimit, "AAPL", 200.0));
    let placed = world.engine.snapshot(EUR).unwrap().orders.remove(0);
    assert!(placed.rate_margin < 1.0, "dollars of an account in euros");
    world.store = None;
    let file = rusqlite::Connection::open(folder.path().join("broker.sqlite")).unwrap();
    let undone = "ALTER TABLE orders DROP COLUMN rate_margin; DROP TABLE symbols; DROP TABLE holidays;";
    file.execute_batch(&format!("{undone} PRAGMA user_version = 1")).unwrap();
    drop(file);
    for _ in 0..2 {
        let store = Store::open(folder.path(), Arc::clone(&world.catalogue)).unwrap();
        let books = store.load(10).unwrap();
        let (_, kept) = books.accounts.iter().find(|(_, kept)| kept.terms.login == EUR).unwrap();
        assert_eq!(kept.orders, [Order { rate_margin: 1.0, ..placed.clone() }]);
    }
}

/// No request makes one, but a file may hold a stop-limit order that does not let its rest wait.
#[test]
fn a_kept_order_whose_rest_cannot_wait_need_not_cover_it() {
    for (filling, left) in
        [(Filling::Return, OrderState::Rejected), (Filling::ImmediateOrCancel, OrderState::Canceled)]
    {
        let folder = Folder::new();
        let mut world = World::kept(&folder, MarginMode::Hedging);
        let stop = pending(OrderType::BuyStopLimit, "AAPL", 231.0);
        world.done(TradeRequest { volume: lots(100.0), limit_price: 230.0, ..stop });
        world.store = None;
        let file = rusqlite::Connection::open(folder.path().join("broker.sqlite")).unwrap();
        file.execute("UPDATE orders SET filling = ?1", [filling.number()]).unwrap();
        drop(file);
        world.engine = world.reopened(&folder);
        world.book("AAPL", &[(230.0, 50.0)], &[(231.0, 50.0)]);
        assert_eq!(world.orders()[0].kind, OrderType::BuyLimit);
        // Of 10,000: 50 x 230 x 0.5 for the position, and as much for a rest that waits.
        world.book("AAPL", &[(229.0, 50.0)], &[(230.0, 50.0)]);
        let ended = world.history().orders.pop().unwrap();
        let bought = if left == OrderState::Canceled { vec![lots(50.0)] } else { Vec::new() };
        let held: Vec<_> = world.positions().iter().map(|position| position.volume).collect();
        assert_eq!((ended.state, held, world.orders().len()), (left, bought, 0), "{filling:?}");
    }
}

#[test]
fn a_damaged_row_is_named() {
    let folder = Folder::new();
    let mut world = World::kept(&folder, MarginMode::Hedging);
    world.trade(market(OrderType::Buy, "EURUSD", 0.1));
    world.store = None;
    let open = || Store::open(folder.path(), Arc::clone(&world.catalogue)).unwrap();
    let damage = |text: &str| {
        let file = rusqlite::Connection::open(folder.path().join("broker.sqlite")).unwrap();
        file.execute_batch(text).unwrap();
    };
    damage("UPDATE positions SET side = 7");
    let told = open().load(10).unwrap_err().to_string();
    assert!(told.contains("table positions, row 1: there is no 7"), "{told}");
    damage("UPDATE positions SET side = 0, symbol = 'EURABC'");
    let told = open().load(10).unwrap_err().to_string();
    assert!(told.contains("there is no symbol 'EURABC'"), "{told}");
}
