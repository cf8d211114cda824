//! Parameters as they come from a query or a body, and how each kind of value is read.
//!
//! Names of parameters match in any case, unknown ones are ignored, an empty optional value counts as absent. Lists come
//! as repeated keys (`symbols=A&symbols=B`) or indexed ones (`symbols[0]=A`), under a name in the singular or the plural.
//!
//! Values that name something (a symbol, a ticket, a token, an account, a server) and texts are taken as they came: what
//! is almost a name is another name. Blanks around numbers, dates and words of a list do not count.

mod list;

pub use list::{Many, Names};

use std::fmt;

use error::Error;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::given::Given;
use crate::spec::Parameters;
use crate::time::ServerTime;

/// The (name, value) pairs of a request, in the order they came.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a pair.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The first value that is not empty, as it came.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values(name).find(|value| !value.is_empty())
    }

    fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.pairs().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All values that are not empty, as they came; indexed keys included, and `symbol` for `symbols` or the other way.
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let belongs = move |key: &str| singular(base_of(key)).eq_ignore_ascii_case(singular(name));
        self.pairs().filter(move |(key, value)| belongs(key) && !value.is_empty()).map(|(_, value)| value)
    }

    /// Takes all values of a name out, those under an index included.
    pub fn take(&mut self, name: &str) -> Vec<String> {
        let is_named = |pair: &mut (String, String)| base_of(&pair.0).eq_ignore_ascii_case(name);
        self.0.extract_if(.., is_named).map(|(_, value)| value).collect()
    }

    /// The pairs themselves.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<N: Into<String>, V: Into<String>> Extend<(N, V)> for Params {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, pairs: I) {
        self.0.extend(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl fmt::Debug for Params {
    /// Names only: values may be passwords.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// `symbols` for `symbols`, `symbols[]` and `symbols[3]`.
pub(crate) fn base_of(key: &str) -> &str {
    match key.split_once('[') {
        Some((base, index))
            if index.strip_suffix(']').is_some_and(|i| i.bytes().all(|b| b.is_ascii_digit())) =>
        {
            base
        }
        _ => key,
    }
}

/// `symbol` for `symbols`.
fn singular(name: &str) -> &str {
    name.strip_suffix(['s', 'S']).unwrap_or(name)
}

/// A part of a call's parameters: one value, an optional one, a list, or a table of several.
pub trait Field: Sized {
    /// Reads it.
    fn read(from: &Params, name: &str) -> Result<Self, Error>;

    /// Adds its description.
    fn describe(name: &'static str, doc: &'static str, to: &mut Parameters<'_>);

    /// Adds what was given, if anything was.
    fn list(&self, name: &'static str, to: &mut Given);
}

/// A kind of single value.
pub trait Param: JsonSchema + Serialize {
    /// What is accepted, fit for "should be …".
    const ACCEPTS: &'static str;

    /// Whether blanks around the value belong to it.
    const IS_VERBATIM: bool = false;

    /// Reads it; `None` when the text is something else.
    fn parse(text: &str) -> Option<Self>
    where
        Self: Sized;

    /// What of a given text is the value.
    fn core(text: &str) -> &str {
        if Self::IS_VERBATIM { text } else { text.trim() }
    }
}

impl<T: Param> Field for T {
    fn read(from: &Params, name: &str) -> Result<Self, Error> {
        Option::<T>::read(from, name)?.ok_or_else(|| Error::missing_param(name, T::ACCEPTS))
    }

    fn describe(name: &'static str, doc: &'static str, to: &mut Parameters<'_>) {
        to.add::<T>(name, doc, true);
    }

    fn list(&self, name: &'static str, to: &mut Given) {
        to.add(name, self);
    }
}

impl<T: Param> Field for Option<T> {
    fn read(from: &Params, name: &str) -> Result<Self, Error> {
        let Some(text) = from.values(name).map(T::core).find(|text| !text.is_empty()) else {
            return Ok(None);
        };
        T::parse(text).map(Some).ok_or_else(|| Error::invalid_param(name, text, T::ACCEPTS))
    }

    fn describe(name: &'static str, doc: &'static str, to: &mut Parameters<'_>) {
        to.add::<T>(name, doc, false);
    }

    fn list(&self, name: &'static str, to: &mut Given) {
        if let Some(value) = self {
            to.add(name, value);
        }
    }
}

/// The token of a session, which most calls require as `id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Token(pub String);

impl Token {
    /// The token's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for Token {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Token".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> schemars::Schema {
        String::json_schema(schemas)
    }
}

impl Param for Token {
    const ACCEPTS: &'static str = "the token that Connect answered";
    const IS_VERBATIM: bool = true;

    fn parse(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

impl Param for String {
    const ACCEPTS: &'static str = "a text";
    const IS_VERBATIM: bool = true;

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Param for bool {
    const ACCEPTS: &'static str = "true or false";

    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }
}

/// The least amount of anything: prices, volumes and money are whole numbers of it.
const LEAST: f64 = 1e-8;

/// A price, a volume or an amount of money. What would be rounded to nothing is refused: nothing means something else
/// there, such as no stop loss or the whole position.
impl Param for f64 {
    const ACCEPTS: &'static str = "a decimal number with a point, such as 0.01: 0, or 0.00000001 and more";

    fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
        let number: f64 = text.parse().ok().filter(|number: &f64| plain && number.is_finite())?;
        // By its digits: a number that is too small for a double is read as zero.
        let is_nothing =
            text.bytes().take_while(|b| !b.eq_ignore_ascii_case(&b'e')).all(|b| !(b'1'..=b'9').contains(&b));
        (is_nothing || number.abs() >= LEAST).then_some(number)
    }
}

impl Param for i64 {
    const ACCEPTS: &'static str = "a whole number from -9223372036854775808 to 9223372036854775807";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// Tickets and account numbers above all, which are names: digits, and nothing else.
impl Param for u64 {
    const ACCEPTS: &'static str = "a whole number from 0 to 18446744073709551615: digits only";
    const IS_VERBATIM: bool = true;

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
    }
}

impl Param for u32 {
    const ACCEPTS: &'static str = "a whole number from 0 to 4294967295";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Param for u16 {
    const ACCEPTS: &'static str = "a whole number from 0 to 65535";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Param for ServerTime {
    const ACCEPTS: &'static str = "a date such as 2026-01-31T00:00:00";

    fn parse(text: &str) -> Option<Self> {
        ServerTime::parse(text)
    }
}

#[cfg(test)]
mod tests;
