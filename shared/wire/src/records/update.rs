//! Trade updates: push 10 (protocol 11.4).

use super::history::{Deal, Order, Position};
use crate::kind::money;
use crate::payload::{list_value, read_counted, write_counted};
use crate::record::records;
use crate::{DecodeError, Payload, Reader, Record, Value};

records! {
    /// A change of an order.
    pub struct OrderUpdate[368] {
        /// [`mask::OPEN_ORDERS`] or [`mask::HISTORY_ORDERS`].
        flag_mask: u32,
        /// Rises.
        transaction_id: u32,
        /// See [`TransactionType`].
        transaction_type: u32,
        order: Order,
    }

    /// A deal with its position and the account's money after it; lists follow.
    pub struct DealUpdateHead[752] {
        /// [`mask::DEALS`].
        flag_mask: u32,
        /// Rises.
        transaction_id: u32,
        /// See [`TransactionType`].
        transaction_type: u32,
        /// Ticket 0: no deal.
        deal: Deal,
        /// Volume 0: it is gone.
        position: Position,
        balance: money,
        credit: money,
        commission_daily: money,
        commission_monthly: money,
        /// Profit realised today.
        acc_profit: money,
    }
}

/// Values of `flag_mask`.
pub mod mask {
    /// Working orders.
    pub const OPEN_ORDERS: u32 = 0;
    /// Ended orders.
    pub const HISTORY_ORDERS: u32 = 1;
    /// Deals and positions.
    pub const DEALS: u32 = 2;
}

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum TransactionType {
    /// It is new.
    Add = 0,
    /// It changed.
    Update = 1,
    /// It is gone.
    Delete = 2,
}

impl TransactionType {
    /// The one with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Add),
            1 => Some(Self::Update),
            2 => Some(Self::Delete),
            _ => None,
        }
    }
}

/// A deal with everything that follows from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DealUpdate {
    /// Deal, position and money.
    pub head: DealUpdateHead,
    /// Further deals: the opposite one of a close-by.
    pub deals: Vec<Deal>,
    /// Further positions.
    pub positions: Vec<Position>,
}

/// What a push 10 holds: records of one kind.
#[derive(Clone, Debug, PartialEq)]
pub enum TradeUpdate {
    /// Changes of orders.
    Orders(Vec<OrderUpdate>),
    /// Deals and changes of positions.
    Deals(Vec<DealUpdate>),
}

impl Payload for TradeUpdate {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Orders(orders) => orders.iter().for_each(|order| order.write(out)),
            Self::Deals(deals) => {
                for update in deals {
                    update.head.write(out);
                    write_counted(&update.deals, out);
                    write_counted(&update.positions, out);
                }
            }
        }
    }

    /// The first word decides what the records are. Bytes after the last whole record are ignored.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let is_deals = reader.rest().get(..4) == Some(&mask::DEALS.to_le_bytes()[..]);
        if !is_deals {
            let count = reader.rest().len() / OrderUpdate::LEN;
            return (0..count).map(|_| Record::read(reader)).collect::<Result<_, _>>().map(Self::Orders);
        }
        let mut updates = Vec::new();
        while reader.rest().len() >= DealUpdateHead::LEN {
            let head = Record::read(reader)?;
            updates.push(DealUpdate { head, deals: read_counted(reader)?, positions: read_counted(reader)? });
        }
        Ok(Self::Deals(updates))
    }

    fn value(&self) -> Value {
        match self {
            Self::Orders(orders) => list_value(orders),
            Self::Deals(deals) => Value::List(deals.iter().map(DealUpdate::value).collect()),
        }
    }
}

impl DealUpdate {
    fn value(&self) -> Value {
        match Payload::value(&self.head) {
            Value::Record(mut fields) => {
                fields.push(("deals", list_value(&self.deals)));
                fields.push(("positions", list_value(&self.positions)));
                Value::Record(fields)
            }
            other => other,
        }
    }
}
