//! Documents that do not change while the process runs. Nothing is loaded from elsewhere.

use std::io::{Cursor, Read};
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bus::Readiness;
use bytes::Bytes;
use error::Error;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

use crate::accept::Accept;
use crate::front::Front;
use crate::reply::{JSON, TEXT, page_of, refusal, respond};
use crate::routes::Document;

const INDEX: &str = include_str!("../../../static/index.html");

/// Files of [`Document::Static`], by name.
const FILES: [(&str, &str); 6] = [
    ("EventsTest.html", include_str!("../../../static/EventsTest.html")),
    ("EventsTest.css", include_str!("../../../static/EventsTest.css")),
    ("EventsTest.js", include_str!("../../../static/EventsTest.js")),
    ("icon.svg", include_str!("../../../static/icon.svg")),
    ("index.js", include_str!("../../../static/index.js")),
    ("page.css", include_str!("../../../static/page.css")),
];

/// The call browser makes styles and pictures itself; else it may do what all pages may.
const INDEX_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Parts of the call browser change only with the build.
const AN_HOUR: HeaderValue = HeaderValue::from_static("max-age=3600");

/// Answers a document.
pub(crate) fn serve(front: &Arc<Front>, document: Document, accept: Accept) -> Response {
    match document {
        Document::Root => {
            let mut response = respond(StatusCode::MOVED_PERMANENTLY, TEXT, Body::empty());
            response.headers_mut().insert(LOCATION, HeaderValue::from_static("/index.html"));
            response
        }
        Document::Index => {
            let mut response = page_of(Body::from(INDEX));
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, INDEX_POLICY);
            response
        }
        Document::OpenApi => respond(StatusCode::OK, JSON, Body::from(front.openapi.clone())),
        Document::Static(name) => file(name, accept),
        Document::Health => respond(StatusCode::OK, JSON, Body::from(r#"{"status":"ok"}"#)),
        Document::Ready => ready(front),
        Document::Browser(file) => browser_part(file, accept),
    }
}

/// A file as it is; pages as pages.
fn file(name: &str, accept: Accept) -> Response {
    let Some((_, text)) = FILES.iter().find(|(own, _)| *own == name) else {
        let error = Error::internal(format!("there is no {name}"));
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, accept, &error);
    };
    let body = Body::from(*text);
    if name.ends_with(".html") { page_of(body) } else { part(name, body) }
}

/// What pages are made of.
fn part(name: &str, body: Body) -> Response {
    let kind = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    };
    let mut response = respond(StatusCode::OK, HeaderValue::from_static(kind), body);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether calls should be sent here, and why not.
fn ready(front: &Front) -> Response {
    let told = |status, word: &str, reason: Option<String>| {
        let body = match reason {
            Some(reason) => serde_json::json!({ "status": word, "reason": reason }),
            None => serde_json::json!({ "status": word }),
        };
        respond(status, JSON, Body::from(body.to_string()))
    };
    match front.backend.readiness() {
        _ if front.tasks.is_stopping() => told(StatusCode::SERVICE_UNAVAILABLE, "stopping", None),
        Readiness::Ready => told(StatusCode::OK, "ok", None),
        // Some calls can be answered, and should come.
        Readiness::Impaired(reason) => told(StatusCode::OK, "impaired", Some(reason)),
        Readiness::NotReady(reason) => told(StatusCode::SERVICE_UNAVAILABLE, "not ready", Some(reason)),
    }
}

/// A part of the call browser, unpacked on first use and kept.
fn browser_part(file: &str, accept: Accept) -> Response {
    static PARTS: LazyLock<Vec<(&'static str, Bytes)>> = LazyLock::new(|| {
        ["swagger-ui.css", "swagger-ui-bundle.js"]
            .into_iter()
            .filter_map(|file| Some((file, unpacked(file)?)))
            .collect()
    });
    let Some((_, bytes)) = PARTS.iter().find(|(name, _)| *name == file) else {
        return refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            accept,
            &Error::internal(format!("{file} is not packed")),
        );
    };
    let mut response = part(file, Body::from(bytes.clone()));
    response.headers_mut().insert(CACHE_CONTROL, AN_HOUR);
    response
}

/// A file of the packed call browser.
fn unpacked(file: &str) -> Option<Bytes> {
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED)).ok()?;
    let wanted = format!("/dist/{file}");
    let path = archive.file_names().flatten().find(|path| path.ends_with(&wanted))?.into_owned();
    let mut bytes = Vec::new();
    archive.by_name(&path).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_browser_is_complete_and_loads_nothing_from_elsewhere() {
        for file in ["swagger-ui.css", "swagger-ui-bundle.js"] {
            assert!(unpacked(file).is_some_and(|bytes| bytes.len() > 100_000), "{file}");
            assert!(INDEX.contains(file));
        }
        for (name, text) in [("index.html", INDEX)].into_iter().chain(FILES) {
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{name}");
        }
    }
}
