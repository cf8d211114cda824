//! What the numbers of the protocol mean to whoever trades.

use super::{DealType, Execution, Expiration, Filling, OrderState, OrderType, Reason, Side, TradeAction};

impl Side {
    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The market order that opens such a position.
    #[must_use]
    pub const fn market_order(self) -> OrderType {
        match self {
            Self::Buy => OrderType::Buy,
            Self::Sell => OrderType::Sell,
        }
    }

    /// +1 for buys, −1 for sells.
    #[must_use]
    pub const fn sign(self) -> f64 {
        match self {
            Self::Buy => 1.0,
            Self::Sell => -1.0,
        }
    }
}

impl OrderType {
    /// The side of the position it makes; `None` for close-by.
    #[must_use]
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::Buy | Self::BuyLimit | Self::BuyStop | Self::BuyStopLimit => Some(Side::Buy),
            Self::Sell | Self::SellLimit | Self::SellStop | Self::SellStopLimit => Some(Side::Sell),
            Self::CloseBy => None,
        }
    }

    /// Whether it waits for a price.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        !matches!(self, Self::Buy | Self::Sell | Self::CloseBy)
    }

    /// Whether it is one of the two stop-limit kinds.
    #[must_use]
    pub const fn is_stop_limit(self) -> bool {
        matches!(self, Self::BuyStopLimit | Self::SellStopLimit)
    }

    /// Its bit in a symbol's `trade_order_flags` (1 market, 2 limit, 4 stop, 8 stop-limit, 64 close by).
    #[must_use]
    pub const fn flag(self) -> u32 {
        match self {
            Self::Buy | Self::Sell => 1,
            Self::BuyLimit | Self::SellLimit => 2,
            Self::BuyStop | Self::SellStop => 4,
            Self::BuyStopLimit | Self::SellStopLimit => 8,
            Self::CloseBy => 64,
        }
    }
}

impl OrderState {
    /// Whether the order has ended.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Canceled | Self::Filled | Self::Rejected | Self::Expired)
    }
}

impl Filling {
    /// Its bit in a symbol's `trade_fill_flags` (1 FOK, 2 IOC, 4 BOC); `Return` has none.
    #[must_use]
    pub const fn flag(self) -> u32 {
        match self {
            Self::FillOrKill => 1,
            Self::ImmediateOrCancel => 2,
            Self::BookOrCancel => 4,
            Self::Return => 0,
        }
    }
}

impl Expiration {
    /// Its bit in a symbol's `trade_time_flags`.
    #[must_use]
    pub const fn flag(self) -> u32 {
        1 << self.number()
    }
}

impl Execution {
    /// The action of a market order under this execution.
    #[must_use]
    pub const fn deal_action(self) -> TradeAction {
        match self {
            Self::Request => TradeAction::DealRequest,
            Self::Instant => TradeAction::DealInstant,
            Self::Market => TradeAction::DealMarket,
            Self::Exchange => TradeAction::DealExchange,
        }
    }
}

impl Reason {
    /// Service deals neither open nor close a position.
    #[must_use]
    pub const fn is_service(self) -> bool {
        matches!(
            self,
            Self::Rollover
                | Self::VariationMargin
                | Self::Settlement
                | Self::Transfer
                | Self::Sync
                | Self::ExternalService
        )
    }
}

impl DealType {
    /// Whether it trades a symbol, rather than moving money only.
    #[must_use]
    pub const fn is_trade(self) -> bool {
        matches!(self, Self::Buy | Self::Sell)
    }

    /// Whether its amount goes to the credit instead of the balance.
    #[must_use]
    pub const fn is_credit(self) -> bool {
        matches!(self, Self::Credit | Self::Bonus)
    }
}
