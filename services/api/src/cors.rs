//! Pages of other sites: whether they may call, and read what is answered. Any may unless the operator names some: the token in
//! the request is what grants access, never a cookie, so there is nothing another page could borrow.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use error::{Code, Error};

const ANY: HeaderValue = HeaderValue::from_static("*");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "X-As-Of, X-Sync, X-Outcome, X-Ignored-Parameters, X-License-Notice, Idempotent-Replayed, Retry-After, \
     RateLimit, RateLimit-Policy, WWW-Authenticate",
);
/// A day, in seconds: the rules here do not change while a process lives.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("86400");

/// Sites whose pages may call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origins {
    /// All of them.
    #[default]
    Any,
    /// These, as browsers write them, such as `https://desk.example.com`; and this service's own pages.
    Only(Vec<String>),
}

impl Origins {
    /// From `any`, `none`, or origins with commas between.
    ///
    /// # Errors
    /// The text that is no origin.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "any" | "*" => return Ok(Self::Any),
            "none" => return Ok(Self::Only(Vec::new())),
            _ => {}
        }
        let all = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        all.map(|text| origin(text).ok_or_else(|| text.to_owned())).collect::<Result<_, _>>().map(Self::Only)
    }

    /// What is written beside a response to a request with these headers: who may read it.
    pub(crate) fn answer_to(&self, headers: &HeaderMap) -> Allowed {
        match self {
            Self::Any => Allowed { origin: Some(ANY), depends: false },
            Self::Only(known) => {
                let origin = headers.get(ORIGIN).filter(|origin| is_among(known, origin)).cloned();
                Allowed { origin, depends: true }
            }
        }
    }

    /// Whether a socket may be opened, by a page or a program: browsers ask nobody before they open one.
    ///
    /// # Errors
    /// The refusal of a page of a site that is none of these, nor at the URL `base`, which is this service's.
    pub(crate) fn admit(&self, headers: &HeaderMap, base: &str) -> Result<(), Error> {
        let (Self::Only(known), Some(origin)) = (self, headers.get(ORIGIN)) else { return Ok(()) };
        if is_among(known, origin) || origin.as_bytes().eq_ignore_ascii_case(base.as_bytes()) {
            return Ok(());
        }
        let told = "Pages of this site may not open streams here: name it in --cors-origins if they should.";
        Err(Error::new(Code::NotPermission, told))
    }
}

/// Which pages may read a response.
#[derive(Debug)]
pub(crate) struct Allowed {
    origin: Option<HeaderValue>,
    /// Another page would have been told something else.
    depends: bool,
}

impl Allowed {
    /// The answer to a browser that asks before it calls.
    pub(crate) fn preflight(self, headers: &HeaderMap) -> Response {
        let is_allowed = self.origin.is_some();
        let mut response = self.put_on(Response::new(Body::empty()));
        *response.status_mut() = StatusCode::NO_CONTENT;
        if is_allowed {
            let wanted = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(ANY);
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted);
            headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
        }
        response
    }

    /// Lets these pages read the response.
    pub(crate) fn put_on(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Some(origin) = self.origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
        if self.depends {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        response
    }
}

fn is_among(known: &[String], origin: &HeaderValue) -> bool {
    known.iter().any(|known| origin.as_bytes().eq_ignore_ascii_case(known.as_bytes()))
}

/// An origin as browsers write it: scheme, host, and a port that is not the scheme's own.
fn origin(text: &str) -> Option<String> {
    let (scheme, host) = text.trim_end_matches('/').split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let own_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = host.strip_suffix(own_port).unwrap_or(host).to_ascii_lowercase();
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(is_sign)).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        assert_eq!(Origins::parse("any"), Ok(Origins::Any));
        assert_eq!(Origins::parse("none"), Ok(Origins::Only(Vec::new())));
        let some = Origins::parse("https://Desk.example:443/, http://localhost:3000,").unwrap();
        let known = ["https://desk.example", "http://localhost:3000"].map(str::to_owned);
        assert_eq!(some, Origins::Only(known.to_vec()));
        for wrong in ["desk.example", "ftp://desk.example", "https://", "https://a/b", "https://a b", "null"]
        {
            assert_eq!(Origins::parse(wrong), Err(wrong.to_owned()));
        }
    }

    #[test]
    fn pages_of_named_sites_and_programs_open_sockets() {
        let some = Origins::parse("https://desk.example").unwrap();
        let page = |origin: &'static str| HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))]);
        let base = "http://127.0.0.1:5000";
        for fine in [page("https://desk.example"), page(base), HeaderMap::new()] {
            assert_eq!(some.admit(&fine, base), Ok(()), "{fine:?}");
        }
        for other in ["http://desk.example", "https://desk.example.evil", "null", "http://127.0.0.1:5001"] {
            assert!(some.admit(&page(other), base).is_err(), "{other}");
            assert_eq!(Origins::Any.admit(&page(other), base), Ok(()));
        }
    }
}
