//! Other terms of an account that is there.

use super::build::LEVERAGE_MAX;
use crate::catalogue::group;
use crate::engine::AccountTerms;

/// The terms with another leverage and the commissions of another group, where given.
pub(crate) fn edited(
    terms: &AccountTerms,
    leverage: Option<u32>,
    group_name: Option<&str>,
) -> Result<AccountTerms, &'static str> {
    let mut terms = terms.clone();
    if let Some(leverage) = leverage {
        if !(1..=LEVERAGE_MAX).contains(&leverage) {
            return Err("the leverage must be between 1 and 1000");
        }
        terms.deposit.leverage = leverage;
    }
    if let Some(name) = group_name {
        let group = group(name).ok_or("no such group: give demo\\standard, demo\\raw or demo\\tiered")?;
        (terms.commissions, terms.leverage) = (group.commissions, group.leverage_rules());
    }
    Ok(terms)
}
