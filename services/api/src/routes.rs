//! Every path, found without regard to case.

use std::collections::HashMap;

use axum::http::Method;
use bus::{Topic, Topics};
use calls::{CallId, CallSpec, Params, Policy, Spelled, Spelling};
use error::Error;

use crate::auth;

/// The parameter for the administrator's key.
const ADMIN_KEY: &str = "adminKey";

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
    pub(crate) id: CallId,
    /// It may come as POST as well as GET.
    may_be_posted: bool,
    /// The names of parameters that are files.
    pub(crate) files: Vec<&'static str>,
    /// The names of its parameters, where one that is almost right must not be ignored: a trade.
    pub(crate) spelling: Option<Spelling>,
    /// It has a parameter of the name by which other calls may show their key.
    pub(crate) takes_api_key: bool,
    /// It can be asked for what it would do.
    pub(crate) takes_dry_run: bool,
    /// Its parameter for the administrator's key, if it has one.
    pub(crate) admin_key: Option<&'static str>,
}

/// A stream of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// One topic under its own path.
    Of(Topic),
    /// All common ones in one socket.
    Events,
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
    /// A page or what pages are made of, by file name.
    Static(&'static str),
    /// Says that the process runs.
    Health,
    /// Says whether it takes calls.
    Ready,
    /// A part of the call browser, by file name.
    Browser(&'static str),
}

const DOCUMENTS: [(&str, Document); 15] = [
    ("/", Document::Root),
    ("/index.html", Document::Index),
    ("/swagger", Document::Root),
    ("/swagger/index.html", Document::Root),
    ("/swagger/v1/swagger.json", Document::OpenApi),
    ("/static/EventsTest.html", Document::Static("EventsTest.html")),
    ("/static/EventsTest.css", Document::Static("EventsTest.css")),
    ("/static/EventsTest.js", Document::Static("EventsTest.js")),
    ("/static/icon.svg", Document::Static("icon.svg")),
    ("/static/index.js", Document::Static("index.js")),
    ("/static/page.css", Document::Static("page.css")),
    ("/healthz", Document::Health),
    ("/readyz", Document::Ready),
    ("/swagger-ui.css", Document::Browser("swagger-ui.css")),
    ("/swagger-ui-bundle.js", Document::Browser("swagger-ui-bundle.js")),
];

/// The table of paths.
#[derive(Debug)]
pub(crate) struct Routes(HashMap<String, Route>);

impl Routes {
    pub(crate) fn new(calls: &[CallSpec]) -> Self {
        let mut table = HashMap::new();
        for id in CallId::all() {
            if let Some(call) = calls.iter().find(|call| call.name == id.call()) {
                let path = format!("/{}", id.name().to_ascii_lowercase());
                table.insert(path, Route::Call(CallRoute::new(id, call, calls)));
            }
        }
        for stream in Stream::all() {
            table.insert(format!("/{}", stream.name().to_ascii_lowercase()), Route::Stream(stream));
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

impl CallRoute {
    fn new(id: CallId, call: &CallSpec, all: &[CallSpec]) -> Self {
        let has = |name: &str| call.params.iter().any(|param| param.name == name);
        Self {
            id,
            may_be_posted: call.may_be_posted(),
            files: call.params.iter().filter(|param| param.is_file()).map(|param| param.name).collect(),
            takes_api_key: has(auth::API_KEY),
            takes_dry_run: id.policy().trades() || has(calls::DRY_RUN),
            admin_key: [ADMIN_KEY, auth::API_KEY].into_iter().find(|name| has(name)),
            spelling: id.policy().trades().then(|| Spelling::of(call, id.name(), all)),
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        self.id.policy()
    }

    /// The parameters of a request by their declared names; only of a trade are they looked at.
    pub(crate) fn spelled(&self, params: Params, is_strict: bool) -> Spelled {
        match &self.spelling {
            Some(spelling) => spelling.settle(&params, is_strict),
            None => Spelled { params, ignored: Vec::new(), fault: None },
        }
    }
}

impl Stream {
    /// Every stream.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Topic::ALL.into_iter().map(Self::Of).chain([Self::Events])
    }

    /// The path without its slash.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Of(topic) => format!("On{}", topic.as_str()),
            Self::Events => "Events".to_owned(),
        }
    }

    /// What it carries.
    pub(crate) fn topics(self) -> Topics {
        match self {
            Self::Of(topic) => topic.into(),
            Self::Events => Topics::common(),
        }
    }

    /// True when its events come at a pace that each socket may choose.
    pub(crate) fn is_paced(self) -> bool {
        matches!(self, Self::Of(topic) if topic.is_paced())
    }
}

impl Route {
    /// Whether the path answers this method. HEAD asks for what GET would answer, so it is for what changes nothing.
    pub(crate) fn allows(&self, method: &Method) -> bool {
        match self {
            Route::Call(call) if call.policy().posted => method == Method::POST,
            Route::Call(call) if call.may_be_posted => method == Method::GET || method == Method::POST,
            Route::Call(call) => {
                method == Method::GET || (call.policy().only_reads() && method == Method::HEAD)
            }
            Route::Stream(_) | Route::Document(_) => method == Method::GET || method == Method::HEAD,
        }
    }

    /// The methods allowed, as a header value; the same as [`allows`](Self::allows) allows.
    pub(crate) fn allowed(&self) -> &'static str {
        match self {
            Route::Call(call) if call.policy().posted => "POST, OPTIONS",
            Route::Call(call) if call.may_be_posted => "GET, POST, OPTIONS",
            Route::Call(call) if !call.policy().only_reads() => "GET, OPTIONS",
            Route::Call(_) | Route::Stream(_) | Route::Document(_) => "GET, HEAD, OPTIONS",
        }
    }

    /// Whether it tells how the process is.
    pub(crate) fn is_health(&self) -> bool {
        match self {
            Route::Call(call) => matches!(call.id.call(), "Ping" | "Health"),
            Route::Document(document) => matches!(document, Document::Health | Document::Ready),
            Route::Stream(_) => false,
        }
    }

    /// The error of a request that led to nothing.
    pub(crate) fn refused(&self, error: Error) -> Error {
        match self {
            Route::Call(call) => call.id.refused(error),
            Route::Stream(_) | Route::Document(_) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::Description;

    #[test]
    fn paths_follow_the_declarations() {
        let routes = Routes::new(&Description::new().calls);
        let call = |path: &str| match routes.find(path) {
            Some(Route::Call(call)) => call.clone(),
            other => panic!("{path}: {other:?}"),
        };
        assert_eq!(call("/connectcert").files, ["pfxFile"]);
        assert!(
            call("/DisconnectOrphansCluster").policy().posted && call("/ConnectCert").policy().connects()
        );
        assert!(call("/Connect").may_be_posted && !call("/ConnectByToken").may_be_posted);
        assert!(call("/ORDERSEND/").policy().trades() && call("/ordersendsafe").id.is_safe());
        assert!(matches!(routes.find("/onohlc"), Some(Route::Stream(Stream::Of(Topic::Ohlc)))));
        assert_eq!(Stream::all().filter(|stream| stream.is_paced()).count(), 2);
        assert!(routes.find("/OnEvents").is_none());
    }
}
