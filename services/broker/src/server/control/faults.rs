//! Faults on purpose.

use super::{Control, ControlError, Stopped};
use crate::faults::{ActiveRule, Fault, Rule};

impl Control {
    /// This fault for everybody from now on, and no other.
    ///
    /// # Errors
    /// If the fault makes no sense; those in force stay then.
    pub async fn fault(&self, fault: Fault) -> Result<(), ControlError> {
        let id = self.add_fault(Rule::of(fault)).await?;
        self.with(move |hub| hub.faults.remove(|own, _| own != id)).await?;
        Ok(())
    }

    /// Adds a fault behind those in force, and gives its number.
    ///
    /// # Errors
    /// If the rule makes no sense, or names an unknown account or symbol.
    pub async fn add_fault(&self, rule: Rule) -> Result<u64, ControlError> {
        self.with(move |hub| {
            if rule.login.is_some_and(|login| hub.directory.holder(crate::engine::Login(login)).is_none()) {
                return Err(ControlError::Account);
            }
            let symbol = match &rule.fault {
                Fault::FreezeQuotes { symbol: Some(name) } => {
                    Some(hub.catalogue.by_name(name).ok_or(ControlError::Symbol)?.id.0)
                }
                _ => None,
            };
            Ok(hub.faults.add(rule, symbol)?)
        })
        .await?
    }

    /// The faults in force, in the order they were added in.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn faults(&self) -> Result<Vec<ActiveRule>, Stopped> {
        self.with(|hub| hub.faults.list()).await
    }

    /// Removes a fault by its number.
    ///
    /// # Errors
    /// If there is none, any more.
    pub async fn remove_fault(&self, id: u64) -> Result<(), ControlError> {
        let count = self.with(move |hub| hub.faults.remove(|own, _| own == id)).await?;
        if count > 0 { Ok(()) } else { Err(ControlError::NoFault) }
    }

    /// Nothing goes wrong on purpose any more.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn clear_faults(&self) -> Result<(), Stopped> {
        self.with(|hub| hub.faults.remove(|_, _| true)).await.map(drop)
    }

    /// Refuses all logins by this result code (protocol 5.3); without one, takes back all refusals of logins.
    ///
    /// # Errors
    /// If the code is that of success.
    pub async fn refuse_logins(&self, code: Option<u8>) -> Result<(), ControlError> {
        self.with(move |hub| {
            let rule = code.map(|code| Rule::of(Fault::RefuseLogin { code }));
            rule.as_ref().map_or(Ok(()), Rule::check)?;
            hub.faults.remove(|_, rule| matches!(rule.fault, Fault::RefuseLogin { .. }));
            rule.map_or(Ok(0), |rule| hub.faults.add(rule, None))?;
            Ok(())
        })
        .await?
    }
}
