//! Small things: commands 41, 42 and 44 (protocol 9.22, 9.23, 9.25).

use crate::kind::{bytes, s16};
use crate::record::records;

records! {
    /// Where the visitor seems to be.
    pub struct TraderParameters[64] { country: s16[32], currency: s16[32] }

    /// Tells the server something; 1: the risk warning was accepted.
    pub struct Notify[4] { value: u32 }

    /// A link of the broker.
    pub struct CorporateLink[1288] {
        /// 0: use `label`; else see the protocol's 9.25.
        link_type: u32,
        label: s16[512],
        url: s16[512],
        flags: u32,
        icon_data: bytes[256],
    }
}
