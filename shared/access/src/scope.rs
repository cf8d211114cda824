//! What a key allows, declared with each call and checked where the call is answered.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a key must allow for a call to be made with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// No key is needed.
    Anyone,
    /// To look at sessions.
    Read,
    /// To trade.
    Trade,
    /// To have events.
    Stream,
    /// To make and to end sessions, and to change how they log in.
    Connect,
    /// To run the service.
    Admin,
}

impl Scope {
    /// Those that a key may have or not have.
    pub const OF_KEYS: [Self; 5] = [Self::Read, Self::Trade, Self::Stream, Self::Connect, Self::Admin];

    /// The word that declares it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Read => "read",
            Self::Trade => "trade",
            Self::Stream => "stream",
            Self::Connect => "connect",
            Self::Admin => "admin",
        }
    }
}

/// A text that names no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no scope: these are read, trade, stream, connect and admin")]
pub struct UnknownScope(String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let found = Self::OF_KEYS.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| UnknownScope(text.chars().take(32).collect()))
    }
}

/// A set of scopes. As a text and in JSON it is their words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// What needs no key.
    pub const NONE: Self = Self(0).with(Scope::Anyone);
    /// All of them.
    pub const ALL: Self = Self::NONE
        .with(Scope::Read)
        .with(Scope::Trade)
        .with(Scope::Stream)
        .with(Scope::Connect)
        .with(Scope::Admin);

    /// The same and this one.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u8)
    }

    /// Whether a scope is among them.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u8 != 0
    }

    /// Those of a key that are among them.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::OF_KEYS.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&words.join(","))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    /// Reads words between commas.
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::parse).collect()
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(Scope::as_str))
    }
}

impl<'de> Deserialize<'de> for Scopes {
    /// Words that only a newer process knows allow nothing here.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Ok(words.iter().filter_map(|word| word.parse().ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_words() {
        let both: Scopes = "read, stream".parse().unwrap();
        assert_eq!(both, Scopes::NONE.with(Scope::Stream).with(Scope::Read));
        assert_eq!(both.to_string(), "read,stream");
        assert_eq!(serde_json::to_string(&both).unwrap(), r#"["read","stream"]"#);
        let known: Scopes = serde_json::from_str(r#"["stream","fly","read"]"#).unwrap();
        assert_eq!(known, both);
        assert_eq!("".parse(), Ok(Scopes::NONE));
        assert!("read,anyone".parse::<Scopes>().is_err() && "Read".parse::<Scopes>().is_err());
        let all = Scope::OF_KEYS.map(Scope::as_str).join(",");
        assert_eq!(all.parse(), Ok(Scopes::ALL));
    }
}
