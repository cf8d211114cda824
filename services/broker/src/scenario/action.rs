//! What a step does.

use model::mask_matches;
use serde::Deserialize;

use crate::catalogue::{Catalogue, Holiday};
use crate::faults::Rule;
use crate::server::{
    AccountEdit, Control, ControlError, Daylight, DaylightOrder, DealOrder, DividendOrder, OperationOrder,
    SymbolEdit,
};
use crate::settings::AccountSettings;

/// Something to do; most of them are calls of the admin port.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Action {
    /// Makes an account; one that is there already stays as it is.
    Account { account: AccountSettings },
    /// Changes an account.
    EditAccount { login: u64, edit: AccountEdit },
    /// Moves money.
    Operation { login: u64, operation: OperationOrder },
    /// A dealer's deal.
    Deal { login: u64, deal: DealOrder },
    /// A dividend for all who hold a symbol.
    Dividend { symbol: String, dividend: DividendOrder },
    /// Drops the connections of an account, or all of them.
    Disconnect { login: Option<u64> },
    /// Refuses logins by a result code.
    RefuseLogins { code: u8 },
    /// Takes that back.
    AcceptLogins,
    /// Adds a fault.
    Fault { rule: Rule },
    /// Takes back all faults.
    ClearFaults,
    /// Sets a symbol's price.
    Price { symbol: String, bid: f64, ask: f64 },
    /// Moves a symbol's price by points, at once.
    Jump { symbol: String, points: i64 },
    /// Changes a symbol's terms.
    EditSymbol { symbol: String, edit: Box<SymbolEdit> },
    /// Opens the markets of all symbols whose path matches, around the clock.
    OpenMarket { symbols: String },
    /// Closes them.
    CloseMarket { symbols: String },
    /// Makes a day a holiday of symbols.
    Holiday { holiday: Holiday },
    /// Begins or ends daylight saving time.
    Daylight {
        mode: Daylight,
        #[serde(default)]
        silent: bool,
    },
}

impl Action {
    /// What is wrong with it, as far as that can be known before.
    pub(super) fn check(&self, catalogue: &Catalogue) -> Result<(), String> {
        match self {
            Self::Deal { deal: DealOrder { symbol, .. }, .. }
            | Self::Price { symbol, .. }
            | Self::Jump { symbol, .. }
            | Self::Dividend { symbol, .. }
            | Self::EditSymbol { symbol, .. } => {
                let known = catalogue.by_name(symbol).map(drop);
                known.ok_or_else(|| format!("there is no symbol '{symbol}'"))
            }
            Self::OpenMarket { symbols } | Self::CloseMarket { symbols } => {
                let is_any = !matching(catalogue, symbols).is_empty();
                is_any.then_some(()).ok_or_else(|| no_match(symbols))
            }
            Self::Holiday { holiday } => {
                let is_any = catalogue.symbols().iter().any(|symbol| holiday.is_of(symbol));
                is_any.then_some(()).ok_or_else(|| no_match(&holiday.symbols))
            }
            Self::Fault { rule } => rule.check().map_err(|error| error.to_string()),
            _ => Ok(()),
        }
    }

    /// Does it.
    pub(super) async fn perform(&self, control: &Control, catalogue: &Catalogue) -> Result<(), ControlError> {
        match self.clone() {
            Self::Account { account } => match control.account(account.login).await {
                Err(ControlError::Account) => control.add_account(account).await,
                known => known.map(drop),
            },
            Self::EditAccount { login, edit } => control.edit_account(login, edit).await,
            Self::Operation { login, operation } => control.operate(login, operation).await,
            Self::Deal { login, deal } => control.deal(login, deal).await.map(drop),
            Self::Dividend { symbol, dividend } => control.dividend(&symbol, dividend).await.map(drop),
            Self::Disconnect { login: Some(login) } => control.disconnect(login).await.map(drop),
            Self::Disconnect { login: None } => control.disconnect_all().await.map(drop).map_err(Into::into),
            Self::RefuseLogins { code } => control.refuse_logins(Some(code)).await,
            Self::AcceptLogins => control.refuse_logins(None).await,
            Self::Fault { rule } => control.add_fault(rule).await.map(drop),
            Self::ClearFaults => control.clear_faults().await.map_err(Into::into),
            Self::Price { symbol, bid, ask } => control.set_price(&symbol, bid, ask).await,
            Self::Jump { symbol, points } => control.jump(&symbol, points).await,
            Self::EditSymbol { symbol, edit } => control.edit_symbol(&symbol, *edit).await,
            Self::OpenMarket { symbols } => markets(control, catalogue, &symbols, true).await,
            Self::CloseMarket { symbols } => markets(control, catalogue, &symbols, false).await,
            Self::Holiday { holiday } => control.add_holiday(holiday).await.map(drop),
            Self::Daylight { mode, silent } => {
                control.set_daylight(DaylightOrder { mode, silent }).await.map_err(Into::into)
            }
        }
    }
}

fn no_match(symbols: &str) -> String {
    format!("no symbol matches '{symbols}': give a mask such as * or Forex\\*")
}

async fn markets(
    control: &Control,
    catalogue: &Catalogue,
    mask: &str,
    open: bool,
) -> Result<(), ControlError> {
    for name in matching(catalogue, mask) {
        control.open_market(name, open).await?;
    }
    Ok(())
}

fn matching<'a>(catalogue: &'a Catalogue, mask: &str) -> Vec<&'a str> {
    let symbols = catalogue.symbols().iter().filter(|symbol| mask_matches(mask, &symbol.path));
    symbols.map(|symbol| symbol.name.as_str()).collect()
}
