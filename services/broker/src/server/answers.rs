//! The hub's answers to commands, one after the other.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;
use wire::message::Request;
use wire::records as w;
use wire::{Command as WireCommand, Counted, Payload, code, pushes};

use super::bars_desk::{self, BarsJob, JOBS_MAX};
use super::charges;
use super::client::{Client, ClientId};
use super::hub::Hub;
use super::outbox::{Body, Outbox};
use super::trading::Withheld;
use crate::accounts::{Access, PASSWORD_MIN, PasswordRefusal, Refusal, random_bytes};
use crate::catalogue::SymbolId;
use crate::engine::StopOut;

/// The build that servers of today report.
const SERVER_BUILD: u16 = 5687;
/// Stop out on negative equity even without margin.
const STOP_OUT_WITHOUT_MARGIN: i32 = 128;
/// Positions of a symbol are closed first in, first out.
const FIFO_CLOSE: i32 = 256;
const REAL: u8 = 0;
const DEMO: u8 = 1;
const RIGHT_TRADING_DISABLED: i32 = 4;
const RIGHT_INVESTOR: i32 = 8;
const OTP_OFF: u32 = 1;
const OTP_ON: u32 = 2;

/// What becomes of a request.
pub(super) enum Reply {
    /// Success with this body.
    Body(Body),
    /// A code and nothing else.
    Code(u8),
    /// It was answered already, or will be.
    Done,
}

impl Reply {
    pub(super) fn of(payload: &impl Payload) -> Self {
        Self::Body(payload.to_bytes().into())
    }

    fn empty() -> Self {
        Self::Body([].into())
    }
}

/// The request as its record, or a reply that says it is of no use.
macro_rules! read {
    ($record:ty, $request:expr) => {
        match <$record>::from_bytes(&$request.payload) {
            Ok(record) => record,
            Err(_) => return Reply::Code(code::INTERNAL_ERROR),
        }
    };
}
pub(super) use read;

impl Hub {
    /// Answers a request that is neither a ping nor a bootstrap.
    pub(super) fn answer(&mut self, id: ClientId, command: WireCommand, request: &Request) {
        let Some(client) = self.clients.get(&id) else { return };
        let (access, outbox) = (client.access, Arc::clone(&client.outbox));
        let reply = match (self.open_command(id, command, request), access) {
            (Some(reply), _) => reply,
            (None, None) => Reply::Code(code::INVALID_ACCOUNT),
            (None, Some(access)) => self.account_command(id, access, command, request),
        };
        let number = command.number();
        let is_done = matches!(reply, Reply::Body(_));
        match reply {
            Reply::Body(body) => outbox.answer(request.prefix, number, code::SUCCESS, body),
            Reply::Code(code) => outbox.answer(request.prefix, number, code, [].into()),
            Reply::Done => {}
        }
        match command {
            WireCommand::Login if is_done => self.after_login(id),
            WireCommand::SubscribeTicks => self.send_first_prices(id),
            WireCommand::SubscribeBook => self.send_first_books(id),
            WireCommand::Logout => outbox.hang_up(),
            _ => {}
        }
    }

    /// Commands that need no login; `None` for all others.
    fn open_command(&mut self, id: ClientId, command: WireCommand, request: &Request) -> Option<Reply> {
        Some(match command {
            WireCommand::Logout => Reply::empty(),
            WireCommand::Login => self.log_in(id, request),
            WireCommand::TwoFactor => self.set_two_factor(request),
            WireCommand::Visitor => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.is_visitor = true;
                }
                Reply::empty()
            }
            WireCommand::Verification
            | WireCommand::Confirmation
            | WireCommand::OpenDemo
            | WireCommand::OpenReal
            | WireCommand::TraderParameters => {
                let is_visitor = self.clients.get(&id).is_some_and(|client| client.is_visitor);
                if is_visitor {
                    self.visitor_command(command, request)
                } else {
                    Reply::Code(code::INVALID_ACCOUNT)
                }
            }
            _ => return None,
        })
    }

    fn account_command(
        &mut self,
        id: ClientId,
        access: Access,
        command: WireCommand,
        request: &Request,
    ) -> Reply {
        match command {
            // They would tell what has not been written.
            WireCommand::Account | WireCommand::Portfolio | WireCommand::History if self.is_withholding() => {
                Reply::Code(code::INTERNAL_ERROR)
            }
            WireCommand::Account => self.account(access),
            WireCommand::Portfolio => self.portfolio(access),
            WireCommand::History => self.history(access, request),
            WireCommand::Symbols => Reply::Body(Arc::clone(&self.symbols.plain)),
            WireCommand::CompressedSymbols => Reply::Body(Arc::clone(&self.symbols.compressed)),
            WireCommand::SymbolGroups => Reply::Body(Arc::clone(&self.symbols.groups)),
            WireCommand::FullSymbols => {
                Reply::Body(self.symbols.full(&read!(w::FullSymbolsRequest, request)))
            }
            WireCommand::SubscribeTicks | WireCommand::SubscribeBook => self.subscribe(id, command, request),
            WireCommand::Bars => self.bars(id, request),
            WireCommand::Trade => {
                self.trade(id, request.prefix, access, &request.payload);
                Reply::Done
            }
            // There are no margin spreads: an empty group.
            WireCommand::Spreads => Reply::Body([0; 8].into()),
            WireCommand::ChangePassword => self.change_password(access, request),
            WireCommand::Notify => Reply::empty(),
            WireCommand::CorporateLinks => Reply::of(&Counted::<w::CorporateLink>(Vec::new())),
            _ => Reply::Done,
        }
    }

    fn log_in(&mut self, id: ClientId, request: &Request) -> Reply {
        let asked = read!(w::LoginRequest, request);
        if let Some(code) = self.faults.of_login(asked.login) {
            return Reply::Code(code);
        }
        let login = crate::engine::Login(asked.login);
        let checked = if asked.password_token.is_zero() {
            let (password, otp) = (asked.password.reveal(), asked.otp.reveal());
            self.directory.by_password(login, password, otp, self.clock.unix_s())
        } else {
            self.directory.by_token(login, asked.password_token.reveal())
        };
        let access = match checked {
            Ok(access) => access,
            Err(refusal) => return Reply::Code(refusal_code(refusal)),
        };
        let (Ok(token), Ok(session)) = (random_bytes::<160>(), random_bytes::<8>()) else {
            return Reply::Code(code::INTERNAL_ERROR);
        };
        self.directory.issue(access, &token);
        self.enter(id, access);
        let session = u64::from_le_bytes(session).max(1);
        Reply::of(&w::LoginReply { password_token: wire::SecretBytes::new(token), session })
    }

    /// The trade server is always connected: a client learns that right after its login.
    fn after_login(&self, id: ClientId) {
        let Some(client) = self.clients.get(&id) else { return };
        client.outbox.set_logged_in();
        let status = w::LoginStatus { status: 0 };
        client.outbox.push::<pushes::LoginStatus>(status.to_bytes().into());
    }

    fn account(&self, access: Access) -> Reply {
        self.account_record(access).map_or(Reply::Code(code::INTERNAL_ERROR), |account| Reply::of(&account))
    }

    /// Tells all sessions of an account its terms.
    pub(super) fn tell_account(&mut self, login: crate::engine::Login) {
        if self.is_withholding() {
            return self.withheld.push(Withheld::Account(login));
        }
        for (id, outbox) in self.sessions(login) {
            let access = self.clients.get(&id).and_then(|client| client.access);
            if let Some(account) = access.and_then(|access| self.account_record(access)) {
                outbox.push::<pushes::AccountUpdate>(account.to_bytes().into());
            }
        }
    }

    fn account_record(&self, access: Access) -> Option<w::Account> {
        let login = access.login;
        let (terms, funds) = self.engine.terms(login).zip(self.engine.funds(login))?;
        let holder = self.directory.holder(login);
        let disabled = if self.engine.is_enabled(login) { 0 } else { RIGHT_TRADING_DISABLED };
        let (so_level, so_mode) = match terms.stop_out {
            StopOut::Level(level) => (level, 0),
            StopOut::Equity(level) => (level, 1),
        };
        let told = self.clock.told();
        let main = w::AccountMain {
            account_type: if holder.is_some_and(|holder| holder.is_shown_as_real) { REAL } else { DEMO },
            rights: disabled | if access.is_investor { RIGHT_INVESTOR } else { 0 },
            balance: funds.balance.to_f64(),
            credit: funds.credit.to_f64(),
            account_currency: terms.deposit.currency.clone(),
            currency_digits: terms.deposit.digits,
            margin_leverage: terms.deposit.leverage,
            account_name: holder.map_or_else(String::new, |holder| holder.name.clone()),
            server_build: SERVER_BUILD,
            server_name: self.presentation.server_name.clone(),
            company: self.presentation.company.clone(),
            timezone_shift: told.standard_s,
            daylightmode: i8::from(told.is_daylight),
            margin_mode: terms.margin_mode.number(),
            margin_free_mode: terms.free_margin as u32,
            margin_so_call: terms.margin_call,
            margin_so_so: so_level,
            margin_so_mode: so_mode,
            acc_profit: funds.day_profit.to_f64(),
            auth_password_min: u32::try_from(PASSWORD_MIN).unwrap_or(0),
            otp_status: if holder.is_some_and(|holder| holder.has_otp()) { OTP_ON } else { OTP_OFF },
            ..w::AccountMain::default()
        };
        let symbols_count = i32::try_from(self.catalogue.symbols().len()).unwrap_or(i32::MAX);
        Some(w::Account {
            main,
            trade_settings: Vec::new(),
            trade_flags: STOP_OUT_WITHOUT_MARGIN | if terms.fifo { FIFO_CLOSE } else { 0 },
            symbols_count,
            leverage_flags: 0,
            leverage_rules: terms.leverage.iter().map(charges::leverage).collect(),
            commissions: terms.commissions.iter().map(|rule| charges::commission(rule, terms)).collect(),
        })
    }

    fn portfolio(&mut self, access: Access) -> Reply {
        let Some(open) = self.engine.snapshot(access.login) else {
            return Reply::Code(code::INTERNAL_ERROR);
        };
        let records = self.records(access.login);
        Reply::of(&w::Portfolio {
            positions: open.positions.iter().map(|position| records.position(position)).collect(),
            orders: open.orders.iter().map(|order| records.order(order)).collect(),
        })
    }

    fn history(&self, access: Access, request: &Request) -> Reply {
        let range = read!(w::HistoryRequest, request);
        let to_s = if range.to == 0 { i64::MAX } else { i64::from(range.to) };
        let history = self.engine.history(access.login, i64::from(range.from), to_s, self.answers.deals_max);
        let Some(history) = history else { return Reply::Code(code::INTERNAL_ERROR) };
        let records = self.records(access.login);
        Reply::of(&w::History {
            deals: history.deals.iter().map(|deal| records.deal(deal)).collect(),
            orders: history.orders.iter().map(|order| records.order(order)).collect(),
        })
    }

    fn subscribe(&mut self, id: ClientId, command: WireCommand, request: &Request) -> Reply {
        let ids = read!(w::SymbolIds, request);
        let known = |id: &SymbolId| self.catalogue.get(*id).is_some();
        let wanted: BTreeSet<SymbolId> = ids.0.into_iter().map(SymbolId).filter(known).collect();
        if let Some(client) = self.clients.get_mut(&id) {
            let (set, fresh) = if command == WireCommand::SubscribeTicks {
                (&mut client.ticks, &mut client.fresh_ticks)
            } else {
                (&mut client.books, &mut client.fresh_books)
            };
            *fresh = wanted.difference(set).copied().collect();
            *set = wanted;
        }
        Reply::empty()
    }

    /// A whole tick and the day's figures of symbols that were not subscribed before, after the acknowledgement.
    fn send_first_prices(&mut self, id: ClientId) {
        let Some((fresh, outbox)) = self.take_fresh(id, |client| &mut client.fresh_ticks) else { return };
        for symbol in fresh.iter().filter_map(|id| self.catalogue.get(*id)) {
            if let Some(tick) = self.tick_record(symbol) {
                outbox.first_tick(symbol.id.0, &tick);
            }
            if let Some(details) = self.details_record(symbol) {
                outbox.details(symbol.id.0, &details);
            }
        }
    }

    fn send_first_books(&mut self, id: ClientId) {
        let Some((fresh, outbox)) = self.take_fresh(id, |client| &mut client.fresh_books) else { return };
        for symbol in fresh.iter().filter_map(|id| self.catalogue.get(*id)).filter(|s| s.has_book()) {
            if let Some(book) = self.book_snapshot(symbol) {
                outbox.book(symbol.id.0, &book);
            }
        }
    }

    fn take_fresh(
        &mut self,
        id: ClientId,
        list: impl Fn(&mut Client) -> &mut Vec<SymbolId>,
    ) -> Option<(Vec<SymbolId>, Arc<Outbox>)> {
        let client = self.clients.get_mut(&id)?;
        Some((std::mem::take(list(client)), Arc::clone(&client.outbox)))
    }

    fn bars(&mut self, id: ClientId, request: &Request) -> Reply {
        let asked = w::BarsRequest::from_bytes(&request.payload).unwrap_or_default();
        let symbol = self.catalogue.by_name(&asked.symbol).cloned();
        let job = BarsJob {
            prefix: request.prefix,
            wanted: symbol.zip(w::Period::from_code(asked.period)),
            from_s: i64::from(asked.from),
            to_s: i64::from(asked.to),
        };
        let Some(client) = self.clients.get_mut(&id) else { return Reply::Done };
        let desk = client.bars.get_or_insert_with(|| {
            let (to_desk, jobs) = mpsc::channel(JOBS_MAX);
            let (outbox, charts) = (Arc::clone(&client.outbox), Arc::clone(&self.charts));
            let (turns, most) = (Arc::clone(&self.bars_turns), self.answers.bars_max);
            self.tasks.spawn(bars_desk::serve(jobs, outbox, charts, turns, most));
            to_desk
        });
        if desk.try_send(job).is_err() {
            tracing::info!(client = id.0, max = JOBS_MAX, "too many requests for bars: disconnected");
            client.outbox.close();
        }
        Reply::Done
    }

    fn change_password(&mut self, access: Access, request: &Request) -> Reply {
        let asked = read!(w::PasswordChange, request);
        if !self.is_writable() {
            return Reply::Code(code::INTERNAL_ERROR);
        }
        let (old, new) = (asked.old_password.reveal(), asked.new_password.reveal());
        let changed = self.directory.change_password(access.login, asked.is_investor != 0, old, new);
        if changed.is_ok() {
            self.keep_holder(access.login);
            if self.is_failing() {
                // What could not be written is not told as done.
                return Reply::Code(code::INTERNAL_ERROR);
            }
        }
        let number = match changed {
            Ok(()) => 0,
            Err(PasswordRefusal::Wrong) => code::PASSWORD_WRONG,
            Err(PasswordRefusal::TooShort) => code::PASSWORD_TOO_SHORT,
            Err(PasswordRefusal::TooSimple) => code::PASSWORD_TOO_SIMPLE,
        };
        Reply::of(&w::PasswordChangeReply { result: i32::try_from(number).unwrap_or(i32::MAX) })
    }

    fn set_two_factor(&mut self, request: &Request) -> Reply {
        const MODE: u32 = 5;
        let asked = read!(w::TwoFactorRequest, request);
        if !self.is_writable() {
            return Reply::Code(code::INTERNAL_ERROR);
        }
        let setup = &asked.setup;
        let (login, unix_s) = (crate::engine::Login(setup.login), self.clock.unix_s());
        let checked = match &asked.password_token {
            Some(token) => self.directory.by_token(login, token.reveal()),
            None => {
                let (password, otp) = (setup.password.reveal(), setup.otp.reveal());
                self.directory.by_password(login, password, otp, unix_s)
            }
        };
        let checked =
            checked.and_then(|access| if access.is_investor { Err(Refusal::Invalid) } else { Ok(()) });
        let done = checked.and_then(|()| {
            if setup.otp_secret.reveal().is_empty() {
                self.directory.switch_otp_off(login, setup.otp.reveal(), unix_s)
            } else {
                let (secret, check) = (setup.otp_secret.reveal(), setup.otp_secret_check.reveal());
                self.directory.switch_otp_on(login, secret, check, unix_s)
            }
        });
        if done.is_ok() {
            self.keep_holder(login);
            if self.is_failing() {
                return Reply::Code(code::INTERNAL_ERROR);
            }
        }
        match done {
            _ if setup.mode != MODE => Reply::Code(code::INTERNAL_ERROR),
            Ok(()) => Reply::empty(),
            Err(refusal) => Reply::Code(refusal_code(refusal)),
        }
    }
}

fn refusal_code(refusal: Refusal) -> u8 {
    match refusal {
        Refusal::Invalid => code::INVALID_ACCOUNT,
        Refusal::CodeRequired => code::OTP_REQUIRED,
        Refusal::CodeWrong => code::INVALID_OTP,
    }
}
