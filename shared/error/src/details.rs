//! The numbers by which a refused order can be mended: one place for the text of a message and the fields of a problem.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an order had to keep to. A problem has it as a field of this name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Details {
    /// The volume was refused.
    Volume(VolumeDetails),
    /// A stop loss or take profit was refused.
    Stops(StopsDetails),
    /// The price was refused.
    Price(PriceDetails),
    /// The expiration was refused.
    Expiration(ExpirationDetails),
    /// The free margin was too small.
    Margin(MarginDetails),
    /// The order or position was too near to the market to be changed.
    Freeze(FreezeDetails),
}

impl Details {
    /// Whether a number is missing that a price would give, which may still come.
    pub const fn lacks_price(&self) -> bool {
        match self {
            Self::Volume(_) | Self::Expiration(_) => false,
            Self::Stops(stops) => stops.present_price.is_none(),
            Self::Price(price) => price.bid.is_none(),
            Self::Margin(margin) => margin.needed.is_none(),
            Self::Freeze(freeze) => freeze.present_price.is_none(),
        }
    }
}

/// Volumes that are possible, in lots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeDetails {
    /// Volume that was asked for, in lots.
    pub given: f64,
    /// Least volume, in lots.
    pub least: f64,
    /// Greatest volume, in lots: of an order, of what is left below the symbol's limit, or of the position to close.
    pub most: f64,
    /// Step between volumes, in lots.
    pub step: f64,
    /// The possible volume that is nearest to the given one, in lots; absent if none is possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<f64>,
}

/// Where stop loss and take profit may be. Prices that are not known yet are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StopsDetails {
    /// Side of the position or order: Buy or Sell. A buy's stop loss is below the price and its take profit above, a
    /// sell's the other way round.
    pub side: Side,
    /// Least distance of a stop from the price it is measured from.
    pub least_distance: f64,
    /// Price that stops are measured from: where a position would close now, or the price of a pending order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present_price: Option<f64>,
    /// Stop loss that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_loss: Option<f64>,
    /// Take profit that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<f64>,
    /// Nearest possible stop loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest_stop_loss: Option<f64>,
    /// Nearest possible take profit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest_take_profit: Option<f64>,
}

/// A side of the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Side {
    /// Long.
    Buy,
    /// Short.
    Sell,
}

/// Which price an order may have. Prices that are not known yet are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceDetails {
    /// Parameter that was refused: price, or the one that has the limit of a stop-limit order.
    #[serde(default)]
    pub parameter: String,
    /// Price that was asked for, in this parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<f64>,
    /// Present bid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<f64>,
    /// Present ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<f64>,
    /// Price of a stop-limit order whose limit was refused: the limit is measured from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_price: Option<f64>,
    /// Least distance of a pending order from the market, and of a limit from the price of its stop-limit order.
    pub least_distance: f64,
    /// Nearest possible price for this kind of order, in this parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<f64>,
}

/// How an order may expire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExpirationDetails {
    /// Parameter that is missing; absent if none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Values of expirationType that the symbol takes.
    pub types: Vec<String>,
    /// Present time on the trade server's clock; an expiration must be later.
    pub server_time: String,
}

/// What the order would cost, in the deposit currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarginDetails {
    /// Margin that the order needs by itself; absent where its price is not known or the server keeps the formula.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<f64>,
    /// Margin that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<f64>,
    /// Deposit currency.
    pub currency: String,
}

/// What is too near to the market to be changed. Prices that are not known yet are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FreezeDetails {
    /// Distance from the market up to which orders and positions are not changed.
    pub freeze_distance: f64,
    /// Price that counts: where an order would open now, or a position close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present_price: Option<f64>,
    /// Price of the order, or the stop loss and take profit of the position, that are so near.
    pub too_near: Vec<f64>,
}

impl fmt::Display for Details {
    /// A sentence or two for the caller.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume(volume) => volume.fmt(out),
            Self::Stops(stops) => stops.fmt(out),
            Self::Price(price) => price.fmt(out),
            Self::Expiration(expiration) => expiration.fmt(out),
            Self::Margin(margin) => margin.fmt(out),
            Self::Freeze(freeze) => freeze.fmt(out),
        }
    }
}

impl fmt::Display for VolumeDetails {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { given, least, most, step, nearest } = self;
        write!(out, "{given} lots were asked for; possible are {least} to {most} lots in steps of {step}")?;
        match nearest {
            Some(nearest) => write!(out, ", and the nearest are {nearest}."),
            None => out.write_str(", and none of them now."),
        }
    }
}

impl fmt::Display for StopsDetails {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (side, loss, profit) = match self.side {
            Side::Buy => ("buy", "below", "above"),
            Side::Sell => ("sell", "above", "below"),
        };
        write!(out, "The stop loss of a {side} is {loss} the price and its take profit {profit}")?;
        if self.least_distance > 0.0 {
            write!(out, ", by {} at least", self.least_distance)?;
        }
        if let Some(price) = self.present_price {
            write!(out, "; the price is {price}")?;
        }
        for (name, given, nearest) in [
            ("stop loss", self.stop_loss, self.nearest_stop_loss),
            ("take profit", self.take_profit, self.nearest_take_profit),
        ] {
            if let (Some(given), Some(nearest)) = (given, nearest) {
                write!(out, "; the {name} was {given}, the nearest possible is {nearest}")?;
            }
        }
        out.write_str(".")
    }
}

impl fmt::Display for PriceDetails {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameter = &self.parameter;
        match self.given {
            Some(given) => write!(out, "Parameter '{parameter}' was {given}")?,
            None => write!(out, "Parameter '{parameter}' was not given")?,
        }
        if let Some(price) = self.order_price {
            write!(out, ", measured from the order's price {price}")?;
        }
        if let (Some(bid), Some(ask)) = (self.bid, self.ask) {
            write!(out, "; the market is at bid {bid}, ask {ask}")?;
        }
        if self.least_distance > 0.0 {
            write!(out, "; the least distance is {}", self.least_distance)?;
        }
        if let Some(nearest) = self.nearest {
            write!(out, "; the nearest possible is {nearest}")?;
        }
        out.write_str(".")
    }
}

impl fmt::Display for ExpirationDetails {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(missing) = &self.missing {
            write!(out, "Parameter '{missing}' is missing. ")?;
        }
        write!(out, "The symbol takes expirationType {}", self.types.join(", "))?;
        write!(
            out,
            "; it is {} on the trade server's clock, and an expiration must be later.",
            self.server_time
        )
    }
}

impl fmt::Display for MarginDetails {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let currency = &self.currency;
        match (self.needed, self.free) {
            (Some(needed), Some(free)) => {
                write!(out, "The order needs {needed} {currency} of margin, {free} {currency} are free.")
            }
            (Some(needed), None) => write!(out, "The order needs {needed} {currency} of margin."),
            (None, Some(free)) => write!(out, "{free} {currency} of margin are free."),
            (None, None) => write!(out, "Margin is counted in {currency}."),
        }
    }
}

impl fmt::Display for FreezeDetails {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Nothing is changed while the market is within {} of it", self.freeze_distance)?;
        if let Some(price) = self.present_price {
            write!(out, "; the market is at {price}")?;
        }
        if !self.too_near.is_empty() {
            let prices: Vec<String> = self.too_near.iter().map(f64::to_string).collect();
            write!(out, "; too near to it is {}", prices.join(" and "))?;
        }
        out.write_str(".")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Error};

    /// One of each, with all numbers.
    fn all() -> [Details; 6] {
        [
            Details::Volume(VolumeDetails {
                given: 0.001,
                least: 0.01,
                most: 100.0,
                step: 0.01,
                nearest: Some(0.01),
            }),
            Details::Stops(StopsDetails {
                side: Side::Buy,
                least_distance: 0.0005,
                present_price: Some(1.1),
                stop_loss: Some(1.2),
                take_profit: Some(1.0),
                nearest_stop_loss: Some(1.0995),
                nearest_take_profit: Some(1.1005),
            }),
            Details::Price(PriceDetails {
                parameter: "stopLimitPrice".to_owned(),
                order_price: Some(1.15),
                given: Some(1.2),
                bid: Some(1.1),
                ask: Some(1.1001),
                least_distance: 0.0005,
                nearest: Some(1.0996),
            }),
            Details::Expiration(ExpirationDetails {
                missing: Some("expiration".to_owned()),
                types: vec!["GTC".to_owned(), "Specified".to_owned()],
                server_time: "2026-01-31T00:00:00".to_owned(),
            }),
            Details::Margin(MarginDetails {
                needed: Some(1100.5),
                free: Some(17.25),
                currency: "USD".to_owned(),
            }),
            Details::Freeze(FreezeDetails {
                freeze_distance: 0.0002,
                present_price: Some(1.1),
                too_near: vec![1.0999, 1.1001],
            }),
        ]
    }

    #[test]
    fn every_number_of_the_fields_is_in_the_text() {
        fn leaves(value: &serde_json::Value, to: &mut Vec<String>) {
            match value {
                serde_json::Value::Object(fields) => fields.values().for_each(|value| leaves(value, to)),
                serde_json::Value::Array(items) => items.iter().for_each(|value| leaves(value, to)),
                serde_json::Value::String(text) => to.push(text.clone()),
                other => to.push(other.to_string()),
            }
        }
        for details in all() {
            let text = details.to_string();
            let mut numbers = Vec::new();
            leaves(&serde_json::to_value(&details).unwrap(), &mut numbers);
            for number in numbers {
                let number = number.strip_suffix(".0").unwrap_or(&number).to_lowercase();
                assert!(text.to_lowercase().contains(&number), "{number} is not in: {text}");
            }
        }
    }

    #[test]
    fn the_text_and_the_fields_travel_with_the_error() {
        for details in all() {
            let error = Error::of(Code::InvalidRequest).with_details(details.clone());
            assert!(error.detail().ends_with(&details.to_string()), "{error}");
            let problem = serde_json::to_value(error.problem(None)).unwrap();
            let fields = serde_json::to_value(&details).unwrap();
            for (name, value) in fields.as_object().unwrap() {
                assert_eq!(&problem[name], value);
            }
            let carried = serde_json::to_string(&crate::Carried::from(&error)).unwrap();
            let carried: crate::Carried = serde_json::from_str(&carried).unwrap();
            assert_eq!(Error::from(carried), error);
        }
    }
}
