//! How orders were to be filled: what they made does not say it itself.

use std::collections::BTreeMap;

use wire::records::Order;

/// Orders that are remembered; of more, the oldest are forgotten.
const KEPT_MAX: usize = 1024;

/// Fillings (protocol 10.3) of orders by their tickets.
#[derive(Debug, Default)]
pub(crate) struct Fillings(BTreeMap<i64, u32>);

impl Fillings {
    /// Takes note of an order as the server records it.
    pub(super) fn note(&mut self, order: &Order) {
        self.0.insert(order.trade_order, order.type_filling);
        if self.0.len() > KEPT_MAX {
            self.0.pop_first();
        }
    }

    /// The filling of an order. A position bears the number of the order that opened it.
    pub(super) fn of(&self, order: i64) -> Option<u32> {
        self.0.get(&order).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_orders_are_remembered() {
        let mut fillings = Fillings::default();
        for ticket in 1..=i64::try_from(KEPT_MAX).unwrap() + 1 {
            fillings.note(&Order { trade_order: ticket, type_filling: 1, ..Order::default() });
        }
        assert_eq!((fillings.of(1), fillings.of(2), fillings.of(9_999)), (None, Some(1), None));
    }
}
