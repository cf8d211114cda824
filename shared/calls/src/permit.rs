//! What a handler is given beside its call: proof that the call is allowed, and the session it is about. Neither can be made
//! in another way, so that a handler cannot look at a session that was not looked up and checked for it.

use std::marker::PhantomData;
use std::ops::Deref;

use access::{Scope, Scopes};
use error::{Code, Error};

use crate::Token;

/// Who answers calls, for one caller.
pub trait Host: Sync {
    /// Its sessions.
    type Session: Send + Sync;

    /// The session of a token that the caller knows.
    ///
    /// # Errors
    /// [`Error::invalid_token`] if there is none for this caller.
    fn session(&self, token: &Token) -> Result<Self::Session, Error>;

    /// What the caller may do.
    fn scopes(&self) -> Scopes;
}

/// A scope as a type.
pub trait Permission: Send + Sync + 'static {
    /// Which.
    const SCOPE: Scope;
}

macro_rules! permissions {
    ($($name:ident)+) => {
        /// The scopes as types.
        pub mod permission {
            $(
                /// See the scope of this name.
                #[derive(Debug)]
                pub enum $name {}

                impl super::Permission for $name {
                    const SCOPE: $crate::Scope = $crate::Scope::$name;
                }
            )+
        }
    };
}

permissions! { Anyone Read Trade Stream Connect Admin }

/// The caller may do what this scope allows.
#[derive(Debug)]
pub struct Permit<P>(PhantomData<fn() -> P>);

impl<P: Permission> Permit<P> {
    /// Checks it.
    ///
    /// # Errors
    /// `NOT_PERMISSION` if the caller may not.
    pub fn of(host: &impl Host) -> Result<Self, Error> {
        check_scope(host.scopes(), P::SCOPE).map(|()| Self(PhantomData))
    }
}

/// Whether a scope that is needed is among those of a caller.
///
/// # Errors
/// `NOT_PERMISSION` if it is not.
pub fn check_scope(scopes: Scopes, needed: Scope) -> Result<(), Error> {
    if scopes.has(needed) {
        return Ok(());
    }
    let told = format!("The key of this call has not the scope '{}', which it needs.", needed.as_str());
    Err(Error::new(Code::NotPermission, told))
}

/// A session that the caller knows, and on which it may do what this scope allows.
#[derive(Debug)]
pub struct Permitted<S, P> {
    session: S,
    _permit: Permit<P>,
}

impl<S, P: Permission> Permitted<S, P> {
    /// Looks the session up and checks what the caller may do.
    ///
    /// # Errors
    /// As [`Permit::of`] and [`Host::session`].
    pub fn of<H: Host<Session = S>>(host: &H, token: &Token) -> Result<Self, Error> {
        let permit = Permit::of(host)?;
        Ok(Self { session: host.session(token)?, _permit: permit })
    }
}

impl<S, P> Deref for Permitted<S, P> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.session
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Desk(Scopes);

    impl Host for Desk {
        type Session = String;

        fn session(&self, token: &Token) -> Result<String, Error> {
            if token.as_str() == "t" {
                Ok("a session".into())
            } else {
                Err(Error::invalid_token(token.as_str()))
            }
        }

        fn scopes(&self) -> Scopes {
            self.0
        }
    }

    #[test]
    fn only_what_a_key_allows_is_permitted() {
        let token = |text: &str| Token(text.into());
        let reader = Desk(Scopes::NONE.with(Scope::Read));
        let session = Permitted::<_, permission::Read>::of(&reader, &token("t")).unwrap();
        assert_eq!(session.as_str(), "a session");
        let refused = Permitted::<_, permission::Trade>::of(&reader, &token("t")).unwrap_err();
        assert_eq!(refused.code(), Code::NotPermission);
        assert!(refused.detail().contains("'trade'"), "{}", refused.detail());
        // Whether there is such a session is not told to who may not know.
        let refused = Permitted::<_, permission::Trade>::of(&reader, &token("no")).unwrap_err();
        assert_eq!(refused.code(), Code::NotPermission);
        let unknown = Permitted::<_, permission::Read>::of(&reader, &token("no")).unwrap_err();
        assert_eq!(unknown.code(), Code::InvalidToken);
        assert!(Permit::<permission::Anyone>::of(&Desk(Scopes::NONE)).is_ok());
        assert!(Permit::<permission::Admin>::of(&reader).is_err());
        assert!(Permit::<permission::Admin>::of(&Desk(Scopes::ALL)).is_ok());
    }
}
