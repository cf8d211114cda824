//! Lists of everything open at a fixed pace, changed or not.

use std::time::Duration;

use bus::{Fanout, Topic};
use calls::Ticket;
use calls::reply::TicketProfit;
use tokio::time::Instant;

use super::Publisher;
use crate::session::state::State;
use crate::translate::ticket;

/// The least pace: faster, a list would be told that nobody can read.
const LEAST: Duration = Duration::from_millis(10);
const TOPICS: [Topic; 2] = [Topic::OpenedOrdersTickets, Topic::OpenedOrdersTicketsProfit];

/// When the lists were told last.
#[derive(Debug)]
pub(super) struct Tickets {
    sent: [Option<Instant>; TOPICS.len()],
}

impl Tickets {
    pub(super) const fn new() -> Self {
        Self { sent: [None; TOPICS.len()] }
    }

    /// When the next list is due; `None` while nobody listens.
    pub(super) fn next(&self, fanout: &Fanout, now: Instant) -> Option<Instant> {
        (0..TOPICS.len()).filter_map(|place| self.due(place, fanout, now)).min()
    }

    fn due(&self, place: usize, fanout: &Fanout, now: Instant) -> Option<Instant> {
        if !fanout.has_listeners(TOPICS[place]) {
            return None;
        }
        let every = fanout.pace(TOPICS[place])?.max(LEAST);
        Some(self.sent[place].map_or(now, |sent| sent + every))
    }
}

impl Publisher {
    pub(super) fn send_tickets(&mut self, state: &mut State, now: Instant) {
        for (place, topic) in TOPICS.into_iter().enumerate() {
            match self.tickets.due(place, &self.fanout, now) {
                None => self.tickets.sent[place] = None,
                Some(due) if due <= now => {
                    self.tickets.sent[place] = Some(now);
                    match topic {
                        Topic::OpenedOrdersTickets => self.send(topic, None, &state.tickets()),
                        _ => self.send(topic, None, &state.ticket_profits()),
                    }
                }
                Some(_) => {}
            }
        }
    }
}

impl State {
    /// The tickets of everything open: positions, then pending orders.
    pub(crate) fn tickets(&self) -> Vec<Ticket> {
        self.positions.keys().chain(self.orders.keys()).map(|number| Ticket(ticket(*number))).collect()
    }

    fn ticket_profits(&mut self) -> Vec<TicketProfit> {
        self.revalue_changed();
        let positions = self.positions.iter().map(|(number, open)| (*number, open.profit.to_f64()));
        let all = positions.chain(self.orders.keys().map(|number| (*number, 0.0)));
        all.map(|(number, profit)| TicketProfit { ticket: ticket(number), profit }).collect()
    }
}
