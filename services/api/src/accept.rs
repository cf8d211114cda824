//! What a client accepts, from its Accept header.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The media type of errors as RFC 9457 has them; naming it is what makes a client a strict one.
const PROBLEM: &str = "application/problem+json";

/// What a client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accept {
    /// How it wants texts.
    pub(crate) dress: Dress,
    /// It goes by HTTP: errors have a status of their own and a body of RFC 9457.
    pub(crate) problems: bool,
    /// It is a browser that shows pages.
    pub(crate) html: bool,
}

/// How the client wants texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dress {
    /// As they are.
    Bare,
    /// As JSON strings, of type application/json.
    Json,
    /// As JSON strings, of type text/json.
    TextJson,
}

impl Accept {
    /// Reads the header.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let ranges: Vec<(&str, f32)> = values.flat_map(|value| value.split(',')).map(range).collect();
        let accepts = |wanted: &str| {
            ranges.iter().any(|(kind, quality)| kind.eq_ignore_ascii_case(wanted) && *quality > 0.0)
        };
        let problems = accepts(PROBLEM);
        let html = accepts("text/html");
        let mut rest = ranges;
        rest.retain(|(kind, _)| !kind.eq_ignore_ascii_case(PROBLEM));
        let dress = if problems && rest.is_empty() { Dress::Json } else { dress(rest) };
        Self { dress, problems, html }
    }
}

/// Chooses among the ranges. A list that holds `*/*` is not negotiated at all: browsers and HTTP libraries send such
/// lists without meaning them.
fn dress(mut ranges: Vec<(&str, f32)>) -> Dress {
    if ranges.iter().any(|(kind, _)| *kind == "*/*") {
        return Dress::Bare;
    }
    ranges.retain(|(_, quality)| *quality > 0.0);
    ranges.sort_by(|one, other| other.1.total_cmp(&one.1));
    let known = |kind: &str| match kind.to_ascii_lowercase().as_str() {
        "text/plain" | "text/*" => Some(Dress::Bare),
        "application/json" | "application/*" => Some(Dress::Json),
        "text/json" => Some(Dress::TextJson),
        _ => None,
    };
    ranges.iter().find_map(|(kind, _)| known(kind)).unwrap_or(Dress::Bare)
}

/// One media range with its quality.
fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
    (kind, quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(text: Option<&str>) -> Accept {
        let mut headers = HeaderMap::new();
        if let Some(text) = text {
            headers.insert(ACCEPT, text.parse().unwrap());
        }
        Accept::of(&headers)
    }

    #[test]
    fn what_is_accepted_decides_how_a_text_is_dressed() {
        let cases = [
            (None, Dress::Bare),
            (Some("*/*"), Dress::Bare),
            (Some("application/json, text/plain, */*"), Dress::Bare),
            (Some("text/plain"), Dress::Bare),
            (Some("application/json"), Dress::Json),
            (Some("Application/JSON; charset=utf-8"), Dress::Json),
            (Some("text/json"), Dress::TextJson),
            (Some("text/plain;q=0.5, application/json"), Dress::Json),
            (Some("application/json;q=0.5, text/plain"), Dress::Bare),
            (Some("application/json, text/json"), Dress::Json),
            (Some("application/xml"), Dress::Bare),
            (Some("application/json;q=0"), Dress::Bare),
            (Some(""), Dress::Bare),
            (Some("application/problem+json"), Dress::Json),
            (Some("application/problem+json, */*"), Dress::Bare),
            (Some("application/problem+json, text/plain;q=0.1"), Dress::Bare),
            (Some("application/problem+json;q=0.1, text/json"), Dress::TextJson),
            (Some("application/problem+json;q=0"), Dress::Bare),
        ];
        for (text, expected) in cases {
            assert_eq!(accept(text).dress, expected, "{text:?}");
        }
    }

    #[test]
    fn only_who_names_problems_gets_them() {
        for text in [
            "application/problem+json",
            "a/b, Application/Problem+JSON;q=0.01",
            "*/*,application/problem+json",
        ] {
            assert!(accept(Some(text)).problems, "{text}");
        }
        for text in ["", "*/*", "application/*", "application/json", "application/problem+json;q=0"] {
            assert!(!accept(Some(text)).problems, "{text}");
        }
    }
}
