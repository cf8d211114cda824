//! Every record of the protocol, by subject. Field names are those of the protocol's tables; volumes are in lots
//! × 10^8, times in seconds of the server clock, money in account currency, unless a field says otherwise.

mod account;
mod bars;
mod book;
mod entry;
mod history;
mod market;
mod opening;
mod service;
mod settings;
mod spreads;
mod symbol;
mod trade;
mod update;

pub use account::{Account, AccountMain};
pub use bars::{Bar, BarsRequest, PERIODS, Period};
pub use book::{Book, BookHead, BookLevel, Books};
pub use entry::{
    BootstrapReply, BootstrapRequest, LOGIN_PASSWORD_UNITS, LoginReply, LoginRequest, LoginStatus,
    PasswordChange, PasswordChangeReply, TOKEN_HEX_DIGITS, TwoFactorRequest, TwoFactorSetup, VisitorRequest,
};
pub use history::{Deal, History, HistoryRequest, Order, Portfolio, Position};
pub use market::{SymbolDetails, Tick, details_field, tick_field};
pub use opening::{
    AccountOpened, Applicant, ConfirmationReply, Document, RealApplicant, RealApplication,
    VerificationRequest,
};
pub use service::{CorporateLink, Notify, TraderParameters};
pub use settings::{
    Commission, CommissionRule, CommissionTier, KEEP_F64, KEEP_I32, KEEP_U32, KEEP_U64, LeverageHead,
    LeverageRule, LeverageTier, TradeSettings,
};
pub use spreads::{Spread, SpreadGroup, SpreadHead, SpreadLeg, Spreads};
pub use symbol::{
    CompressedSymbols, FullSymbol, FullSymbolsRequest, MAX_INFLATED, Schedule, Session, Subscription,
    SymbolBrief, SymbolGroup, SymbolIds,
};
pub use trade::{Profile, TradeAnswer, TradeRequest, TradeResult, TradeResultPush};
pub use update::{DealUpdate, DealUpdateHead, OrderUpdate, TradeUpdate, TransactionType, mask};

use crate::RecordLayout;

/// All records as tables, for tests, fuzzers and documents.
pub fn layouts() -> impl Iterator<Item = &'static RecordLayout> {
    [
        account::LAYOUTS,
        bars::LAYOUTS,
        book::LAYOUTS,
        entry::LAYOUTS,
        history::LAYOUTS,
        market::LAYOUTS,
        opening::LAYOUTS,
        service::LAYOUTS,
        settings::LAYOUTS,
        spreads::LAYOUTS,
        symbol::LAYOUTS,
        std::slice::from_ref(&symbol::SCHEDULE_LAYOUT),
        trade::LAYOUTS,
        update::LAYOUTS,
    ]
    .into_iter()
    .flatten()
}
