//! Documents that do not change while the process runs. Nothing is loaded from elsewhere.

use std::io::{Cursor, Read};
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bus::Readiness;
use bytes::Bytes;
use error::Error;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

use crate::accept::Accept;
use crate::front::Front;
use crate::reply::{HTML, JSON, TEXT, refusal, respond};
use crate::routes::Document;

const EVENTS_TEST: &str = include_str!("../../../static/EventsTest.html");
const INDEX: &str = include_str!("../../../static/index.html");

/// The page takes a token from its address, so it may talk to this service only and load nothing from elsewhere.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
     connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'",
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
        Document::Index => respond(StatusCode::OK, HTML, Body::from(INDEX)),
        Document::OpenApi => respond(StatusCode::OK, JSON, Body::from(front.openapi.clone())),
        Document::EventsTest => {
            let mut response = respond(StatusCode::OK, HTML, Body::from(EVENTS_TEST));
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
            response
        }
        Document::Health => respond(StatusCode::OK, JSON, Body::from(r#"{"status":"ok"}"#)),
        Document::Ready => ready(front),
        Document::Browser(file) => browser_part(file, accept),
    }
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
    let kind =
        if file.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
    let mut response = respond(StatusCode::OK, HeaderValue::from_static(kind), Body::from(bytes.clone()));
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
        for page in [INDEX, EVENTS_TEST] {
            assert!(!page.contains("http://") && !page.contains("https://"));
        }
    }
}
