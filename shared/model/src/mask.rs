//! Masks over symbol paths, as account settings carry them.

/// Whether a symbol path matches a mask: a comma-separated list of patterns in which `*` stands for any
/// run of characters. A pattern that starts with `!` excludes, and does so at once.
#[must_use]
pub fn mask_matches(mask: &str, path: &str) -> bool {
    let mut included = false;
    for pattern in mask.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()) {
        match pattern.strip_prefix('!') {
            Some(excluded) if pattern_matches(excluded, path) => return false,
            Some(_) => {}
            None => included |= pattern_matches(pattern, path),
        }
    }
    included
}

/// Greedy matching with one point of return, so that it takes at most `pattern × path` steps.
fn pattern_matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.as_bytes(), path.as_bytes());
    let (mut p, mut s) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while s < path.len() {
        if pattern.get(p) == Some(&b'*') {
            back = Some((p + 1, s));
            p += 1;
        } else if pattern.get(p) == Some(&path[s]) {
            p += 1;
            s += 1;
        } else if let Some((after_star, from)) = back {
            back = Some((after_star, from + 1));
            p = after_star;
            s = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::mask_matches;

    #[test]
    fn masks_select_symbol_paths() {
        let cases = [
            ("*", r"Forex\Majors\EURUSD", true),
            ("", r"Forex\EURUSD", false),
            (r"Forex\*", r"Forex\Majors\EURUSD", true),
            (r"Forex\*", r"Metals\XAUUSD", false),
            (r"Metals\*, Forex\*", r"Forex\EURUSD", true),
            (r"*,!Forex\*", r"Forex\EURUSD", false),
            (r"!Forex\Exotic\*,Forex\*", r"Forex\Majors\EURUSD", true),
            (r"*USD", r"Forex\EURUSD", true),
            (r"*USD", r"Forex\USDJPY", false),
            (r"*a*b*c", "xxaxxbxxc", true),
            (r"*a*b*c", "xxaxxcxxb", false),
        ];
        for (mask, path, expected) in cases {
            assert_eq!(mask_matches(mask, path), expected, "{mask} over {path}");
        }
    }
}
