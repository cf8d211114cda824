//! What becomes of a message.

use std::time::Duration;

use tokio::time::Instant;

use super::Mishap;

/// How a message is spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// It cannot be decrypted.
    Garbled,
    /// Its last byte is missing.
    Truncated,
    /// Its numbers make no sense.
    Absurd,
}

/// The sum of what happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) delay: Duration,
    /// How often it is sent.
    pub(crate) copies: u8,
    pub(crate) damage: Option<Damage>,
}

impl Default for Fate {
    fn default() -> Self {
        Self { delay: Duration::ZERO, copies: 1, damage: None }
    }
}

impl Fate {
    pub(super) fn suffer(&mut self, mishap: Mishap) {
        match mishap {
            Mishap::DelayMs(ms) => self.delay += Duration::from_millis(ms.into()),
            Mishap::Drop => self.copies = 0,
            Mishap::Duplicate => self.copies *= 2,
            Mishap::Garble => self.damage = Some(Damage::Garbled),
            Mishap::Truncate => self.damage = Some(Damage::Truncated),
            Mishap::Absurd => self.damage = Some(Damage::Absurd),
        }
        // Two rules that double it do not make four of it: a queue must not grow by rules.
        self.copies = self.copies.min(2);
    }

    /// When it may be sent; none: at once.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.delay.is_zero()).then(|| Instant::now() + self.delay)
    }
}
