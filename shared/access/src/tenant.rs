//! Who shares a service with others, without knowing of them.
//!
//! Everything that is known of a session hangs on its token. That of a tenant's session begins with the tenant's name, which
//! is put before the id that clients know and taken off here alone, so that no id leads to another tenant's session.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stands between a tenant's name and the id. No id that a session is given has it, nor a name.
const SEPARATOR: char = ' ';
const DEFAULT: &str = "default";
const CHARS_MAX: usize = 40;

/// A tenant, by its name: 1 to 40 small letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the one that everybody is without keys.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.as_str() == DEFAULT
    }

    /// The token of the session that this tenant's clients know by an id.
    #[must_use]
    pub fn token<'a>(&self, id: &'a str) -> Cow<'a, str> {
        // An id with a separator is no session's: it must not lead to a token that has one.
        if self.is_default() && !id.contains(SEPARATOR) {
            return Cow::Borrowed(id);
        }
        Cow::Owned(format!("{self}{SEPARATOR}{id}"))
    }

    /// The tenant of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        token.split_once(SEPARATOR).map_or_else(Self::default, |(name, _)| Self(name.into()))
    }

    /// Whether the session of a token is this tenant's.
    #[must_use]
    pub fn owns(&self, token: &str) -> bool {
        token.split_once(SEPARATOR).map_or(DEFAULT, |(name, _)| name) == self.as_str()
    }
}

/// What clients know the session of a token by.
#[must_use]
pub fn id_of(token: &str) -> &str {
    token.split_once(SEPARATOR).map_or(token, |(_, id)| id)
}

impl Default for Tenant {
    /// Everybody, where no keys are asked for.
    fn default() -> Self {
        Self(DEFAULT.into())
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot name a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant's name has 1 to 40 of the characters a-z, 0-9 and -")]
pub struct TenantError;

impl FromStr for Tenant {
    type Err = TenantError;

    fn from_str(text: &str) -> Result<Self, TenantError> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_valid = (1..=CHARS_MAX).contains(&text.len()) && text.bytes().all(is_name);
        if is_valid { Ok(Self(text.into())) } else { Err(TenantError) }
    }
}

impl Serialize for Tenant {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Tenant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(from)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant(name: &str) -> Tenant {
        name.parse().unwrap()
    }

    #[test]
    fn a_name_is_checked() {
        for good in ["a", "acme-2", &"x".repeat(40)] {
            assert_eq!(tenant(good).as_str(), good);
        }
        for bad in ["", "Acme", "a b", "a/b", "ä", &"x".repeat(41)] {
            assert_eq!(bad.parse::<Tenant>(), Err(TenantError), "{bad}");
        }
        assert!(serde_json::from_str::<Tenant>(r#""a b""#).is_err());
        assert_eq!(serde_json::from_str::<Tenant>(r#""a""#).unwrap(), tenant("a"));
        assert!(tenant("default").is_default() && Tenant::default() == tenant("default"));
    }

    #[test]
    fn the_default_tenant_has_tokens_as_they_are() {
        assert_eq!(Tenant::default().token("x/y"), "x/y");
        assert_eq!(Tenant::default().token("acme x"), "default acme x", "nobody's");
        assert_eq!(tenant("acme").token("x"), "acme x");
        assert_eq!((id_of("acme x"), id_of("x")), ("x", "x"));
        assert_eq!((Tenant::of("acme x"), Tenant::of("x")), (tenant("acme"), Tenant::default()));
        assert!(tenant("acme").owns("acme x") && !tenant("acme").owns("x") && Tenant::default().owns("x"));
    }

    proptest! {
        #[test]
        fn no_id_leads_to_a_session_of_another_tenant(
            tenants in ("default|[a-z0-9-]{1,6}", "default|[a-z0-9-]{1,6}"),
            // What a session may be named, and what somebody may try.
            ids in ("[!-~]{1,8}", "[ -~]{0,20}"),
        ) {
            let (owner, other) = (tenant(&tenants.0), tenant(&tenants.1));
            let token = owner.token(&ids.0);
            prop_assert_eq!(id_of(&token), ids.0.as_str());
            prop_assert_eq!(Tenant::of(&token), owner.clone());
            let is_same = owner == other && ids.0 == ids.1;
            prop_assert_eq!(other.token(&ids.1) == token, is_same);
            prop_assert_eq!(other.owns(&token), owner == other);
        }
    }
}
