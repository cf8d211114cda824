//! Which of the known names may have been meant by one that is not known.

use strsim::levenshtein;

/// Names that are told.
const TOLD_MAX: usize = 3;
/// Names that are looked at: a lookup must not take long, however many there are.
const LOOKED_AT_MAX: usize = 20_000;
/// A longer name is none of a symbol or server.
const NAME_MAX: usize = 64;
/// So many letters may differ.
const DISTANCE_MAX: usize = 2;
/// So many letters in the beginning make two names alike, whatever follows.
const STEM_MIN: usize = 3;

/// The nearest names first: another case of the letters, a few other letters, a longer or shorter ending. A blank counts
/// as the plus that it was in a URL.
pub(crate) fn nearest<'a>(name: &str, all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = comparable(name);
    if wanted.is_empty() || wanted.len() > NAME_MAX {
        return Vec::new();
    }
    let mut found: Vec<(usize, &str)> =
        all.take(LOOKED_AT_MAX).filter_map(|one| Some((distance(&wanted, &comparable(one))?, one))).collect();
    found.sort_unstable_by_key(|(distance, one)| (*distance, one.len(), *one));
    found.truncate(TOLD_MAX);
    found.into_iter().map(|(_, one)| one).collect()
}

fn comparable(name: &str) -> String {
    name.chars().map(|c| if c.is_whitespace() { '+' } else { c.to_ascii_lowercase() }).collect()
}

/// How far two names are from each other; `None` when nobody would take one for the other.
fn distance(one: &str, other: &str) -> Option<usize> {
    let longer = one.len().abs_diff(other.len());
    let has_stem =
        one.len().min(other.len()) >= STEM_MIN && (one.starts_with(other) || other.starts_with(one));
    if has_stem {
        return Some(longer);
    }
    // Of names of few letters, most are that near to each other.
    let most = DISTANCE_MAX.min(one.len().max(other.len()) / 2);
    (longer <= most).then(|| levenshtein(one, other)).filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_meant_comes_nearest_first() {
        let all = ["EURUSD", "EURUSD+", "EURUSD.pro", "EURGBP", "USDJPY", "#AAPL", "US500", "GOLD"];
        let cases: [(&str, &[&str]); 9] = [
            ("EURUSD ", &["EURUSD+", "EURUSD"]),
            ("eurusd", &["EURUSD", "EURUSD+", "EURUSD.pro"]),
            ("EURUSDm", &["EURUSD", "EURUSD+"]),
            ("ERUUSD", &["EURUSD"]),
            ("AAPL", &["#AAPL"]),
            ("US500.cash", &["US500"]),
            ("NOPE", &[]),
            ("", &[]),
            ("X", &[]),
        ];
        for (name, meant) in cases {
            assert_eq!(nearest(name, all.into_iter()), meant, "{name}");
        }
        assert!(nearest(&"EURUSD".repeat(100), all.into_iter()).is_empty());
        assert_eq!(nearest("EURUSD", std::iter::repeat_n("EURUSDx", 50_000)).len(), TOLD_MAX);
    }
}
