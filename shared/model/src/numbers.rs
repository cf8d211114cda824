//! The numbered enumerations of the protocol, each declared once.

mod meaning;

/// Declares enumerations from tables of `Variant = number`. A number that is not in the table has no
/// variant: records keep the raw number, so unknown values survive a round trip on the wire.
///
/// ```text
/// numbers! {
///     /// Which way a position goes.
///     Side { /** Long. */ Buy = 0, /** Short. */ Sell = 1 }
/// }
/// assert_eq!(Side::from_number(1), Some(Side::Sell));
/// ```
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum $name { $($(#[$vdoc])* $variant = $number),+ }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The one with this number on the wire.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// Its number on the wire.
            #[must_use]
            pub const fn number(self) -> u32 {
                self as u32
            }
        }
    )+};
}

numbers! {
    /// Which way a position or a deal goes.
    Side {
        /// Bought: gains when the bid rises.
        Buy = 0,
        /// Sold: gains when the ask falls.
        Sell = 1,
    }

    /// What an order does (protocol 10.1).
    OrderType {
        /// Buy at market.
        Buy = 0,
        /// Sell at market.
        Sell = 1,
        /// Buy below the market.
        BuyLimit = 2,
        /// Sell above the market.
        SellLimit = 3,
        /// Buy when the ask has risen to the price.
        BuyStop = 4,
        /// Sell when the bid has fallen to the price.
        SellStop = 5,
        /// Place a buy limit when the ask has risen to the stop price.
        BuyStopLimit = 6,
        /// Place a sell limit when the bid has fallen to the stop price.
        SellStopLimit = 7,
        /// Close a position by an opposite one.
        CloseBy = 8,
    }

    /// Where an order is in its life (protocol 10.2).
    OrderState {
        /// Accepted, not yet checked.
        Started = 0,
        /// Working.
        Placed = 1,
        /// Removed by its owner.
        Canceled = 2,
        /// Filled in part, the rest is working.
        PartiallyFilled = 3,
        /// Filled.
        Filled = 4,
        /// Refused.
        Rejected = 5,
        /// Ended by its expiration.
        Expired = 6,
        /// On its way to the exchange.
        RequestAdding = 7,
        /// A change of it is on its way to the exchange.
        RequestModifying = 8,
        /// Its removal is on its way to the exchange.
        RequestCancelling = 9,
    }

    /// How an order may be filled (protocol 10.3).
    Filling {
        /// All or nothing.
        FillOrKill = 0,
        /// What is there now, the rest is dropped.
        ImmediateOrCancel = 1,
        /// What is there now, the rest goes on working.
        Return = 2,
        /// Only if it would rest in the book.
        BookOrCancel = 3,
    }

    /// How long an order lives (protocol 10.4).
    Expiration {
        /// Until it is cancelled.
        GoodTillCancelled = 0,
        /// Until the end of the day.
        Day = 1,
        /// Until a moment.
        Specified = 2,
        /// Until the end of a given day.
        SpecifiedDay = 3,
    }

    /// Who or what caused an order, deal or position (protocol 10.5).
    Reason {
        /// The desktop terminal.
        Client = 0,
        /// An expert advisor.
        Expert = 1,
        /// A dealer.
        Dealer = 2,
        /// Stop loss reached.
        StopLoss = 3,
        /// Take profit reached.
        TakeProfit = 4,
        /// Not enough margin left.
        StopOut = 5,
        /// Rollover.
        Rollover = 6,
        /// An external client.
        ExternalClient = 7,
        /// Variation margin.
        VariationMargin = 8,
        /// A gateway.
        Gateway = 9,
        /// A signal subscription.
        Signal = 10,
        /// Settlement.
        Settlement = 11,
        /// Transfer between servers.
        Transfer = 12,
        /// Synchronisation with an external system.
        Sync = 13,
        /// An external service.
        ExternalService = 14,
        /// Migration.
        Migration = 15,
        /// The mobile terminal.
        Mobile = 16,
        /// The web terminal.
        Web = 17,
        /// A split.
        Split = 18,
    }

    /// What a deal is (protocol 10.7).
    DealType {
        /// Bought.
        Buy = 0,
        /// Sold.
        Sell = 1,
        /// Deposit or withdrawal.
        Balance = 2,
        /// Credit.
        Credit = 3,
        /// Additional charge.
        Charge = 4,
        /// Correction.
        Correction = 5,
        /// Bonus.
        Bonus = 6,
        /// Commission.
        Commission = 7,
        /// Commission charged once a day.
        DailyCommission = 8,
        /// Commission charged once a month.
        MonthlyCommission = 9,
        /// Agent's commission charged once a day.
        DailyAgentCommission = 10,
        /// Agent's commission charged once a month.
        MonthlyAgentCommission = 11,
        /// Interest.
        Interest = 12,
        /// A buy that was cancelled.
        CanceledBuy = 13,
        /// A sale that was cancelled.
        CanceledSell = 14,
        /// Dividend.
        Dividend = 15,
        /// Franked dividend.
        FrankedDividend = 16,
        /// Tax.
        Tax = 17,
        /// Agent's commission.
        AgentCommission = 18,
    }

    /// What a deal does to its position (protocol 9.4).
    DealEntry {
        /// Opens or enlarges.
        In = 0,
        /// Closes, in full or in part.
        Out = 1,
        /// Reverses.
        InOut = 2,
        /// Closes by an opposite position.
        OutBy = 3,
    }

    /// How an account counts its positions and their margin (protocol 9.2.1).
    MarginMode {
        /// One position a symbol.
        Netting = 0,
        /// One position a symbol, on an exchange.
        Exchange = 1,
        /// Positions in both directions side by side.
        Hedging = 2,
    }

    /// How margin and profit of a symbol are computed (protocol 10.6).
    CalcMode {
        /// Forex with leverage.
        Forex = 0,
        /// Futures.
        Futures = 1,
        /// Contract for difference.
        Cfd = 2,
        /// Contract for difference on an index.
        CfdIndex = 3,
        /// Contract for difference with leverage.
        CfdLeverage = 4,
        /// Forex without leverage.
        ForexNoLeverage = 5,
        /// Exchange stocks.
        Stocks = 32,
        /// Exchange futures.
        ExchangeFutures = 33,
        /// FORTS futures.
        FortsFutures = 34,
        /// Option.
        Option = 35,
        /// Option with margin.
        MarginOption = 36,
        /// Bonds.
        Bonds = 37,
        /// Moscow exchange stocks.
        MoexStocks = 38,
        /// Moscow exchange bonds.
        MoexBonds = 39,
        /// Collateral, not traded.
        Collateral = 64,
    }

    /// What the steps of a leverage rule are ranges of (protocol 9.2.3).
    LeverageRange {
        /// Lots of all symbols of the rule.
        Volume = 0,
        /// Lots of each symbol.
        SymbolVolume = 1,
        /// Value of all symbols of the rule.
        Value = 2,
        /// Value of each symbol.
        SymbolValue = 3,
    }

    /// What the numbers of a symbol's swap mean (protocol 10.6).
    SwapMode {
        /// No swap.
        Off = 0,
        /// Points.
        Points = 1,
        /// Base currency.
        BaseCurrency = 2,
        /// Margin currency.
        MarginCurrency = 3,
        /// Deposit currency.
        DepositCurrency = 4,
        /// Per cent a year of the current price.
        InterestCurrent = 5,
        /// Per cent a year of the opening price.
        InterestOpen = 6,
        /// Reopened at the close price.
        ReopenClose = 7,
        /// Reopened at the bid.
        ReopenBid = 8,
    }

    /// What may be done with a symbol (protocol 9.2.2).
    TradeMode {
        /// Nothing.
        Disabled = 0,
        /// Only buying.
        LongOnly = 1,
        /// Only selling.
        ShortOnly = 2,
        /// Only closing.
        CloseOnly = 3,
        /// Everything.
        Full = 4,
    }

    /// How market orders of a symbol are executed (protocol 9.2.2).
    Execution {
        /// A price is asked for first.
        Request = 0,
        /// At the price that the client names.
        Instant = 1,
        /// At the price of the market.
        Market = 2,
        /// By the exchange.
        Exchange = 3,
    }

    /// What a trade request asks for (protocol 10.8).
    TradeAction {
        /// A price, request execution.
        Prices = 0,
        /// A deal on a requested price.
        DealRequest = 1,
        /// A deal, instant execution.
        DealInstant = 2,
        /// A deal, market execution.
        DealMarket = 3,
        /// A deal, exchange execution.
        DealExchange = 4,
        /// A pending order.
        Pending = 5,
        /// Stop loss and take profit of a position.
        StopsChange = 6,
        /// A change of a pending order.
        Modify = 7,
        /// The removal of a pending order.
        Remove = 8,
        /// Closing a position by an opposite one.
        CloseBy = 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_round_trip_and_unknown_ones_have_no_variant() {
        for kind in OrderType::ALL {
            assert_eq!(OrderType::from_number(kind.number()), Some(*kind));
        }
        assert_eq!(OrderType::from_number(9), None);
        assert_eq!(TradeAction::from_number(9), None);
        assert_eq!(CalcMode::from_number(64), Some(CalcMode::Collateral));
    }

    #[test]
    fn even_order_types_buy_and_odd_ones_sell() {
        for kind in &OrderType::ALL[..8] {
            let expected = if kind.number() % 2 == 0 { Side::Buy } else { Side::Sell };
            assert_eq!(kind.side(), Some(expected), "{kind:?}");
        }
        assert_eq!(OrderType::CloseBy.side(), None);
    }
}
