//! A real browser without a window, driven over its debugging protocol.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::process::Process;
use crate::scratch::Scratch;
use crate::wait::{eventually, in_time};

/// Names the browser goes by, best first.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The browser must not look for anything by itself, nor find anything of an earlier run.
const FLAGS: [&str; 14] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "about:blank",
];

/// A running browser; ended on drop.
#[derive(Debug)]
pub struct Browser {
    /// Held for its end.
    _process: Process,
    /// Held for its end.
    _profile: Scratch,
    endpoint: String,
}

/// One page of it.
#[derive(Debug)]
pub struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: String,
    last_id: u64,
    requests: Vec<String>,
    complaints: Vec<String>,
}

impl Browser {
    /// Starts one.
    ///
    /// # Panics
    /// If none is installed.
    pub async fn start() -> Self {
        let profile = Scratch::new("browser");
        let program = NAMES.into_iter().find(|name| is_installed(name));
        let program = program.expect("no Chromium is installed: `cargo xtask test` installs what tests need");
        let data = format!("--user-data-dir={}", profile.path().display());
        let mut args = vec![data.as_str()];
        args.extend(FLAGS);
        let process = Process::start(program, &args, &[]);
        // It says the same on standard error, but among other things and in words that change.
        let file = profile.path().join("DevToolsActivePort");
        let endpoint = eventually("the browser can be talked to", async || {
            let text = std::fs::read_to_string(&file).ok()?;
            let (port, path) = text.trim().split_once('\n')?;
            Some(format!("ws://127.0.0.1:{port}{path}"))
        })
        .await;
        Self { _process: process, _profile: profile, endpoint }
    }

    /// Opens an address in a new page and waits until it is loaded.
    pub async fn open(&self, url: &str) -> Page {
        let mut page = self.blank().await;
        page.go(url).await;
        page
    }

    /// A page of the width of a phone.
    pub async fn open_narrow(&self, url: &str, width: u32, height: u32) -> Page {
        let mut page = self.blank().await;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true });
        page.call("Emulation.setDeviceMetricsOverride", size).await;
        page.go(url).await;
        page
    }

    async fn blank(&self) -> Page {
        let (socket, _) = in_time("the browser answers", connect_async(&self.endpoint)).await.unwrap();
        let mut page =
            Page { socket, session: String::new(), last_id: 0, requests: Vec::new(), complaints: Vec::new() };
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = page.call("Target.attachToTarget", attach).await;
        page.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Network", "Runtime", "Log"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page
    }
}

impl Page {
    /// The value of an expression in the page; promises are awaited.
    ///
    /// # Panics
    /// If it throws.
    pub async fn eval(&mut self, expression: &str) -> Value {
        let how = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut outcome = self.call("Runtime.evaluate", how).await;
        assert!(outcome["exceptionDetails"].is_null(), "{expression}: {}", outcome["exceptionDetails"]);
        outcome["result"]["value"].take()
    }

    /// Waits until an expression is true.
    pub async fn wait(&mut self, expression: &str) {
        let what = format!("the page reaches: {expression}");
        let seen = in_time(&what, async {
            loop {
                if self.eval(&format!("Boolean({expression})")).await == json!(true) {
                    return;
                }
                // The page itself waits a moment, so that nobody spins.
                self.eval("new Promise((done) => setTimeout(done, 20))").await;
            }
        });
        seen.await;
    }

    /// Clicks what a selector finds.
    pub async fn click(&mut self, selector: &str) {
        self.eval(&format!("document.querySelector({}).click()", json!(selector))).await;
    }

    /// The text of what a selector finds.
    pub async fn text(&mut self, selector: &str) -> String {
        let text = self.eval(&format!("document.querySelector({}).textContent", json!(selector))).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Everything that was asked for over the network so far.
    pub async fn requests(&mut self) -> Vec<String> {
        // An answer comes after all events before it.
        self.eval("0").await;
        self.requests.clone()
    }

    /// Exceptions of the page, and errors it has logged.
    pub async fn complaints(&mut self) -> Vec<String> {
        self.eval("0").await;
        self.complaints.clone()
    }

    /// Takes a picture, as PNG.
    pub async fn screenshot(&mut self, file: &Path) {
        let picture = self.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        std::fs::write(file, BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()).unwrap();
    }

    async fn go(&mut self, url: &str) {
        let went = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(went["errorText"].is_null(), "{url}: {}", went["errorText"]);
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'").await;
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let mut request = json!({ "id": self.last_id, "method": method, "params": params });
        if !self.session.is_empty() {
            request["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(request.to_string())).await.unwrap();
        loop {
            let message = in_time(method, self.socket.next()).await.expect("the browser lives").unwrap();
            let Message::Text(text) = message else { continue };
            let mut message: Value = serde_json::from_str(&text).unwrap();
            if message["id"] == json!(self.last_id) {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.note(&message);
        }
    }

    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => self.requests.push(text_of(&params["request"]["url"])),
            "Network.webSocketCreated" => self.requests.push(text_of(&params["url"])),
            "Runtime.exceptionThrown" => self.complaints.push(params["exceptionDetails"].to_string()),
            "Log.entryAdded" if params["entry"]["level"] == "error" => {
                self.complaints.push(params["entry"].to_string());
            }
            _ => {}
        }
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
