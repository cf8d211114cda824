//! What orders, deals and positions are.

values! {
    /// Which time orders a list.
    SortType as "EnumSortType" {
        /// By the time of opening.
        OpenTime = "OpenTime", 0;
        /// By the time of closing.
        CloseTime = "CloseTime", 1;
    }
}

values! {
    /// What an order does.
    OrderType as "EnumOrderType" {
        /// Buys now.
        Buy = "Buy", 0;
        /// Sells now.
        Sell = "Sell", 1;
        /// Buys at a price below the market.
        BuyLimit = "BuyLimit", 2;
        /// Sells at a price above the market.
        SellLimit = "SellLimit", 3;
        /// Buys when the price rises to a level.
        BuyStop = "BuyStop", 4;
        /// Sells when the price falls to a level.
        SellStop = "SellStop", 5;
        /// Places a buy limit when the price rises to a level.
        BuyStopLimit = "BuyStopLimit", 6;
        /// Places a sell limit when the price falls to a level.
        SellStopLimit = "SellStopLimit", 7;
        /// Closes a position by an opposite one.
        CloseBy = "CloseBy", 8;
        /// A balance operation, in histories.
        Balance = "Balance", 100;
        /// A credit operation, in histories.
        Credit = "Credit", 101;
    }
}

values! {
    /// What a deal is.
    DealType as "EnumDealType" {
        /// A purchase.
        DealBuy = "DealBuy" | "Buy", 0;
        /// A sale.
        DealSell = "DealSell" | "Sell", 1;
        /// Money paid in or out.
        Balance = "Balance", 2;
        /// Credit given or taken.
        Credit = "Credit", 3;
        /// An extra charge.
        Charge = "Charge", 4;
        /// A correction.
        Correction = "Correction", 5;
        /// A bonus.
        Bonus = "Bonus", 6;
        /// A commission.
        Commission = "Commission", 7;
        /// A commission of the day.
        DailyCommission = "DailyCommission", 8;
        /// A commission of the month.
        MonthlyCommission = "MonthlyCommission", 9;
        /// An agent commission of the day.
        DailyAgentCommission = "DailyAgentCommission", 10;
        /// An agent commission of the month.
        MonthlyAgentCommission = "MonthlyAgentCommission", 11;
        /// Interest.
        InterestRate = "InterestRate", 12;
        /// A cancelled purchase.
        CanceledBuy = "CanceledBuy", 13;
        /// A cancelled sale.
        CanceledSell = "CanceledSell", 14;
        /// A dividend.
        Dividend = "Dividend", 15;
        /// A franked dividend.
        FrankedDividend = "FrankedDividend", 16;
        /// A tax.
        Tax = "Tax", 17;
        /// An agent commission.
        AgentCommission = "AgentCommission", 18;
        /// Compensation of a negative balance after a stop out.
        SoCompensation = "SoCompensation", 19;
        /// Compensation of credit after a stop out.
        SoCreditCompensation = "SoCreditCompensation", 20;
    }
}

values! {
    /// What a deal does to its position.
    Direction as "EnumDirection" {
        /// Opens or adds.
        In = "In", 0;
        /// Closes or reduces.
        Out = "Out", 1;
        /// Turns around.
        InOut = "InOut", 2;
        /// Closes by an opposite position.
        OutBy = "OutBy", 3;
    }
}

values! {
    /// How far an order is.
    OrderState as "EnumOrderState" {
        /// Sent, not yet confirmed.
        Started = "Started", 0;
        /// Waiting in the market.
        Placed = "Placed", 1;
        /// Cancelled.
        Cancelled = "Cancelled", 2;
        /// Filled in part.
        Partial = "Partial", 3;
        /// Filled.
        Filled = "Filled", 4;
        /// Rejected.
        Rejected = "Rejected", 5;
        /// Expired.
        Expired = "Expired", 6;
        /// Being placed.
        RequestAdding = "RequestAdding", 7;
        /// Being changed.
        RequestModifying = "RequestModifying", 8;
        /// Being cancelled.
        RequestCancelling = "RequestCancelling", 9;
    }
}

values! {
    /// How a pending order expires.
    ExpirationType as "EnumExpirationType" {
        /// Never, until cancelled.
        Gtc = "GTC", 0;
        /// At the end of the day.
        Today = "Today", 1;
        /// At a moment.
        Specified = "Specified", 2;
        /// At the end of a given day.
        SpecifiedDay = "SpecifiedDay", 3;
    }
}

values! {
    /// What happens when an order cannot be filled at once.
    FillPolicy as "EnumFillPolicy" {
        /// All or nothing.
        FillOrKill = "FillOrKill", 0;
        /// What can be filled; the rest is cancelled.
        ImmediateOrCancel = "ImmediateOrCancel", 1;
        /// What can be filled; the rest stays. Trade servers call it return, and pending orders have it.
        FlashFill = "FlashFill", 2;
        /// Only what does not fill at once is placed: book or cancel.
        Any = "Any", 3;
    }
}

values! {
    /// Where an order came from.
    PlacedType as "EnumPlacedType" {
        /// By hand.
        Manually = "Manually", 0;
        /// By a program.
        ByExpert = "ByExpert", 1;
        /// By a dealer.
        ByDealer = "ByDealer", 2;
        /// By a stop loss.
        OnSl = "OnSL", 3;
        /// By a take profit.
        OnTp = "OnTP", 4;
        /// By a stop out.
        OnStopOut = "OnStopOut", 5;
        /// By a rollover.
        OnRollover = "OnRollover", 6;
        /// By a change of variation margin.
        OnVmargin = "OnVmargin", 7;
        /// By a gateway.
        Gateway = "Gateway", 8;
        /// By a copied signal.
        Signal = "Signal", 9;
        /// By settlement.
        Settlement = "Settlement", 10;
        /// By a transfer.
        Transfer = "Transfer", 11;
        /// By synchronisation.
        Sync = "Sync", 12;
        /// By an outside service.
        ExternalService = "ExternalService", 13;
        /// By migration.
        Migration = "Migration", 14;
        /// From a mobile terminal.
        Mobile = "Mobile", 15;
        /// From a web terminal.
        Web = "Web", 16;
        /// By a split.
        OnSplit = "OnSplit", 17;
        /// Not said.
        Default = "Default", 18;
    }
}

values! {
    /// What happened to an order.
    UpdateType as "EnumUpdateType" {
        /// Something else.
        Unknown = "Unknown", 0;
        /// A pending order was cancelled.
        PendingClose = "PendingClose", 1;
        /// A position was opened.
        MarketOpen = "MarketOpen", 2;
        /// A pending order was placed.
        PendingOpen = "PendingOpen", 3;
        /// A position was closed.
        MarketClose = "MarketClose", 4;
        /// A position was closed in part.
        PartialClose = "PartialClose", 5;
        /// An order was started.
        Started = "Started", 6;
        /// A pending order was filled.
        Filled = "Filled", 7;
        /// A cancellation has begun.
        Cancelling = "Cancelling", 8;
        /// A position was changed.
        MarketModify = "MarketModify", 9;
        /// A pending order was changed.
        PendingModify = "PendingModify", 10;
        /// A stop loss closed a position.
        OnStopLoss = "OnStopLoss", 11;
        /// A take profit closed a position.
        OnTakeProfit = "OnTakeProfit", 12;
        /// A stop out closed a position.
        OnStopOut = "OnStopOut", 13;
        /// The balance was changed.
        Balance = "Balance", 14;
        /// A pending order expired.
        Expired = "Expired", 15;
        /// An order was rejected.
        Rejected = "Rejected", 16;
        /// A position was closed by an opposite one.
        MarketCloseBy = "MarketCloseBy", 17;
        /// An order was filled in part.
        PartialFill = "PartialFill", 18;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back_to_the_value() {
        for value in OrderType::ALL {
            assert_eq!(OrderType::from_number(value.number()), Some(*value));
            assert_eq!(OrderType::from_name(&value.as_str().to_uppercase()), Some(*value));
        }
        for (name, deal) in [("buy", DealType::DealBuy), ("Sell", DealType::DealSell)] {
            assert_eq!(DealType::from_name(name), Some(deal));
            assert!(deal.as_str().ends_with(&name[1..]), "replies have the one name");
        }
        assert_eq!(OrderType::from_number(9), None);
        assert_eq!(OrderType::from_number(100), Some(OrderType::Balance));
    }
}
