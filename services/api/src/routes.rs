//! Every path, found without regard to case.

use std::collections::HashMap;

use axum::http::Method;
use bus::{Topic, Topics};
use calls::CallSpec;

/// What a path leads to.
#[derive(Debug, Clone)]
pub(crate) enum Route {
    Call(CallRoute),
    Stream(Stream),
    Document(Document),
}

/// A call under one of its names.
#[derive(Debug, Clone)]
pub(crate) struct CallRoute {
    /// The name, spelled as declared.
    pub(crate) name: &'static str,
    pub(crate) needs_session: bool,
    /// Logs in: may also come as POST, and may take longer.
    pub(crate) connects: bool,
}

/// A stream of events.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    /// The path without its slash.
    pub(crate) name: &'static str,
    /// The `type` of its envelopes; `Events` for all of them.
    pub(crate) kind: &'static str,
    /// What it carries; `None` when this version does not offer it.
    pub(crate) topics: Option<Topics>,
}

/// A fixed document.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Document {
    /// Leads to the call browser.
    Root,
    /// The call browser.
    Index,
    /// The machine-readable description.
    OpenApi,
    /// The page that shows events.
    EventsTest,
    /// Says that the process runs.
    Health,
    /// A part of the call browser, by file name.
    Browser(&'static str),
}

/// Streams of the interface that this version does not offer; their paths answer with an explanation.
const NOT_OFFERED: [&str; 8] = [
    "OnTickValue",
    "OnMarketWatch",
    "OnTickHistory",
    "OnMail",
    "OnOpenedOrdersTickets",
    "OnOpenedOrdersTicketsProfit",
    "OnOrderBook",
    "OnOhlc",
];

/// The streams this version offers.
pub(crate) const OFFERED: [(&str, &str, &[Topic]); 4] = [
    ("OnQuote", "Quote", &[Topic::Quote]),
    ("OnOrderUpdate", "OrderUpdate", &[Topic::OrderUpdate]),
    ("OnOrderProfit", "OrderProfit", &[Topic::OrderProfit]),
    ("Events", "Events", &Topic::ALL),
];

const DOCUMENTS: [(&str, Document); 9] = [
    ("/", Document::Root),
    ("/index.html", Document::Index),
    ("/swagger", Document::Root),
    ("/swagger/index.html", Document::Root),
    ("/swagger/v1/swagger.json", Document::OpenApi),
    ("/static/EventsTest.html", Document::EventsTest),
    ("/healthz", Document::Health),
    ("/swagger-ui.css", Document::Browser("swagger-ui.css")),
    ("/swagger-ui-bundle.js", Document::Browser("swagger-ui-bundle.js")),
];

/// The table of paths.
#[derive(Debug)]
pub(crate) struct Routes(HashMap<String, Route>);

impl Routes {
    pub(crate) fn new(calls: &[CallSpec]) -> Self {
        let mut table = HashMap::new();
        for call in calls {
            for name in call.names {
                let connects = is_connect(call);
                let route = CallRoute { name, needs_session: call.needs_session(), connects };
                table.insert(format!("/{}", name.to_ascii_lowercase()), Route::Call(route));
            }
        }
        for (name, kind, topics) in OFFERED {
            let stream = Stream { name, kind, topics: Some(topics.iter().copied().collect()) };
            table.insert(format!("/{}", name.to_ascii_lowercase()), Route::Stream(stream));
        }
        for name in NOT_OFFERED {
            let stream = Stream { name, kind: &name["On".len()..], topics: None };
            table.insert(format!("/{}", name.to_ascii_lowercase()), Route::Stream(stream));
        }
        for (path, document) in DOCUMENTS {
            table.insert(path.to_ascii_lowercase(), Route::Document(document));
        }
        Self(table)
    }

    /// What the path leads to; a trailing slash does not matter.
    pub(crate) fn find(&self, path: &str) -> Option<&Route> {
        let path = match path.strip_suffix('/') {
            Some("") | None => path,
            Some(shorter) => shorter,
        };
        self.0.get(&path.to_ascii_lowercase())
    }
}

/// True for calls that carry a password and make a session.
pub(crate) fn is_connect(call: &CallSpec) -> bool {
    call.has_secrets() && call.params.iter().any(|param| param.name == "user")
}

impl Route {
    pub(crate) fn allows(&self, method: &Method) -> bool {
        match self {
            Route::Call(call) => method == Method::GET || (call.connects && method == Method::POST),
            Route::Stream(_) => method == Method::GET,
            Route::Document(_) => method == Method::GET || method == Method::HEAD,
        }
    }

    /// The methods allowed, as a header value.
    pub(crate) fn allowed(&self) -> &'static str {
        match self {
            Route::Call(call) if call.connects => "GET, POST, OPTIONS",
            Route::Call(_) | Route::Stream(_) => "GET, OPTIONS",
            Route::Document(_) => "GET, HEAD, OPTIONS",
        }
    }
}
