//! Reading the books when a broker starts.

use std::collections::BTreeMap;

use model::{
    DealEntry, DealType, Expiration, Filling, Money, OrderState, OrderType, Price, Reason, ServerTime, Side,
    Volume,
};
use rusqlite::types::FromSql;
use rusqlite::{OptionalExtension, Row};

use super::columns::to_activation;
use super::{Store, StoreError};
use crate::accounts::Secrets;
use crate::catalogue::SymbolId;
use crate::engine::{Deal, DealTicket, Funds, KeptAccount, Login, Order, Position, Ticket};
use crate::settings::AccountSettings;

/// Everything that was kept.
#[derive(Debug)]
pub(crate) struct Books {
    /// When the last change was made; none: nothing was kept yet.
    pub(crate) clock: Option<ServerTime>,
    /// By number.
    pub(crate) accounts: Vec<(KeptHolder, KeptAccount)>,
}

/// Who an account is.
#[derive(Debug)]
pub(crate) struct KeptHolder {
    pub(crate) settings: AccountSettings,
    pub(crate) secrets: Secrets,
    pub(crate) enabled: bool,
}

/// Why a row is of no use.
enum Bad {
    Read(rusqlite::Error),
    Means(String),
}

impl From<rusqlite::Error> for Bad {
    fn from(error: rusqlite::Error) -> Self {
        Self::Read(error)
    }
}

type Read<T> = Result<T, Bad>;

/// Columns of a row, one after the other.
struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl Columns<'_> {
    fn take<T: FromSql>(&mut self) -> Read<T> {
        self.next += 1;
        Ok(self.row.get(self.next - 1)?)
    }

    fn number(&mut self) -> Read<u64> {
        let value: i64 = self.take()?;
        u64::try_from(value).map_err(|_| Bad::Means(format!("{value} is below zero")))
    }

    fn ticket(&mut self) -> Read<Ticket> {
        self.number().map(Ticket)
    }

    fn maybe_ticket(&mut self) -> Read<Option<Ticket>> {
        Ok(self.take::<Option<i64>>()?.map(|ticket| Ticket(ticket.unsigned_abs())))
    }

    fn price(&mut self) -> Read<Price> {
        Ok(Price::from_units(self.take()?))
    }

    fn maybe_price(&mut self) -> Read<Option<Price>> {
        Ok(self.take::<Option<i64>>()?.map(Price::from_units))
    }

    fn volume(&mut self) -> Read<Volume> {
        Ok(Volume::from_units(self.number()?))
    }

    fn money(&mut self) -> Read<Money> {
        Ok(Money::from_units(self.take::<i64>()?.into()))
    }

    fn time(&mut self) -> Read<ServerTime> {
        Ok(ServerTime::from_ms(self.take()?))
    }

    fn maybe_time(&mut self) -> Read<Option<ServerTime>> {
        Ok(self.take::<Option<i64>>()?.map(ServerTime::from_ms))
    }

    fn one_of<T>(&mut self, from_number: fn(u32) -> Option<T>) -> Read<T> {
        let number: u32 = self.take()?;
        from_number(number).ok_or_else(|| Bad::Means(format!("there is no {number}")))
    }
}

impl Store {
    /// Reads all that was kept, of each account's history the newest `history_max` deals and orders; older ones are
    /// forgotten for good.
    pub(crate) fn load(&self, history_max: usize) -> Result<Books, StoreError> {
        self.forget_old(history_max).map_err(|error| self.unreadable(error))?;
        let clock = self.db.query_row("SELECT now_ms FROM clock", [], |row| row.get(0)).optional();
        let clock: Option<i64> = clock.map_err(|error| self.unreadable(error))?;
        let mut accounts = self.accounts()?;
        let mut add = |login: Login, put: &dyn Fn(&mut KeptAccount)| {
            if let Some((_, account)) = accounts.get_mut(&login) {
                put(account);
            }
        };
        for (login, position) in self.rows("positions", "login, id", |row| self.position(row))? {
            add(login, &|account| account.positions.push(position.clone()));
        }
        for (login, has_ended, order) in self.rows("orders", "login, ended, ticket", |row| self.order(row))? {
            add(login, &|account| {
                let list = if has_ended { &mut account.past_orders } else { &mut account.orders };
                list.push(order.clone());
            });
        }
        for (login, deal) in self.rows("deals", "login, ticket", |row| self.deal(row))? {
            add(login, &|account| account.deals.push(deal.clone()));
        }
        Ok(Books { clock: clock.map(ServerTime::from_ms), accounts: accounts.into_values().collect() })
    }

    /// What is kept of who an account is.
    pub(crate) fn settings(&self, login: Login) -> Option<AccountSettings> {
        let text = "SELECT settings FROM accounts WHERE login = ?1";
        let read = self.db.query_row(text, [super::columns::login(login)], |row| row.get::<_, String>(0));
        let settings = read.map_err(|error| error.to_string());
        let settings =
            settings.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
        settings
            .inspect_err(|error| {
                tracing::error!(login = login.0, error, "an account cannot be read from the books");
            })
            .ok()
    }

    /// What operators have changed in a symbol, as text.
    pub(crate) fn edits_of(&self, name: &str) -> Option<String> {
        let text = "SELECT edits FROM symbols WHERE name = ?1";
        self.db.query_row(text, [name], |row| row.get(0)).ok()
    }

    /// What operators have changed in symbols, by name, as text.
    pub(crate) fn symbol_edits(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.pairs("SELECT name, edits FROM symbols ORDER BY name")
    }

    /// The holidays that operators have made, by number, as text.
    pub(crate) fn holidays(&self) -> Result<Vec<(u64, String)>, StoreError> {
        let all = self.pairs::<i64>("SELECT id, holiday FROM holidays ORDER BY id")?;
        Ok(all.into_iter().map(|(id, text)| (id.unsigned_abs(), text)).collect())
    }

    fn pairs<T: FromSql>(&self, text: &str) -> Result<Vec<(T, String)>, StoreError> {
        let read = || {
            let mut statement = self.db.prepare(text)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.unreadable(error))
    }

    fn forget_old(&self, history_max: usize) -> rusqlite::Result<()> {
        let most = i64::try_from(history_max).unwrap_or(i64::MAX);
        for (table, key) in [("deals", "ticket"), ("orders", "ended")] {
            let text = format!(
                "DELETE FROM {table} WHERE {key} IS NOT NULL AND ticket NOT IN (SELECT ticket FROM (SELECT ticket,
                row_number() OVER (PARTITION BY login ORDER BY {key} DESC) AS place FROM {table} WHERE {key} IS NOT NULL)
                WHERE place <= ?1)"
            );
            self.db.execute(&text, [most])?;
        }
        Ok(())
    }

    fn unreadable(&self, source: rusqlite::Error) -> StoreError {
        StoreError::File { path: self.path.clone(), source }
    }

    /// All rows of a table. Its first column is the login, or the ticket.
    fn rows<T>(
        &self,
        table: &'static str,
        order: &str,
        read: impl Fn(&mut Columns<'_>) -> Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        let bad = |error| self.unreadable(error);
        let mut statement =
            self.db.prepare(&format!("SELECT * FROM {table} ORDER BY {order}")).map_err(bad)?;
        let mut rows = statement.query([]).map_err(bad)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(bad)? {
            let one = read(&mut Columns { row, next: 0 });
            all.push(one.map_err(|wrong| StoreError::Row {
                path: self.path.clone(),
                table,
                row: row.get(0).unwrap_or_default(),
                what: match wrong {
                    Bad::Read(error) => error.to_string(),
                    Bad::Means(what) => what,
                },
            })?);
        }
        Ok(all)
    }

    fn accounts(&self) -> Result<BTreeMap<Login, (KeptHolder, KeptAccount)>, StoreError> {
        let read = |row: &mut Columns<'_>| {
            let login = row.number()?;
            let not_json = |error: serde_json::Error| Bad::Means(error.to_string());
            let settings =
                serde_json::from_str::<AccountSettings>(&row.take::<String>()?).map_err(not_json)?;
            let secrets = serde_json::from_str(&row.take::<String>()?).map_err(not_json)?;
            let enabled = row.take()?;
            let funds = Funds { balance: row.money()?, credit: row.money()?, day_profit: row.money()? };
            let terms =
                crate::accounts::terms_of(&settings).map_err(|error| Bad::Means(error.to_string()))?;
            let holder = KeptHolder { settings, secrets, enabled };
            Ok((Login(login), (holder, KeptAccount::new(terms, enabled, funds))))
        };
        Ok(self.rows("accounts", "login", read)?.into_iter().collect())
    }

    fn symbol(&self, name: &str) -> Read<SymbolId> {
        let symbol = self.catalogue.by_name(name);
        symbol.map(|symbol| symbol.id).ok_or_else(|| Bad::Means(format!("there is no symbol '{name}'")))
    }

    fn position(&self, row: &mut Columns<'_>) -> Read<(Login, Position)> {
        let login = Login(row.number()?);
        let position = Position {
            id: row.ticket()?,
            order: row.ticket()?,
            symbol: self.symbol(&row.take::<String>()?)?,
            side: row.one_of(Side::from_number)?,
            volume: row.volume()?,
            price_open: row.price()?,
            price_current: row.price()?,
            sl: row.maybe_price()?,
            tp: row.maybe_price()?,
            profit: row.money()?,
            rate_profit: row.take()?,
            rate_margin: row.take()?,
            commission: row.money()?,
            swap: row.money()?,
            opened: row.time()?,
            updated: row.time()?,
            reason: row.one_of(Reason::from_number)?,
            comment: row.take()?,
        };
        Ok((login, position))
    }

    fn order(&self, row: &mut Columns<'_>) -> Read<(Login, bool, Order)> {
        let ticket = row.ticket()?;
        let login = Login(row.number()?);
        let ended: Option<i64> = row.take()?;
        let order = Order {
            ticket,
            symbol: self.symbol(&row.take::<String>()?)?,
            kind: row.one_of(OrderType::from_number)?,
            state: row.one_of(OrderState::from_number)?,
            filling: row.one_of(Filling::from_number)?,
            expiration: row.one_of(Expiration::from_number)?,
            expires: row.maybe_time()?,
            reason: row.one_of(Reason::from_number)?,
            price: row.price()?,
            limit_price: row.maybe_price()?,
            price_current: row.price()?,
            sl: row.maybe_price()?,
            tp: row.maybe_price()?,
            volume_initial: row.volume()?,
            volume_current: row.volume()?,
            placed: row.time()?,
            done: row.maybe_time()?,
            position: row.maybe_ticket()?,
            position_by: row.maybe_ticket()?,
            is_closing: row.take()?,
            activation: {
                let number: i64 = row.take()?;
                to_activation(number).ok_or_else(|| Bad::Means(format!("there is no activation {number}")))?
            },
            comment: row.take()?,
            rate_margin: row.take()?,
        };
        Ok((login, ended.is_some(), order))
    }

    fn deal(&self, row: &mut Columns<'_>) -> Read<(Login, Deal)> {
        let ticket = DealTicket(row.number()?);
        let login = Login(row.number()?);
        let order = row.maybe_ticket()?;
        let symbol = row.take::<Option<String>>()?;
        let deal = Deal {
            ticket,
            order,
            symbol: symbol.map(|name| self.symbol(&name)).transpose()?,
            kind: row.one_of(DealType::from_number)?,
            entry: row.one_of(DealEntry::from_number)?,
            price: row.price()?,
            price_position: row.price()?,
            sl: row.maybe_price()?,
            tp: row.maybe_price()?,
            volume: row.volume()?,
            profit: row.money()?,
            rate_profit: row.take()?,
            rate_margin: row.take()?,
            commission: row.money()?,
            swap: row.money()?,
            position: row.maybe_ticket()?,
            time: row.time()?,
            reason: row.one_of(Reason::from_number)?,
            comment: row.take()?,
        };
        Ok((login, deal))
    }
}
