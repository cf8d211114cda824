//! The enums of the interface: names as replies print them, numbers as queries accept them.

mod account;
mod order;
mod symbol;

pub use account::{
    AccMethod, CommissionEntry, CommissionMode, CommissionPeriod, CommissionType, CommissionUnit,
    LicenseStanding, LinkState, MarginMode, ProxyType,
};
pub use order::{
    DealType, Direction, ExpirationType, FillPolicy, OrderState, OrderType, PlacedType, SortType, UpdateType,
};
pub use symbol::{
    BookType, CalcMode, ExecutionMode, ExpirationFlags, FillFlags, GtcMode, SwapType, TradeMode, WeekDay,
};
