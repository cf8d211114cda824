//! Accounts: their terms, their money, and who is connected to them.

use model::{DealType, Money, Price, Retcode, Side, Volume};
use serde::{Deserialize, Serialize};
use wire::utf16_len;

use super::{Control, ControlError, Stopped};
use crate::accounts::{NAME_MAX, check_length, edited};
use crate::catalogue::GROUPS;
use crate::engine::{Command, DealerDeal, Event, Login, Ticket};
use crate::server::client::{Client, ClientId};
use crate::server::hub::Hub;

/// Largest amount of an operation, account currency.
const AMOUNT_MAX: f64 = 1e9;
/// What a deal can carry, UTF-16 units.
pub(super) const COMMENT_MAX: usize = 31;

/// An account as operators see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccountView {
    /// Its number.
    pub login: u64,
    /// Holder.
    pub name: String,
    /// Whether it may log in and trade.
    pub enabled: bool,
    /// Group; empty if its terms are those of no group.
    pub group: &'static str,
    /// Deposit currency.
    pub currency: String,
    /// 100 means 1:100.
    pub leverage: u32,
    /// Account currency.
    pub balance: f64,
    /// Account currency.
    pub credit: f64,
    /// Account currency.
    pub equity: f64,
    /// Margin in use, account currency.
    pub margin: f64,
    /// Open positions.
    pub positions: usize,
    /// Working orders.
    pub orders: usize,
    /// Connections that are logged in to it.
    pub connections: usize,
}

/// What is to change in an account; what is left out stays.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountEdit {
    /// 100 means 1:100.
    pub leverage: Option<u32>,
    /// Group, see [`crate::catalogue::GROUPS`].
    pub group: Option<String>,
    /// Whether it may log in and trade; if not, its sessions end.
    pub enabled: Option<bool>,
    /// Master password.
    pub password: Option<String>,
    /// Password that may only look.
    pub investor_password: Option<String>,
    /// Holder.
    pub name: Option<String>,
}

/// A movement of money.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationOrder {
    /// What it is: `deposit` and `withdrawal` are two words for `balance`; `credit` and `bonus` change the credit,
    /// `charge`, `correction`, `commission`, `interest`, `dividend` and `tax` the balance.
    pub kind: String,
    /// Account currency; negative takes away. Of a withdrawal only the size counts.
    pub amount: f64,
    /// Remark on the deal.
    #[serde(default)]
    pub comment: String,
}

/// A deal of a dealer's.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DealOrder {
    /// Symbol.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: String,
    /// Lots.
    pub volume: f64,
    /// Price; without, that of the market.
    #[serde(default)]
    pub price: Option<f64>,
    /// Position that it takes from; without, it makes one.
    #[serde(default)]
    pub position: Option<u64>,
    /// Remark on the deal.
    #[serde(default)]
    pub comment: String,
}

/// What came of a dealer's deal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DealDone {
    /// Deal ticket.
    pub deal: u64,
    /// Order ticket, and that of a new position.
    pub order: u64,
    /// Price.
    pub price: f64,
    /// Lots.
    pub volume: f64,
}

/// A connection that has its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionView {
    /// Its number, never used twice.
    pub id: u64,
    /// The account that it is logged in to.
    pub login: Option<u64>,
    /// Whether it may only look.
    pub is_investor: bool,
}

impl std::fmt::Debug for AccountEdit {
    /// Without what nobody may read in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { leverage, group, enabled, .. } = self;
        f.debug_struct("AccountEdit")
            .field("leverage", leverage)
            .field("group", group)
            .field("enabled", enabled)
            .finish_non_exhaustive()
    }
}

impl Control {
    /// All accounts, by number.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn accounts(&self) -> Result<Vec<AccountView>, Stopped> {
        self.with(|hub| {
            let logins: Vec<Login> = hub.directory.logins().collect();
            logins.into_iter().filter_map(|login| hub.account_view(login)).collect()
        })
        .await
    }

    /// An account as operators see it.
    ///
    /// # Errors
    /// For an unknown account.
    pub async fn account_view(&self, login: u64) -> Result<AccountView, ControlError> {
        self.with(move |hub| hub.account_view(Login(login))).await?.ok_or(ControlError::Account)
    }

    /// Changes an account: all that is asked for, or nothing. Its sessions are told of other terms; another password
    /// ends none of them, but the tokens that stand for it.
    ///
    /// # Errors
    /// For an unknown account, or terms that cannot be.
    pub async fn edit_account(&self, login: u64, edit: AccountEdit) -> Result<(), ControlError> {
        let login = Login(login);
        let enabled = edit.enabled;
        self.keep(move |hub| hub.edit_account(login, edit)).await?;
        match enabled {
            Some(enabled) => self.enable(login.0, enabled).await,
            None => Ok(()),
        }
    }

    /// Pays into an account, or out of it; account currency.
    ///
    /// # Errors
    /// For an unknown account.
    pub async fn deposit(&self, login: u64, amount: f64) -> Result<(), ControlError> {
        let comment = if amount < 0.0 { "Withdrawal" } else { "Deposit" }.into();
        self.move_money(login, DealType::Balance, amount, comment).await
    }

    /// Moves money as ordered.
    ///
    /// # Errors
    /// For an unknown account or kind, or an amount that cannot be.
    pub async fn operate(&self, login: u64, order: OperationOrder) -> Result<(), ControlError> {
        let (kind, amount) = match order.kind.as_str() {
            "withdrawal" => (DealType::Balance, -order.amount.abs()),
            "deposit" | "balance" => (DealType::Balance, order.amount),
            "credit" => (DealType::Credit, order.amount),
            "bonus" => (DealType::Bonus, order.amount),
            "charge" => (DealType::Charge, order.amount),
            "correction" => (DealType::Correction, order.amount),
            "commission" => (DealType::Commission, order.amount),
            "interest" => (DealType::Interest, order.amount),
            "dividend" => (DealType::Dividend, order.amount),
            "tax" => (DealType::Tax, order.amount),
            _ => {
                return Err(ControlError::Invalid(
                    "\"kind\" must be deposit, withdrawal, balance, credit, bonus, charge, correction, commission, \
                     interest, dividend or tax",
                ));
            }
        };
        let is_amount = amount.abs() > 0.0 && amount.abs() <= AMOUNT_MAX;
        if !is_amount {
            return Err(ControlError::Invalid("\"amount\" must be a number up to 1,000,000,000, and not 0"));
        }
        check_comment(&order.comment)?;
        self.move_money(login, kind, amount, order.comment).await
    }

    async fn move_money(
        &self,
        login: u64,
        kind: DealType,
        amount: f64,
        comment: String,
    ) -> Result<(), ControlError> {
        let login = Login(login);
        self.keep(move |hub| {
            let digits = hub.engine.terms(login).ok_or(ControlError::Account)?.deposit.digits;
            let amount = Money::round(amount, digits);
            hub.apply(Command::Operation { login, kind, amount, comment });
            Ok(())
        })
        .await
    }

    /// Makes a deal as a dealer: hours, volumes and money are no hindrance.
    ///
    /// # Errors
    /// For an unknown account or symbol, or a deal that cannot be.
    pub async fn deal(&self, login: u64, order: DealOrder) -> Result<DealDone, ControlError> {
        let login = Login(login);
        check_comment(&order.comment)?;
        let side = match order.side.as_str() {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => return Err(ControlError::Invalid("\"side\" must be buy or sell")),
        };
        let volume = Volume::from_lots(order.volume).filter(|volume| !volume.is_zero());
        let volume = volume.ok_or(ControlError::Invalid("\"volume\" must be lots above 0"))?;
        self.keep(move |hub| {
            hub.directory.holder(login).ok_or(ControlError::Account)?;
            let symbol = hub.catalogue.by_name(&order.symbol).ok_or(ControlError::Symbol)?;
            let as_price = |price| symbol.price(price).filter(|price| *price > Price::ZERO);
            let price = order.price.map(|price| as_price(price).ok_or(ControlError::Price)).transpose()?;
            let position = order.position.map(Ticket);
            let symbol = symbol.id;
            let deal = DealerDeal { login, symbol, side, volume, price, position, comment: order.comment };
            hub.deal(deal)
        })
        .await
    }

    /// Drops the connections of an account, without a close frame; gives how many those were.
    ///
    /// # Errors
    /// For an unknown account.
    pub async fn disconnect(&self, login: u64) -> Result<usize, ControlError> {
        let login = Login(login);
        self.with(move |hub| {
            hub.directory.holder(login).ok_or(ControlError::Account)?;
            let sessions = hub.sessions(login);
            Ok(sessions.inspect(|(_, outbox)| outbox.close()).count())
        })
        .await?
    }

    /// Connections that have finished their bootstrap, oldest first.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn connection_list(&self) -> Result<Vec<ConnectionView>, Stopped> {
        self.with(|hub| {
            let view = |(id, client): (&ClientId, &Client)| {
                let login = client.access.map(|access| access.login.0);
                let is_investor = client.access.is_some_and(|access| access.is_investor);
                ConnectionView { id: id.0, login, is_investor }
            };
            hub.clients.iter().map(view).collect()
        })
        .await
    }
}

impl Hub {
    fn account_view(&mut self, login: Login) -> Option<AccountView> {
        let open = self.engine.snapshot(login)?;
        let (funds, equity) = self.engine.funds(login).zip(self.engine.equity(login))?;
        let terms = self.engine.terms(login)?;
        let group = GROUPS.iter().find(|group| group.commissions == terms.commissions);
        Some(AccountView {
            login: login.0,
            name: self.directory.holder(login)?.name.clone(),
            enabled: self.engine.is_enabled(login),
            group: group.map_or("", |group| group.name),
            currency: terms.deposit.currency.clone(),
            leverage: terms.deposit.leverage,
            balance: funds.balance.to_f64(),
            credit: funds.credit.to_f64(),
            equity: equity.equity.to_f64(),
            margin: equity.margin.to_f64(),
            positions: open.positions.len(),
            orders: open.orders.len(),
            connections: self.sessions(login).count(),
        })
    }

    fn edit_account(&mut self, login: Login, edit: AccountEdit) -> Result<(), ControlError> {
        let before = self.engine.terms(login).ok_or(ControlError::Account)?;
        let terms = edited(before, edit.leverage, edit.group.as_deref()).map_err(ControlError::Invalid)?;
        if edit.name.as_deref().is_some_and(|name| utf16_len(name) > NAME_MAX) {
            return Err(ControlError::Invalid("a name has 128 characters at most"));
        }
        let passwords = [(false, edit.password), (true, edit.investor_password)];
        for password in passwords.iter().filter_map(|(_, password)| password.as_ref()) {
            if password.is_empty() {
                return Err(ControlError::Invalid("a password must not be empty"));
            }
            check_length(password).map_err(ControlError::Invalid)?;
        }
        for (is_investor, password) in passwords {
            if let Some(password) = password {
                self.directory.set_password(login, is_investor, &password);
            }
        }
        if let Some(name) = &edit.name {
            self.directory.rename(login, name.clone());
        }
        self.keep_edit(login, |settings| {
            settings.leverage = edit.leverage.unwrap_or(settings.leverage);
            settings.group = edit.group.unwrap_or_else(|| settings.group.clone());
            settings.name = edit.name.unwrap_or_else(|| settings.name.clone());
        });
        self.apply(Command::Terms(Box::new(terms)));
        self.tell_account(login);
        Ok(())
    }

    fn deal(&mut self, deal: DealerDeal) -> Result<DealDone, ControlError> {
        let events = self.engine.apply(Command::Deal(Box::new(deal)), self.clock.now());
        let verdict = events.iter().rev().find_map(|event| match event {
            Event::Verdict { verdict, .. } => Some(verdict.clone()),
            _ => None,
        });
        self.announce(events, None);
        let verdict = verdict.ok_or(ControlError::Refused(Retcode::COMMON_ERROR))?;
        let (Some(deal), Some(order)) = (verdict.deal, verdict.order) else {
            return Err(ControlError::Refused(verdict.retcode));
        };
        let (price, volume) = (verdict.price.to_f64(), verdict.volume.lots());
        Ok(DealDone { deal: deal.0, order: order.0, price, volume })
    }
}

pub(super) fn check_comment(comment: &str) -> Result<(), ControlError> {
    if comment.encode_utf16().count() > COMMENT_MAX {
        return Err(ControlError::Invalid("\"comment\" may have 31 characters at most"));
    }
    Ok(())
}
