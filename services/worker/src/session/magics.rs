//! Magic numbers: the protocol does not carry them, so a session remembers those that it sent.

use super::state::State;
use super::texts::{MAGICS_EACH, Texts, magic_of};

/// Magic numbers that are remembered.
const MAGIC_MAX: usize = 10_000;

impl State {
    /// Remembers the magic number of an order that this session sent, and shows it on what the order made.
    pub(crate) fn remember_magic(&mut self, ticket: i64, magic: i64) {
        if magic == 0 {
            return;
        }
        match self.magic.insert(ticket, magic) {
            Some(known) if known == magic => return,
            Some(_) => self.magic_texts.clear(),
            None => {
                if !self.magic_order.len().is_multiple_of(MAGICS_EACH) {
                    // The last text has one more.
                    self.magic_texts.pop();
                }
                self.magic_order.push_back(ticket);
            }
        }
        self.magic_version += 1;
        if self.magic_order.len() > MAGIC_MAX {
            // Those of a whole text, so that the others stay.
            for oldest in self.magic_order.drain(..MAGICS_EACH) {
                self.magic.remove(&oldest);
            }
            if !self.magic_texts.is_empty() {
                self.magic_texts.remove(0);
            }
        }
        if let Some(position) = self.positions.get_mut(&ticket) {
            position.record.expert = magic;
            position.texts = Texts::default();
        }
        self.order_texts.remove(&ticket);
    }

    /// Counts magic numbers that were ever remembered.
    pub(crate) const fn magic_version(&self) -> u64 {
        self.magic_version
    }

    /// The magic number of a ticket: the server's, or the remembered one.
    pub(crate) fn magic(&self, ticket: i64, of_server: i64) -> i64 {
        magic_of(&self.magic, ticket, of_server)
    }
}
