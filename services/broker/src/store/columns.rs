//! How values stand in columns.

use model::{Money, Price, ServerTime, Volume};

use crate::engine::{Activation, DealTicket, Login, Ticket};

/// Numbers of accounts and tickets are below 2^63: SQLite knows no others.
pub(super) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn login(login: Login) -> i64 {
    whole(login.0)
}

pub(super) fn ticket(ticket: Ticket) -> i64 {
    whole(ticket.0)
}

pub(super) fn deal(ticket: DealTicket) -> i64 {
    whole(ticket.0)
}

pub(super) fn tickets(given: Option<Ticket>) -> Option<i64> {
    given.map(ticket)
}

pub(super) fn price(price: Option<Price>) -> Option<i64> {
    price.map(Price::units)
}

pub(super) fn volume(volume: Volume) -> i64 {
    whole(volume.units())
}

/// Money is wider than a column; no account has as much as would not fit.
pub(super) fn money(money: Money) -> i64 {
    i64::try_from(money.units()).unwrap_or(if money < Money::ZERO { i64::MIN } else { i64::MAX })
}

pub(super) fn moment(time: Option<ServerTime>) -> Option<i64> {
    time.map(ServerTime::ms)
}

const ACTIVATIONS: [Activation; 3] = [Activation::None, Activation::Price, Activation::StopLimit];

pub(super) fn activation(activation: Activation) -> i64 {
    ACTIVATIONS.iter().position(|one| *one == activation).map_or(0, |place| whole(place as u64))
}

pub(super) fn to_activation(number: i64) -> Option<Activation> {
    usize::try_from(number).ok().and_then(|place| ACTIVATIONS.get(place)).copied()
}
