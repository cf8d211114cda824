//! What a request shows to be let in: taken out of it, so that it goes no further.

use std::fmt;

use access::{ApiKey, KeyDigest, KeyId, KeyKind, StreamTicket};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};
use bus::Params;
use serde::{Deserialize, Serialize};

/// The parameter that may name a key, for clients that can set no headers.
pub(crate) const API_KEY: &str = "apiKey";
/// The parameter that may name a ticket, on streams.
pub(crate) const STREAM_TICKET: &str = "streamTicket";
/// The header of existing clients.
const API_KEY_HEADER: HeaderName = HeaderName::from_static("apikey");

/// What a request shows.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// A key of the right form.
    Key(ShownKey),
    /// What looks like a token of an identity provider.
    Token(Token),
    /// A ticket of the right form.
    Ticket(StreamTicket),
    /// Neither.
    Garbage,
}

/// A token of an identity provider, as it was shown.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// Its text. Whoever calls this answers for where it goes.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(***)")
    }
}

/// Whether a text looks like a JWT: three parts, the first of which is a JSON object.
pub(crate) fn is_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// A key that was shown, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownKey {
    pub(crate) id: KeyId,
    pub(crate) kind: KeyKind,
    pub(crate) digest: KeyDigest,
}

impl Credential {
    /// From the headers of a request: `Authorization: Bearer` with what is meant to be a key, or a token where these are taken,
    /// else `ApiKey`.
    pub(crate) fn of_headers(headers: &HeaderMap, takes_tokens: bool) -> Option<Self> {
        if let Some(token) = bearer(headers).filter(|text| takes_tokens && is_token(text)) {
            return Some(Self::Token(Token(token.to_owned())));
        }
        if let Some(key) = bearer(headers).filter(|token| ApiKey::is_meant(token)) {
            return Some(Self::of_key(key));
        }
        let shown = headers.get(API_KEY_HEADER)?;
        // What is no text is no key, but was meant to be one.
        let text = shown.to_str().unwrap_or("?").trim();
        (!text.is_empty()).then(|| Self::of_key(text))
    }

    /// Takes it out of parameters; `is_declared` where the call has a parameter of that name itself, which is left alone
    /// unless it holds what is meant to be a key.
    pub(crate) fn take(params: &mut Params, is_declared: bool) -> Option<Self> {
        if is_declared && !params.list(API_KEY).any(|text| ApiKey::is_meant(text.trim())) {
            return None;
        }
        let taken = params.take(API_KEY);
        let shown = taken.iter().map(|text| text.trim()).find(|text| !text.is_empty())?;
        Some(Self::of_key(shown))
    }

    /// Takes a ticket out of the parameters of a stream.
    pub(crate) fn take_ticket(params: &mut Params) -> Option<Self> {
        let taken = params.take(STREAM_TICKET);
        let shown = taken.iter().map(|text| text.trim()).find(|text| !text.is_empty())?;
        Some(shown.parse().map_or(Self::Garbage, Self::Ticket))
    }

    fn of_key(text: &str) -> Self {
        text.parse::<ApiKey>().map_or(Self::Garbage, |key| Self::Key(ShownKey::of(&key)))
    }
}

impl ShownKey {
    /// Of a whole key.
    pub(crate) fn of(key: &ApiKey) -> Self {
        Self { id: key.id().clone(), kind: key.kind(), digest: key.digest() }
    }
}

/// The token of header `Authorization: Bearer TOKEN`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (kind, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    kind.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn is_key(shown: Option<Credential>, key: &ApiKey) -> bool {
        matches!(shown, Some(Credential::Key(shown)) if shown == ShownKey::of(key))
    }

    #[test]
    fn a_key_is_found_where_clients_show_it() {
        let (key, other) = (ApiKey::generate(KeyKind::Live), ApiKey::generate(KeyKind::Admin));
        let (text, other_text) = (key.expose(), other.expose());
        let found = |pairs: &[(&'static str, &str)]| Credential::of_headers(&headers(pairs), false);
        assert!(is_key(found(&[("authorization", &format!("bearer  {text} "))]), &key));
        assert!(is_key(found(&[("apikey", &text)]), &key));
        assert!(is_key(
            found(&[("apikey", &other_text), ("authorization", &format!("Bearer {text}"))]),
            &key
        ));
        // The token of a session is none.
        assert!(is_key(found(&[("apikey", &text), ("authorization", "Bearer 6a3ff9b4")]), &key));
        assert!(found(&[("authorization", "Bearer 6a3ff9b4")]).is_none());
        assert!(found(&[("apikey", " "), ("authorization", "Basic x")]).is_none());
        for garbage in ["x", "mt5r_live_", &text[1..], &format!("{text}0")] {
            assert!(matches!(found(&[("apikey", garbage)]), Some(Credential::Garbage)), "{garbage}");
        }
        let cut = format!("Bearer {}", &text[..text.len() - 1]);
        assert!(matches!(found(&[("authorization", &cut)]), Some(Credential::Garbage)), "never a token");
    }

    #[test]
    fn what_is_shown_as_a_parameter_goes_no_further() {
        let key = ApiKey::generate(KeyKind::Test);
        let text = key.expose();
        let pairs = [("APIKEY", &*text), ("apiKey[0]", "more"), ("id", "token"), ("apikeys", "other")];
        let mut params = Params::from_iter(pairs);
        assert!(is_key(Credential::take(&mut params, false), &key));
        let left: Vec<_> = params.pairs().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(left, ["id", "apikeys"]);
        // A call that has such a parameter itself keeps what is no key.
        let mut params = Params::from_iter([("apiKey", "the administrator's")]);
        assert!(Credential::take(&mut params, true).is_none() && params.get("apiKey").is_some());
        let mut params = Params::from_iter([("apiKey", &*text)]);
        assert!(is_key(Credential::take(&mut params, true), &key) && params.get("apiKey").is_none());
        let mut params = Params::from_iter([("apiKey", "")]);
        assert!(Credential::take(&mut params, false).is_none());
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_key_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..120), text in ".{0,120}") {
            let mut all = HeaderMap::new();
            if let Ok(value) = axum::http::HeaderValue::from_bytes(&bytes) {
                all.insert(API_KEY_HEADER, value.clone());
                all.insert(AUTHORIZATION, value);
            }
            prop_assert!(!matches!(Credential::of_headers(&all, true), Some(Credential::Key(_))));
            let mut params = Params::from_iter([(API_KEY, &*text), (STREAM_TICKET, &*text), ("id", "x")]);
            prop_assert!(!matches!(Credential::take(&mut params, false), Some(Credential::Key(_))));
            Credential::take_ticket(&mut params);
            prop_assert_eq!(params.pairs().count(), 1);
        }

        #[test]
        fn a_key_that_was_changed_is_none(at in 0_usize..56, to in "[!-~]") {
            let text = ApiKey::generate(KeyKind::Live).expose();
            let mut wrong = text.clone();
            wrong.replace_range(at..=at, &to);
            prop_assume!(wrong != text);
            let shown = Credential::of_headers(&headers(&[("apikey", &wrong)]), true);
            prop_assert!(matches!(shown, Some(Credential::Garbage)), "{}", wrong);
        }
    }
}
