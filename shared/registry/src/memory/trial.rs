//! Sessions in memory: those that kill their owners.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryRegistry;
use crate::limits::{DEATHS_WITHIN, QUARANTINE_FIRST, QUARANTINE_LONGEST, QUARANTINED_SHOWN};
use crate::{Fence, Quarantine, Quarantined, RegistryError, SessionState, Written};

/// What a session has done to those who took it.
#[derive(Default)]
pub(super) struct Trial {
    /// Its owner took it from another, and has not stood it yet.
    is_on: bool,
    /// When an owner was counted that had not stood it.
    died: Option<Instant>,
    /// Quarantines since an owner has stood it.
    times: u32,
    until: Option<Instant>,
}

impl Trial {
    /// Another takes it.
    pub(super) const fn begin(&mut self) {
        self.is_on = true;
        self.until = None;
    }

    /// Its owner has not died of it.
    pub(super) const fn end(&mut self) {
        self.is_on = false;
    }

    /// Its owner is dead, and another wants to take it. `Some`: nobody may, for so long.
    pub(super) fn quarantine(&mut self) -> Option<Duration> {
        let now = Instant::now();
        if let Some(left) = self.left().filter(|left| !left.is_zero()) {
            return Some(left);
        }
        if !std::mem::take(&mut self.is_on) {
            return None;
        }
        let before = self.died.replace(now);
        if self.times == 0 && before.is_none_or(|before| now - before >= DEATHS_WITHIN) {
            return None;
        }
        let factor = 2_u32.checked_pow(self.times).unwrap_or(u32::MAX);
        let span = QUARANTINE_FIRST.saturating_mul(factor).min(QUARANTINE_LONGEST);
        self.times += 1;
        self.until = Some(now + span);
        Some(span)
    }

    /// For how long nobody may take it. `None`: it is not in quarantine.
    pub(super) fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }
}

#[async_trait]
impl Quarantine for MemoryRegistry {
    async fn stood(&self, token: &str, fence: Fence) -> Result<Written, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.owned(token, fence) else { return Ok(Written::Stale) };
        session.trial.end();
        session.trial.times = 0;
        Ok(Written::Yes)
    }

    async fn quarantined(&self) -> Result<Vec<Quarantined>, RegistryError> {
        let state = self.state();
        let live = state.sessions.iter().filter(|(_, session)| session.record.state == SessionState::Live);
        let all = live.filter_map(|(token, session)| {
            Some(Quarantined {
                token: token.clone(),
                account: session.record.account.clone(),
                owner: session.record.owner.clone(),
                times: session.trial.times,
                left: session.trial.left()?,
            })
        });
        Ok(all.take(QUARANTINED_SHOWN).collect())
    }

    async fn release(&self, token: &str) -> Result<bool, RegistryError> {
        let mut state = self.state();
        let Some(session) = state.sessions.get_mut(token) else { return Ok(false) };
        let is_in = session.trial.until.is_some();
        session.trial.until = is_in.then(Instant::now);
        Ok(is_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// One more owner takes it and dies.
    fn death(trial: &mut Trial) -> Option<Duration> {
        trial.begin();
        trial.quarantine()
    }

    #[tokio::test(start_paused = true)]
    async fn two_deaths_in_ten_minutes_are_too_many_and_each_further_one_costs_twice_as_much() {
        let mut trial = Trial::default();
        assert_eq!(trial.quarantine(), None, "its first owner has not taken it from anybody");
        assert_eq!(death(&mut trial), None);
        tokio::time::advance(DEATHS_WITHIN).await;
        assert_eq!(death(&mut trial), None, "too long ago");
        tokio::time::advance(DEATHS_WITHIN - SECOND).await;
        let mut expected = QUARANTINE_FIRST;
        for _ in 0..40 {
            assert_eq!(death(&mut trial), Some(expected));
            tokio::time::advance(expected - SECOND).await;
            assert_eq!((trial.quarantine(), trial.left()), (Some(SECOND), Some(SECOND)));
            tokio::time::advance(SECOND).await;
            assert_eq!((trial.quarantine(), trial.left()), (None, Some(Duration::ZERO)));
            expected = (expected * 2).min(QUARANTINE_LONGEST);
        }
        assert_eq!(expected, QUARANTINE_LONGEST);
    }
}
