//! Positions, orders and deals: commands 4 and 5 (protocol 9.3, 9.4).

use crate::kind::{money, price, s16, term};
use crate::payload::{list_value, read_counted, write_counted};
use crate::record::records;
use crate::{DecodeError, Payload, Reader, Value};

records! {
    /// An open position.
    pub struct Position[344] {
        /// Its ticket.
        position_id: i64,
        /// The order that opened or last changed it.
        trade_order: i64,
        time_create: u32,
        time_update: u32,
        trade_symbol: s16[64],
        /// 0 buy, 1 sell.
        trade_action: u32,
        price_open: price,
        /// Current price: bid for a buy, ask for a sell.
        price_close: price,
        sl: price,
        tp: price,
        trade_volume: u64,
        /// Floating, without swap and commission.
        profit: money,
        /// Profit currency to account currency.
        rate_profit: price,
        /// Margin currency to account currency when it was opened.
        rate_margin: price,
        /// Negative: charged.
        commission: money,
        /// Swap so far.
        storage: money,
        /// Magic number.
        expert: i64,
        expert_position_id: i64,
        comment: s16[64],
        contract_size: term,
        digits: u32,
        digits_currency: u32,
        trade_reason: u32,
        external_id: s16[64],
        time_create_ms: i32,
        time_update_ms: i32,
    }

    /// An order, working or ended.
    pub struct Order[356] {
        /// Its ticket.
        trade_order: i64,
        /// Its id in an external system.
        order_id: s16[64],
        trade_symbol: s16[64],
        time_setup: u32,
        /// 0: none.
        time_expiration: u32,
        /// 0 while it works.
        time_done: u32,
        order_type: u32,
        type_filling: u32,
        type_time: u32,
        type_reason: u32,
        /// Of a stop-limit: the stop price.
        price_order: price,
        /// Of a stop-limit: the limit price; else 0.
        price_trigger: price,
        /// Current market price.
        price_current: price,
        price_sl: price,
        price_tp: price,
        volume_initial: i64,
        /// Not yet filled.
        volume_current: i64,
        order_state: u32,
        /// Magic number.
        expert: i64,
        /// The position that it closes or made.
        position_id: i64,
        comment: s16[64],
        contract_size: term,
        digits: u32,
        digits_currency: u32,
        commission_daily: money,
        commission_monthly: money,
        /// Margin currency to account currency; 0: the client finds it.
        margin_rate: price,
        /// 0 none, 1 stop or limit reached, 2 stop-limit reached.
        activation_mode: u32,
        time_setup_ms: i32,
        time_done_ms: i32,
    }

    /// A deal, or a balance operation.
    pub struct Deal[356] {
        /// Its ticket.
        deal: i64,
        /// Its id in an external system.
        deal_id: s16[64],
        /// The order it came from; 0 for balance operations.
        trade_order: i64,
        time_create: u32,
        time_update: u32,
        trade_symbol: s16[64],
        /// Deal type, see the protocol's 10.7.
        trade_action: u32,
        /// 0 in, 1 out, 2 in/out, 3 out by.
        entry: u32,
        /// Price of this deal, also of a closing one.
        price_open: price,
        /// Of a closing deal: opening price of the position.
        price_close: price,
        sl: price,
        tp: price,
        trade_volume: u64,
        /// Realised, or the amount of a balance operation.
        profit: money,
        rate_profit: price,
        rate_margin: price,
        /// Negative: charged.
        commission: money,
        /// Swap.
        storage: money,
        /// Magic number.
        expert: i64,
        position_id: i64,
        comment: s16[64],
        contract_size: term,
        digits: u32,
        digits_currency: u32,
        trade_reason: u32,
        time_create_ms: i32,
        time_update_ms: i32,
        commission_fee: money,
    }

    /// The range of a history request, both ends included; `to` 0: until now; both 0: everything.
    pub struct HistoryRequest[8] { from: i32, to: i32 }
}

/// Everything open: the answer to command 4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Portfolio {
    /// Open positions.
    pub positions: Vec<Position>,
    /// Pending orders.
    pub orders: Vec<Order>,
}

impl Payload for Portfolio {
    fn encode(&self, out: &mut Vec<u8>) {
        write_counted(&self.positions, out);
        write_counted(&self.orders, out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { positions: read_counted(reader)?, orders: read_counted(reader)? })
    }

    fn value(&self) -> Value {
        Value::Record(vec![("positions", list_value(&self.positions)), ("orders", list_value(&self.orders))])
    }
}

/// Deals and ended orders: the answer to command 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Deals and balance operations.
    pub deals: Vec<Deal>,
    /// Orders in a final state.
    pub orders: Vec<Order>,
}

impl Payload for History {
    fn encode(&self, out: &mut Vec<u8>) {
        write_counted(&self.deals, out);
        write_counted(&self.orders, out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { deals: read_counted(reader)?, orders: read_counted(reader)? })
    }

    fn value(&self) -> Value {
        Value::Record(vec![("deals", list_value(&self.deals)), ("orders", list_value(&self.orders))])
    }
}
