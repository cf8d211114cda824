//! What symbols are, and how they are traded.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

values! {
    /// What the account may do with a symbol.
    TradeMode as "EnumTradeMode" {
        /// Nothing.
        Disabled = "Disabled", 0;
        /// Only buy.
        LongOnly = "LongOnly", 1;
        /// Only sell.
        ShortOnly = "ShortOnly", 2;
        /// Only close.
        CloseOnly = "CloseOnly", 3;
        /// Everything.
        FullAccess = "FullAccess", 4;
    }
}

values! {
    /// How a symbol is executed.
    ExecutionMode as "EnumExecutionMode" {
        /// The price is asked for first.
        Request = "Request", 0;
        /// At the price of the request.
        Instant = "Instant", 1;
        /// At the market.
        Market = "Market", 2;
        /// On an exchange.
        Exchange = "Exchange", 3;
    }
}

values! {
    /// How swap is computed.
    SwapType as "EnumSwapType" {
        /// No swap.
        SwapNone = "SwapNone", 0;
        /// In points.
        InPoints = "InPoints", 1;
        /// In the base currency.
        BaseCurrency = "SymInfo_s408", 2;
        /// In the margin currency.
        MarginCurrency = "MarginCurrency", 3;
        /// In the deposit currency.
        Currency = "Currency", 4;
        /// A yearly percentage of the current price.
        PercCurPrice = "PercCurPrice", 5;
        /// A yearly percentage of the opening price.
        PercOpenPrice = "PercOpenPrice", 6;
        /// Reopened at the closing price, in points.
        PointClosePrice = "PointClosePrice", 7;
        /// Reopened at the bid, in points.
        PointBidPrice = "PointBidPrice", 8;
    }
}

values! {
    /// A day of the week.
    WeekDay as "EnumWeekDay" {
        /// Sunday.
        Sunday = "Sunday", 0;
        /// Monday.
        Monday = "Monday", 1;
        /// Tuesday.
        Tuesday = "Tuesday", 2;
        /// Wednesday.
        Wednesday = "Wednesday", 3;
        /// Thursday.
        Thursday = "Thursday", 4;
        /// Friday.
        Friday = "Friday", 5;
        /// Saturday.
        Saturday = "Saturday", 6;
    }
}

values! {
    /// What becomes of orders at the end of the day.
    GtcMode as "EnumGtcMode" {
        /// Orders stay until cancelled.
        Cancelled = "Cancelled", 0;
        /// Orders live for the day; stops as well.
        TodayIncludeStops = "TodayIncludeSL_TP", 1;
        /// Orders live for the day; stops stay.
        TodayExcludeStops = "TodayExcludeSL_TP", 2;
    }
}

values! {
    /// How profit and margin of a symbol are computed.
    CalcMode as "EnumCalcMode" {
        /// Forex.
        Forex = "Forex", 0;
        /// Futures.
        Futures = "Futures", 1;
        /// Contract for difference.
        Cfd = "CFD", 2;
        /// Contract for difference on an index.
        CfdIndex = "CFDIndex", 3;
        /// Contract for difference with leverage.
        CfdLeverage = "CFDLeverage", 4;
        /// Forex without leverage.
        CalcMode5 = "CalcMode5", 5;
        /// Shares on an exchange.
        ExchangeStocks = "ExchangeStocks", 6;
        /// Futures on an exchange.
        ExchangeFutures = "ExchangeFutures", 7;
        /// Futures on FORTS.
        FortsFutures = "FORTSFutures", 8;
        /// Options on an exchange.
        ExchangeOption = "ExchangeOption", 9;
        /// Margined options on an exchange.
        ExchangeMarginOption = "ExchangeMarginOption", 10;
        /// Bonds on an exchange.
        ExchangeBounds = "ExchangeBounds", 11;
        /// Collateral.
        Collateral = "Collateral", 12;
    }
}

values! {
    /// What a level of an order book is.
    BookType as "EnumBookType" {
        /// The book begins anew.
        Reset = "Reset", 0;
        /// Offers to sell at a price.
        SellBook = "SellBook", 1;
        /// Offers to buy at a price.
        BuyBook = "BuyBook", 2;
        /// Offers to sell at any price.
        SellMarket = "SellMarket", 3;
        /// Offers to buy at any price.
        BuyMarket = "BuyMarket", 4;
    }
}

/// Which fill policies a symbol allows: 0 none, 1 fill or kill, 2 immediate or cancel, 4 book or cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FillFlags(pub u32);

/// Which expirations a symbol allows: 0 none, 1 till cancelled, 2 day, 4 moment, 8 given day, 15 all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpirationFlags(pub u32);

const FILL_NAMES: &[(u32, &str)] = &[(1, "FOK"), (2, "IOC"), (4, "BOC")];
const EXPIRATION_NAMES: &[(u32, &str)] = &[(1, "GTC"), (2, "DAY"), (4, "SPECIFIED"), (8, "SPECIFIED_DAY")];
const EXPIRATION_ALL: u32 = 15;

impl Serialize for FillFlags {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&joined(self.0, FILL_NAMES))
    }
}

impl Serialize for ExpirationFlags {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0 & EXPIRATION_ALL == EXPIRATION_ALL {
            return to.serialize_str("ALL");
        }
        to.serialize_str(&joined(self.0, EXPIRATION_NAMES))
    }
}

/// The names of the set bits; bits without a name are left out.
fn joined(bits: u32, names: &[(u32, &str)]) -> String {
    let set: Vec<&str> = names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    if set.is_empty() { "NONE".to_owned() } else { set.join(", ") }
}

/// A set of flags is one of the names, or several of them in one text.
fn flags_schema<One: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    let one = schemas.subschema_for::<One>();
    json_schema!({ "anyOf": [one, { "type": "string", "description": "Several names, joined by comma and blank." }] })
}

/// Declares the schema of a set of flags, and that of its names.
macro_rules! flags {
    ($flags:ident of $one:ident as $schema:literal: $($name:literal),+) => {
        /// The names, for the schema only.
        struct $one;

        impl JsonSchema for $one {
            fn schema_name() -> Cow<'static, str> {
                $schema.into()
            }

            fn json_schema(_schemas: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "enum": [$($name),+] })
            }
        }

        impl JsonSchema for $flags {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($flags).into()
            }

            fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
                flags_schema::<$one>(schemas)
            }
        }
    };
}

flags!(FillFlags of FillName as "EnumGroupFillFlags": "NONE", "FOK", "IOC", "BOC");
flags!(
    ExpirationFlags of ExpirationName as "EnumGroupExpirationFlags":
    "NONE", "GTC", "DAY", "SPECIFIED", "SPECIFIED_DAY", "ALL"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn flag_sets_are_joined_names() {
        assert_eq!(json(&FillFlags(3)), "\"FOK, IOC\"");
        assert_eq!(json(&FillFlags(0)), "\"NONE\"");
        assert_eq!(json(&ExpirationFlags(15)), "\"ALL\"");
        assert_eq!(json(&ExpirationFlags(5)), "\"GTC, SPECIFIED\"");
    }
}
