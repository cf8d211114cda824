//! The real binary against its own OpenAPI document: requests that nobody thought of, checked by Schemathesis.
//!
//! `schemathesis.toml` says what is checked and how much of it, `hooks.py` what makes random requests meaningful. This
//! test starts both programs; `cargo xtask schemathesis` runs it alone.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use testkit::{Process, Scratch};
use tokio::process::Command;
use tokio::time::timeout;

/// Where the settings are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemathesis");

/// Of a service that nobody else reaches.
const ADMIN_KEY: &str = "key-of-the-schemathesis-run";

/// Far more than it needs: a single hang is told by the limit of a request.
const RUN_TIME_MAX: Duration = Duration::from_mins(15);

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let target = Path::new(env!("CARGO_BIN_EXE_mt5rest")).parent().and_then(Path::parent).unwrap();
    let program = target.join("clients/venv/bin/schemathesis");
    assert!(
        program.exists(),
        "{} is missing: `cargo xtask test` installs it, or says what to do",
        program.display()
    );
    let args = [
        "--listen",
        "127.0.0.1:0",
        "--broker-listen",
        "127.0.0.1:0",
        "--admin-key",
        ADMIN_KEY,
        "--log",
        "warn",
    ];
    let mut service = Process::start(env!("CARGO_BIN_EXE_mt5rest"), &args, &[]);
    let address = service.says("listening on http://").await;
    let connect = service.says("  Connect          http://").await;
    // What it writes beside its report goes here.
    let folder = Scratch::new("schemathesis");
    let run = Command::new(program)
        .args(["--config-file", &format!("{FOLDER}/schemathesis.toml"), "run", "--no-color"])
        .arg(format!("http://{address}/swagger/v1/swagger.json"))
        .current_dir(folder.path())
        .env("MT5REST_URL", format!("http://{address}"))
        .env("MT5REST_BROKER_PORT", connect.split("port=").nth(1).unwrap())
        .env("MT5REST_ADMIN_KEY", ADMIN_KEY)
        .envs([("SCHEMATHESIS_HOOKS", "hooks"), ("PYTHONPATH", FOLDER), ("PYTHONDONTWRITEBYTECODE", "1")])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(RUN_TIME_MAX, run).await.expect("Schemathesis never ended").unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let (_, report) = out.split_once("= FAILURES =").unwrap_or(("", &out));
    assert!(output.status.success(), "{report}\n{err}");
    assert!(out.contains("Test cases:"), "nothing was tested: {out}\n{err}");
    service.signal("TERM");
    assert!(service.end().await.success(), "{}", service.stderr());
    let log = service.stderr();
    assert!(!log.contains(" ERROR ") && !log.contains("panicked"), "{log}");
}
