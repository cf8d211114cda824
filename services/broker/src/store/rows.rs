//! Changes of the books, and how each is written.

use rusqlite::{Result, Transaction, params};

use super::columns as to;
use crate::accounts::Secrets;
use crate::catalogue::{Catalogue, SymbolId};
use crate::engine::{Change, Deal, DealReport, Event, Funds, List, Login, Order, Position, Ticket};
use crate::settings::AccountSettings;

/// One change.
#[derive(Debug)]
pub(super) enum Row {
    Account { settings: Box<AccountSettings>, secrets: Box<Secrets> },
    Holder { login: Login, secrets: Box<Secrets>, enabled: bool },
    Funds { login: Login, funds: Funds },
    Position { login: Login, position: Box<Position> },
    Working { login: Login, order: Box<Order> },
    Left { ticket: Ticket },
    Ended { login: Login, order: Box<Order> },
    Deal { login: Login, deal: Box<Deal> },
    Symbol { name: String, edits: String },
    Holiday { id: u64, text: Option<String> },
}

impl Row {
    /// What an event changes.
    pub(super) fn of_event(event: &Event) -> Vec<Self> {
        match event {
            Event::Order { login, list, change, order } => {
                let (login, order) = (*login, order.clone());
                match (list, change) {
                    (List::History, _) => vec![Self::Ended { login, order }],
                    (List::Open, Change::Deleted) => vec![Self::Left { ticket: order.ticket }],
                    (List::Open, _) => vec![Self::Working { login, order }],
                }
            }
            Event::Deal { login, report, .. } => of_report(*login, report),
            Event::NewDay { login, funds } => vec![Self::Funds { login: *login, funds: *funds }],
            Event::Verdict { .. } | Event::MarginCall { .. } => Vec::new(),
        }
    }

    pub(super) fn write(&self, books: &Transaction<'_>, catalogue: &Catalogue) -> Result<()> {
        match self {
            Self::Account { settings, secrets } => account(books, settings, secrets),
            Self::Holder { login, secrets, enabled } => {
                let text = "UPDATE accounts SET secrets = ?2, enabled = ?3 WHERE login = ?1";
                let secrets = json(secrets)?;
                books.prepare_cached(text)?.execute(params![to::login(*login), secrets, enabled]).map(drop)
            }
            Self::Funds { login, funds } => {
                let text = "UPDATE accounts SET balance = ?2, credit = ?3, day_profit = ?4 WHERE login = ?1";
                let Funds { balance, credit, day_profit } = funds;
                let values = params![
                    to::login(*login),
                    to::money(*balance),
                    to::money(*credit),
                    to::money(*day_profit)
                ];
                books.prepare_cached(text)?.execute(values).map(drop)
            }
            Self::Position { login, position } if position.volume.is_zero() => {
                let text = "DELETE FROM positions WHERE login = ?1 AND id = ?2";
                let values = params![to::login(*login), to::ticket(position.id)];
                books.prepare_cached(text)?.execute(values).map(drop)
            }
            Self::Position { login, position: one } => {
                position(books, *login, one, name(catalogue, one.symbol))
            }
            Self::Working { login, order: one } => {
                order(books, *login, one, name(catalogue, one.symbol), false)
            }
            Self::Left { ticket } => {
                let text = "DELETE FROM orders WHERE ticket = ?1 AND ended IS NULL";
                books.prepare_cached(text)?.execute([to::ticket(*ticket)]).map(drop)
            }
            Self::Ended { login, order: one } => order(books, *login, one, name(catalogue, one.symbol), true),
            Self::Symbol { name, edits } => {
                let text = "INSERT INTO symbols VALUES (?1, ?2) ON CONFLICT DO UPDATE SET edits = ?2";
                books.prepare_cached(text)?.execute([name, edits]).map(drop)
            }
            Self::Holiday { id, text: Some(holiday) } => {
                // A row that can never be written would end all trading.
                let text = "INSERT OR REPLACE INTO holidays VALUES (?1, ?2)";
                books.prepare_cached(text)?.execute(params![to::whole(*id), holiday]).map(drop)
            }
            Self::Holiday { id, text: None } => books
                .prepare_cached("DELETE FROM holidays WHERE id = ?1")?
                .execute([to::whole(*id)])
                .map(drop),
            Self::Deal { login, deal: one } => {
                deal(books, *login, one, one.symbol.map(|symbol| name(catalogue, symbol)))
            }
        }
    }
}

fn of_report(login: Login, report: &DealReport) -> Vec<Row> {
    let mut rows = vec![Row::Funds { login, funds: report.funds }];
    let position = |one: &Position| Row::Position { login, position: Box::new(one.clone()) };
    let deal = |one: &Deal| Row::Deal { login, deal: Box::new(one.clone()) };
    rows.extend(report.position.iter().map(position));
    rows.extend(report.deal.iter().map(deal));
    if let Some((other, left)) = &report.other {
        rows.push(position(left));
        rows.push(deal(other));
    }
    rows
}

/// Symbols keep their names, not their numbers: those may be others in the next version.
fn name(catalogue: &Catalogue, symbol: SymbolId) -> &str {
    catalogue.get(symbol).map_or("", |symbol| symbol.name.as_str())
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn account(books: &Transaction<'_>, settings: &AccountSettings, secrets: &Secrets) -> Result<()> {
    let text = "INSERT INTO accounts (login, settings, secrets, enabled) VALUES (?1, ?2, ?3, 1)
        ON CONFLICT DO UPDATE SET settings = ?2, secrets = ?3";
    let values = params![to::whole(settings.login), json(settings)?, json(secrets)?];
    books.prepare_cached(text)?.execute(values).map(drop)
}

fn position(books: &Transaction<'_>, login: Login, one: &Position, symbol: &str) -> Result<()> {
    let text = "INSERT OR REPLACE INTO positions VALUES
        (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    let values = params![
        to::login(login),
        to::ticket(one.id),
        to::ticket(one.order),
        symbol,
        one.side.number(),
        to::volume(one.volume),
        one.price_open.units(),
        one.price_current.units(),
        to::price(one.sl),
        to::price(one.tp),
        to::money(one.profit),
        one.rate_profit,
        one.rate_margin,
        to::money(one.commission),
        to::money(one.swap),
        one.opened.ms(),
        one.updated.ms(),
        one.reason.number(),
        one.comment,
    ];
    books.prepare_cached(text)?.execute(values).map(drop)
}

fn order(books: &Transaction<'_>, login: Login, one: &Order, symbol: &str, has_ended: bool) -> Result<()> {
    let text = "INSERT OR REPLACE INTO orders VALUES
        (?1, ?2, iif(?3, (SELECT ifnull(max(ended), 0) + 1 FROM orders WHERE login = ?2), NULL),
        ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)";
    let values = params![
        to::ticket(one.ticket),
        to::login(login),
        has_ended,
        symbol,
        one.kind.number(),
        one.state.number(),
        one.filling.number(),
        one.expiration.number(),
        to::moment(one.expires),
        one.reason.number(),
        one.price.units(),
        to::price(one.limit_price),
        one.price_current.units(),
        to::price(one.sl),
        to::price(one.tp),
        to::volume(one.volume_initial),
        to::volume(one.volume_current),
        one.placed.ms(),
        to::moment(one.done),
        to::tickets(one.position),
        to::tickets(one.position_by),
        one.is_closing,
        to::activation(one.activation),
        one.comment,
        one.rate_margin,
    ];
    books.prepare_cached(text)?.execute(values).map(drop)
}

fn deal(books: &Transaction<'_>, login: Login, one: &Deal, symbol: Option<&str>) -> Result<()> {
    let text = "INSERT OR REPLACE INTO deals VALUES
        (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";
    let values = params![
        to::deal(one.ticket),
        to::login(login),
        to::tickets(one.order),
        symbol,
        one.kind.number(),
        one.entry.number(),
        one.price.units(),
        one.price_position.units(),
        to::price(one.sl),
        to::price(one.tp),
        to::volume(one.volume),
        to::money(one.profit),
        one.rate_profit,
        one.rate_margin,
        to::money(one.commission),
        to::money(one.swap),
        to::tickets(one.position),
        one.time.ms(),
        one.reason.number(),
        one.comment,
    ];
    books.prepare_cached(text)?.execute(values).map(drop)
}
