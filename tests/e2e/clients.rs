//! The client programs of the README, built and run as their readers do.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use testkit::{Client, Process, Scratch};
use tokio::process::Command;
use tokio::time::timeout;

use crate::binary::start_binary;
use crate::world::Session;

const README: &str = include_str!("../../README.md");

/// How long one command may take: compilers take their time on a busy machine.
const COMMAND_TIME_MAX: Duration = Duration::from_mins(5);

/// Where Debian keeps the sources of Go libraries.
const GO_LIBRARIES: &str = "/usr/share/gocode";

/// A service of one test's own.
struct Service {
    _process: Process,
    http: Client,
    broker_port: String,
}

impl Service {
    async fn start() -> Self {
        let (mut process, http) = start_binary(&[]).await;
        let url = process.says("  Connect          http://").await;
        let broker_port = url.split("port=").nth(1).unwrap().to_owned();
        Self { _process: process, http, broker_port }
    }

    /// The program of the README, with this service's broker instead of the one on the usual port.
    fn program(&self, language: &str) -> String {
        let mark = format!("<!-- client {language} -->\n```");
        let after = README.split_once(&mark).unwrap_or_else(|| panic!("the README has no {mark}")).1;
        let program = after.split_once('\n').unwrap().1.split("```").next().unwrap();
        with(program, "5001", &self.broker_port)
    }

    /// Runs a command of a client, in a folder of its own.
    async fn run(&self, folder: &Path, program: &Path, args: &[&str]) -> Output {
        let base = format!("http://{}", self.http.address());
        let clients = installed("");
        let output = Command::new(program)
            .args(args)
            .current_dir(folder)
            .env("MT5REST_URL", base)
            .envs([("GO111MODULE", "off"), ("GOPATH", GO_LIBRARIES), ("GOFLAGS", "")])
            .env("GOCACHE", clients.join("go"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let ended = timeout(COMMAND_TIME_MAX, output).await;
        let name = program.display();
        match ended.unwrap_or_else(|_| panic!("{name} {args:?} did not end in {COMMAND_TIME_MAX:?}")) {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("{name} is missing: {HOW_TO_INSTALL}")
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }

    /// The client told what it did, and did it.
    async fn assert_traded(&self, output: &Output) {
        let out = assert_success(output);
        let ticket = out.split("opened #").nth(1).and_then(|rest| rest.split(' ').next());
        let ticket = ticket.unwrap_or_else(|| panic!("nothing was opened: {out}"));
        assert!(out.contains("\nprofit "), "no profit came: {out}");
        assert!(out.contains(&format!("\nclosed #{ticket} at ")), "#{ticket} was not closed: {out}");
        let path = format!("/Connect?user=1000001&password=demo&host=127.0.0.1&port={}", self.broker_port);
        let session = Session { http: self.http.clone(), token: self.http.get(&path).await.ok().body };
        assert_eq!(session.tickets().await, [0; 0], "the position is still open");
        let deals = session.json("HistoryDealsByPositionId", &format!("ticket={ticket}")).await;
        assert_eq!(deals.as_array().map(Vec::len), Some(2), "{deals}");
    }
}

/// What to do about programs and packages that are not there.
const HOW_TO_INSTALL: &str = "`cargo xtask test` installs it, or says what to do";

/// What `cargo xtask test` has put below the target folder.
fn installed(what: &str) -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_mt5rest"));
    let target = binary.parent().and_then(Path::parent).unwrap();
    let path = target.join("clients").join(what);
    assert!(what.is_empty() || path.exists(), "{} is missing: {HOW_TO_INSTALL}", path.display());
    path
}

/// The text with a word replaced that occurs once.
#[track_caller]
fn with(text: &str, word: &str, replacement: &str) -> String {
    assert_eq!(text.matches(word).count(), 1, "'{word}' should occur once in:\n{text}");
    text.replace(word, replacement)
}

#[track_caller]
fn assert_success(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// The client failed and said why the service refused it.
#[track_caller]
fn assert_refused(output: &Output) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "the refusal went unnoticed: {output:?}");
    assert!(err.contains("INVALID_ACCOUNT") && err.contains("invalid account or password"), "{err}");
}

#[tokio::test]
async fn the_shell_script_trades_and_notices_refusals() {
    let service = Service::start().await;
    let folder = Scratch::new("client-sh");
    let program = service.program("sh");
    folder.file("client.sh", &program);
    service.assert_traded(&service.run(folder.path(), Path::new("sh"), &["client.sh"]).await).await;
    folder.file("client.sh", &with(&program, "demo", "wrong"));
    assert_refused(&service.run(folder.path(), Path::new("sh"), &["client.sh"]).await);
}

#[tokio::test]
async fn the_python_client_trades_and_notices_refusals() {
    let service = Service::start().await;
    let folder = Scratch::new("client-python");
    let program = service.program("python");
    let python = installed("venv/bin/python");
    folder.file("client.py", &program);
    service.assert_traded(&service.run(folder.path(), &python, &["client.py"]).await).await;
    folder.file("client.py", &with(&program, "demo", "wrong"));
    assert_refused(&service.run(folder.path(), &python, &["client.py"]).await);
}

#[tokio::test]
async fn the_typescript_client_compiles_strictly_trades_and_notices_refusals() {
    let service = Service::start().await;
    let program = service.program("typescript");
    let compiler = installed("node/node_modules/typescript/bin/tsc");
    // Below the packages, as they are looked for upwards from the program; of this run alone.
    let folder = installed("node").join(format!("client-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("client.mts"), &program).unwrap();
    std::fs::write(folder.join("refused.mts"), with(&program, "demo", "wrong")).unwrap();
    let strictly = ["--strict", "--target", "es2022", "--module", "nodenext", "client.mts", "refused.mts"];
    let compile = [&[compiler.to_str().unwrap()], &strictly[..]].concat();
    assert_success(&service.run(&folder, Path::new("node"), &compile).await);
    service.assert_traded(&service.run(&folder, Path::new("node"), &["client.mjs"]).await).await;
    assert_refused(&service.run(&folder, Path::new("node"), &["refused.mjs"]).await);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn the_go_client_trades_and_notices_refusals() {
    let service = Service::start().await;
    let folder = Scratch::new("client-go");
    let program = service.program("go");
    let unformatted = {
        folder.file("client.go", &program);
        assert_success(&service.run(folder.path(), Path::new("gofmt"), &["-l", "client.go"]).await)
    };
    assert_eq!(unformatted, "", "gofmt would change the program");
    let run = ["run", "client.go"];
    service.assert_traded(&service.run(folder.path(), Path::new("go"), &run).await).await;
    folder.file("client.go", &with(&program, "demo", "wrong"));
    assert_refused(&service.run(folder.path(), Path::new("go"), &run).await);
}
