//! Which sessions a socket listens to, and from where on.

use bus::{Params, Position};
use error::Error;

/// Sessions of one socket.
const TOKENS_MAX: usize = 256;

/// What a reader may give as its place.
const ACCEPTS: &str = "the position of the last event that was received (EPOCH-OFFSET), or now";

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Tokens, each with the place after which its kept events are wanted.
    pub(super) tokens: Vec<(String, Option<Position>)>,
    /// Whether the client may come back: events tell their places.
    pub(super) is_resumable: bool,
}

/// From `id`, or `ids` for several; `since` has a place for each, in the same order, and those without one begin now.
pub(super) fn read(params: &Params) -> Result<Wanted, Error> {
    let given = |name: &str| -> Vec<String> {
        let named = params.pairs().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.flat_map(|(_, text)| text.split(',')).map(str::to_owned).collect()
    };
    let mut tokens: Vec<String> = given("ids").into_iter().filter(|token| !token.is_empty()).collect();
    if tokens.is_empty() {
        // A token is taken as it is, commas and all.
        tokens.push(params.get("id").unwrap_or_default().to_owned());
    }
    if tokens.len() > TOKENS_MAX {
        let told = format!("{} tokens", tokens.len());
        return Err(Error::invalid_param("ids", &told, &format!("up to {TOKENS_MAX} tokens")));
    }
    let is_resumable = params.get("since").is_some();
    let places = given("since").into_iter().map(|text| match text.as_str() {
        "" | "now" => Ok(Position::NOW),
        place => place.parse().map_err(|_| Error::invalid_param("since", place, ACCEPTS)),
    });
    let mut places = places.collect::<Result<Vec<Position>, Error>>()?.into_iter();
    let mut place = || is_resumable.then(|| places.next().unwrap_or(Position::NOW));
    Ok(Wanted { tokens: tokens.into_iter().map(|token| (token, place())).collect(), is_resumable })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(params: &[(&str, &str)]) -> Result<Wanted, Error> {
        read(&params.iter().copied().collect())
    }

    #[test]
    fn each_token_has_its_place() {
        let place = |epoch, offset| Some(Position { epoch, offset });
        let plain = Wanted { tokens: vec![("a".into(), None)], is_resumable: false };
        assert_eq!(wanted(&[("id", "a")]), Ok(plain));
        let resumed = Wanted { tokens: vec![("a".into(), place(7, 3))], is_resumable: true };
        assert_eq!(wanted(&[("ID", "a"), ("Since", "7-3")]), Ok(resumed));
        let several = [("a", place(7, 3)), ("b", Some(Position::NOW)), ("c", Some(Position::NOW))];
        let tokens = several.map(|(token, place)| (token.to_owned(), place)).to_vec();
        let several = Wanted { tokens, is_resumable: true };
        assert_eq!(wanted(&[("ids", "a,b"), ("ids", "c"), ("since", "7-3,now")]), Ok(several));
    }

    #[test]
    fn tokens_are_taken_as_they_came() {
        let tokens = |params: &[(&str, &str)]| {
            wanted(params).unwrap().tokens.into_iter().map(|(token, _)| token).collect::<Vec<_>>()
        };
        assert_eq!(tokens(&[("id", "a ")]), ["a "]);
        assert_eq!(tokens(&[("ids", "a, b,\"c\"")]), ["a", " b", "\"c\""]);
    }

    #[test]
    fn what_is_no_place_is_refused() {
        assert!(wanted(&[("id", "a"), ("since", "yesterday")]).is_err());
        assert!(wanted(&[("ids", &vec!["t"; TOKENS_MAX + 1].join(","))]).is_err());
    }
}
