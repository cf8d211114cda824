//! Tickets that open one WebSocket in place of a key: browsers can show no header there, and what stands in an address is
//! easily seen by others.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::key::{KeyError, is_base62, random};

/// About 190 random bits.
const CHARS: usize = 32;

/// A ticket. Its `Debug` is starred, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamTicket(String);

impl StreamTicket {
    /// A new one, from the system's random numbers.
    #[must_use]
    pub fn generate() -> Self {
        Self(random(CHARS))
    }

    /// The ticket as its owner has it. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Under what it is kept: tells nothing of the ticket.
    #[must_use]
    pub fn name(&self) -> String {
        Sha256::digest(&self.0).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for StreamTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamTicket(***)")
    }
}

impl FromStr for StreamTicket {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() == CHARS && is_base62(text) { Ok(Self(text.to_owned())) } else { Err(KeyError::Form) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_again_and_its_name_does_not_tell_it() {
        let ticket = StreamTicket::generate();
        assert_eq!(ticket.expose().parse(), Ok(ticket.clone()));
        assert_ne!(ticket, StreamTicket::generate());
        assert!(!ticket.name().contains(ticket.expose()) && !format!("{ticket:?}").contains(ticket.expose()));
        assert_eq!(ticket.name().len(), 64);
        for bad in ["", &ticket.expose()[1..], &format!("{}x", ticket.expose()), &"_".repeat(CHARS)] {
            assert!(bad.parse::<StreamTicket>().is_err(), "{bad}");
        }
    }
}
