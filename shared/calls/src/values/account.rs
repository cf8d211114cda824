//! What accounts are.

values! {
    /// How positions on one symbol add up.
    AccMethod as "EnumAccMethod" {
        /// Not said.
        Default = "Default", 0;
        /// One position per symbol.
        Netting = "Netting", 1;
        /// Any number of positions per symbol.
        Hedging = "Hedging", 2;
    }
}

values! {
    /// How the link of a session to the trade server stands.
    LinkState as "EnumLinkState" {
        /// Up since the session began.
        Connected = "Connected", 0;
        /// Lost, and being restored.
        Lost = "Lost", 1;
        /// Up again.
        Restored = "Restored", 2;
        /// Lost, and not restored before somebody asks for it, such as by CheckConnect.
        Ended = "Ended", 3;
    }
}

values! {
    /// What the service may do by its trial or licence.
    LicenseStanding as "EnumLicenseStanding" {
        /// Everything, for the time of the trial.
        Trial = "Trial", 0;
        /// What the licence allows.
        Licensed = "Licensed", 1;
        /// The trial or the licence has ended: no new sessions, and those that are open only reduce.
        ReduceOnly = "ReduceOnly", 2;
        /// Nothing.
        Ended = "Ended", 3;
    }
}

values! {
    /// The protocol of a proxy.
    ProxyType as "EnumProxyType" {
        /// No proxy.
        None = "None", 0;
        /// HTTP CONNECT.
        Https = "Https", 1;
        /// SOCKS 4.
        Socks4 = "Socks4", 2;
        /// SOCKS 5.
        Socks5 = "Socks5", 3;
    }
}

values! {
    /// How the margin of the account's symbols is computed, by the symbol base's own word.
    MarginMode as "EnumMarginMode" {
        /// As for forex.
        Forex = "MarginForex", 0;
        /// As for futures.
        Futures = "MarginFutures", 1;
        /// As for contracts for difference.
        Cfd = "vMarginCFD", 2;
        /// As for contracts for difference on indices.
        CfdIndex = "MarginCFDIndex", 3;
    }
}

values! {
    /// What the value of a commission is in.
    CommissionUnit as "EnumCommissionUnit" {
        /// Deposit currency.
        Deposit = "vCurrencyUnit", 0;
        /// Base currency of the symbol.
        Base = "vBaseCurrencyUnit", 1;
        /// Profit currency of the symbol.
        Profit = "vProfitCurrencyUnit", 2;
        /// Margin currency of the symbol.
        Margin = "vMarginCurrencyUnit", 3;
        /// Points.
        Points = "vPointsUnit", 4;
        /// Per cent of the deal's value.
        Percent = "vMoneyCurrencyUnit", 5;
        /// A named currency.
        Named = "vSpecifiedUnit", 6;
        /// Per cent of the profit.
        ProfitPercent = "vProfitUnit", 7;
    }
}

values! {
    /// What a commission is charged for.
    CommissionMode as "EnumCommissionMode" {
        /// Each deal.
        Deal = "vPerDealCommission", 0;
        /// Each lot.
        Lot = "vPerLotCommission", 1;
        /// The value.
        Value = "vPerValueCommission", 2;
    }
}

values! {
    /// What the ranges of a commission's tiers count.
    CommissionType as "EnumCommissionType" {
        /// Volume of the deal.
        Volume = "vDefaultCommission", 0;
        /// Turnover in money.
        TurnoverMoney = "vTurnMoneyCommission", 1;
        /// Turnover in lots.
        TurnoverLots = "vTurnLotsCommission", 2;
        /// Deals.
        Deals = "vDealsCommission", 3;
        /// Profit.
        Profit = "vProfitCommission", 4;
    }
}

values! {
    /// When a commission is charged.
    CommissionPeriod as "EnumCommissionPeriod" {
        /// Daily.
        Daily = "vPerDailyCommission", 0;
        /// Monthly.
        Monthly = "vPerMonthlyCommission", 1;
        /// At once.
        Instant = "vPerInstantCommission", 2;
    }
}

values! {
    /// Which deals a commission is charged for.
    CommissionEntry as "EnumCommissionInstant" {
        /// All of them.
        All = "vInOutDealsCommission", 0;
        /// Those that open.
        In = "vInDealsCommission", 1;
        /// Those that close.
        Out = "vOutDealsCommission", 2;
    }
}
