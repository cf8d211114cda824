//! What reads are compared with: a bare handler of the same HTTP library, and nginx before it.

use std::net::SocketAddr;
use std::process::Command;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;

use super::process::{Process, Ready, free_address};
use super::world::{World, write};
use super::{Result, explained};
use crate::packages;

/// Answers one body, as long as it runs. This is a program of its own: `bench bare ADDRESS FILE`.
pub(super) async fn serve(address: &str, file: &str) -> Result<()> {
    let body: &'static str = std::fs::read_to_string(file).map_err(explained)?.leak();
    let answer = get(move || async move { ([(CONTENT_TYPE, "application/json")], body) });
    let router = Router::new().route("/AccountSummary", answer).route("/healthz", get(|| async { "OK" }));
    let listener = TcpListener::bind(address).await.map_err(explained)?;
    // As the service does.
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await.map_err(explained)
}

/// Starts the bare handler as a process of its own.
pub(super) async fn start(world: &World, body: &str) -> Result<Process> {
    let file = world.folder().join("body.json");
    write(&file, body)?;
    let at = free_address()?;
    let program = std::env::current_exe().map_err(explained)?;
    let mut command = Command::new(program);
    command.args(["bench-guarded", "bare", &at.to_string()]).arg(&file);
    Process::start("bare", world.folder(), at, Ready::Health, &mut command).await
}

/// Starts nginx before it.
pub(super) async fn nginx(world: &World, behind: SocketAddr) -> Result<Process> {
    if !packages::is_installed("nginx") {
        let text = "nginx is not installed, and routed reads are compared with it.\n\
                    On Debian: sudo apt-get install nginx-light";
        return Err(explained(text));
    }
    let (folder, at) = (world.folder().display(), free_address()?);
    let mut paths = String::new();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        paths.push_str(&format!("    {kind}_temp_path {folder}/nginx-{kind};\n"));
    }
    let text = format!(
        "daemon off;\nworker_processes 2;\npid {folder}/nginx.pid;\nerror_log {folder}/nginx-errors.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n    access_log off;\n    keepalive_requests 1000000000;\n    tcp_nodelay on;\n{paths}    \
         upstream bare {{ server {behind}; keepalive 64; keepalive_requests 1000000000; }}\n    \
         server {{\n        listen {at};\n        location / {{\n            proxy_pass http://bare;\n            \
         proxy_http_version 1.1;\n            proxy_set_header Connection \"\";\n        }}\n    }}\n}}\n"
    );
    let file = world.folder().join("nginx.conf");
    write(&file, &text)?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(&file).arg("-p").arg(world.folder());
    Process::start("nginx", world.folder(), at, Ready::Health, &mut command).await
}
