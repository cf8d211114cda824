//! Accounts from configuration.

use std::path::Path;

use model::calc::{Deposit, FreeMarginMode};
use wire::utf16_len;

use crate::catalogue::{GROUPS, currency_digits, group};
use crate::engine::{AccountTerms, Login, StopOut};
use crate::files::{self, FileError};
use crate::settings::{AccountSettings, AccountsFile, MarginMode};

/// Largest leverage that an account can have.
pub(super) const LEVERAGE_MAX: u32 = 1000;
/// Largest first deposit.
const DEPOSIT_MAX: f64 = 1e9;

/// Why accounts cannot be made as configured.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// An account is not possible.
    #[error("account {login}: {reason}")]
    Account {
        /// Its number.
        login: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The built-in accounts, those of the file, and the further ones.
pub(crate) fn configured(
    file: Option<&Path>,
    further: &[AccountSettings],
) -> Result<Vec<AccountSettings>, BuildError> {
    let mut all = vec![built_in(1_000_001, "USD"), built_in(1_000_002, "EUR")];
    if let Some(path) = file {
        all.extend(files::read::<AccountsFile>(path)?.accounts);
    }
    all.extend(further.iter().cloned());
    Ok(all)
}

fn built_in(login: u64, currency: &str) -> AccountSettings {
    AccountSettings {
        login,
        password: "demo".into(),
        investor_password: "investor".into(),
        currency: currency.into(),
        ..AccountSettings::default()
    }
}

/// Longest name that the account record can carry, UTF-16 units.
pub(crate) const NAME_MAX: usize = 128;

/// What the engine needs to know of an account.
pub(crate) fn terms_of(settings: &AccountSettings) -> Result<AccountTerms, BuildError> {
    let bad = |reason| BuildError::Account { login: settings.login, reason };
    let require = |holds: bool, reason| if holds { Ok(()) } else { Err(bad(reason)) };
    require(settings.login > 0, "the login must be a number above zero")?;
    require(
        settings.margin_mode == MarginMode::Hedging || !settings.fifo,
        "only hedging accounts have positions to close first in, first out",
    )?;
    require(utf16_len(&settings.name) <= NAME_MAX, "a name has 128 characters at most")?;
    require(is_currency(&settings.currency), "the currency must be three or four capital letters")?;
    require((1..=LEVERAGE_MAX).contains(&settings.leverage), "the leverage must be between 1 and 1000")?;
    require(
        (0.0..=DEPOSIT_MAX).contains(&settings.deposit),
        "the deposit must be between 0 and 1,000,000,000",
    )?;
    let levels = [settings.margin_call, settings.stop_out];
    require(levels.iter().all(|level| (0.0..=1000.0).contains(level)), "levels are per cent, 0 to 1000")?;
    let group = if settings.group.is_empty() { GROUPS.first() } else { group(&settings.group) };
    let group = group.ok_or(bad("no such group"))?;
    Ok(AccountTerms {
        login: Login(settings.login),
        deposit: Deposit {
            currency: settings.currency.clone(),
            digits: currency_digits(&settings.currency),
            leverage: settings.leverage,
        },
        margin_call: settings.margin_call,
        stop_out: StopOut::Level(settings.stop_out),
        free_margin: FreeMarginMode::ProfitAndLoss,
        margin_mode: settings.margin_mode.in_model(),
        fifo: settings.fifo,
        commissions: group.commissions,
        leverage: group.leverage_rules(),
    })
}

/// A demo account as a visitor asks for it: what is not possible is replaced by what is usual.
pub(crate) fn demo_terms(login: Login, asked_group: &str, deposit: f64, leverage: u32) -> AccountSettings {
    const USUAL_DEPOSIT: f64 = 10_000.0;
    const USUAL_LEVERAGE: u32 = 100;
    let is_possible = deposit.is_finite() && deposit > 0.0 && deposit <= DEPOSIT_MAX;
    AccountSettings {
        login: login.0,
        deposit: if is_possible { deposit } else { USUAL_DEPOSIT },
        leverage: if (1..=LEVERAGE_MAX).contains(&leverage) { leverage } else { USUAL_LEVERAGE },
        group: group(asked_group).map_or_else(String::new, |group| group.name.into()),
        ..AccountSettings::default()
    }
}

fn is_currency(text: &str) -> bool {
    (3..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_accounts_are_refused_with_a_reason() {
        let good = AccountSettings { login: 5, password: "x".into(), ..AccountSettings::default() };
        assert!(terms_of(&good).is_ok());
        for (bad, reason) in [
            (AccountSettings { login: 0, ..good.clone() }, "login"),
            (AccountSettings { margin_mode: MarginMode::Netting, fifo: true, ..good.clone() }, "hedging"),
            (AccountSettings { currency: "usd".into(), ..good.clone() }, "currency"),
            (AccountSettings { leverage: 0, ..good.clone() }, "leverage"),
            (AccountSettings { deposit: f64::NAN, ..good.clone() }, "deposit"),
            (AccountSettings { stop_out: -1.0, ..good.clone() }, "levels"),
            (AccountSettings { group: "x".into(), ..good }, "group"),
        ] {
            let error = terms_of(&bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_file_states_what_differs_from_the_usual() {
        let text =
            r#"{"accounts": [{"login": 9, "password": "p", "currency": "JPY", "otp": {"code": "1"}}]}"#;
        let file: AccountsFile = serde_json::from_str(text).unwrap();
        let terms = terms_of(&file.accounts[0]).unwrap();
        assert_eq!((terms.deposit.digits, terms.deposit.leverage), (0, 100));
        assert_eq!((terms.margin_mode, terms.fifo), (model::MarginMode::Hedging, false));
        for (name, mode) in
            [("netting", model::MarginMode::Netting), ("exchange", model::MarginMode::Exchange)]
        {
            let text =
                format!(r#"{{"accounts": [{{"login": 9, "password": "p", "margin_mode": "{name}"}}]}}"#);
            let file: AccountsFile = serde_json::from_str(&text).unwrap();
            assert_eq!(terms_of(&file.accounts[0]).unwrap().margin_mode, mode);
        }
        assert!(serde_json::from_str::<AccountsFile>(r#"{"accounts": [{"logn": 9}]}"#).is_err());
    }
}
