//! Trade requests and their results: commands 12 and 19 (protocol 9.11, 9.12).

use crate::kind::{price, remark, s16};
use crate::record::records;
use crate::{DecodeError, Payload, Record};

records! {
    /// A trade request in the official layout.
    pub struct TradeRequest[248] {
        /// Chosen by the client, echoed in the result.
        action_id: u32,
        /// See the protocol's 10.8.
        trade_action: u32,
        trade_symbol: s16[64],
        trade_volume: u64,
        digits: u32,
        /// Order to modify or remove; else 0.
        trade_order: u64,
        /// For a close: the opposite side of the position.
        trade_type: u32,
        type_filling: u32,
        type_time: u32,
        /// 2 opening and pending, 3 closing, 0 modifying and removing.
        type_flags: u32,
        type_reason: u32,
        /// Of a stop-limit: the stop price.
        price_order: f64,
        /// Of a stop-limit: the limit price.
        price_trigger: f64,
        price_sl: f64,
        price_tp: f64,
        /// Points, for instant execution.
        price_deviation: u32,
        price_top: f64,
        price_bottom: f64,
        comment: remark[64],
        /// Position to close or change; else 0.
        trade_position: u64,
        /// Opposite position for a close-by.
        position_by: u64,
        time_expiration: u32,
    }

    /// The immediate answer to a request: 0 accepted, the verdict comes as a push; else the verdict.
    pub struct TradeAnswer[4] { retcode: u32 }

    /// The verdict on a request.
    pub struct TradeResult[128] {
        retcode: u32,
        deal: i64,
        trade_order: i64,
        /// Executed.
        volume: i64,
        /// Of the execution.
        price: price,
        res_time: u32,
        bid: price,
        ask: price,
        last: price,
        /// Server remark.
        comment: s16[64],
    }

    /// Push 19.
    pub struct TradeResultPush[380] {
        /// Rises with each push; not a result code.
        serial: u32,
        request: TradeRequest,
        result: TradeResult,
    }

    /// The tail of a request as pymt5 lays it out: from the deviation on.
    struct PymtTail[92] {
        price_deviation: u64,
        comment: s16[64],
        trade_position: u64,
        position_by: u64,
        time_expiration: u32,
    }
}

/// Which layout a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Of the official client.
    Official,
    /// Of pymt5 1.0.1: 236 bytes, and the two prices of stop-limit orders the other way round. Servers accept it,
    /// clients do not send it.
    Pymt5,
}

/// Where the two layouts part.
const COMMON: usize = 144;
/// Bytes of a request of pymt5.
const PYMT5: usize = COMMON + PymtTail::LEN;

impl TradeRequest {
    /// From a payload in either layout, told apart by its length. Fields are as sent: of stop-limit orders in the
    /// layout of pymt5 the receiver must swap the prices.
    ///
    /// # Errors
    /// [`DecodeError`] if it is too short for both.
    pub fn from_either(payload: &[u8]) -> Result<(Self, Profile), DecodeError> {
        if !(PYMT5..Self::LEN).contains(&payload.len()) {
            return Ok((Self::from_bytes(payload)?, Profile::Official));
        }
        let mut common = payload[..COMMON].to_vec();
        common.resize(Self::LEN, 0);
        let tail = PymtTail::from_bytes(&payload[COMMON..])?;
        let request = Self {
            price_deviation: u32::try_from(tail.price_deviation).unwrap_or(u32::MAX),
            comment: tail.comment,
            trade_position: tail.trade_position,
            position_by: tail.position_by,
            time_expiration: tail.time_expiration,
            ..Self::from_bytes(&common)?
        };
        Ok((request, Profile::Pymt5))
    }
}
