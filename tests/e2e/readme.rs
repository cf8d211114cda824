//! The commands of the README, run as they stand.

use std::process::Stdio;

use testkit::{Scratch, in_time};
use tokio::process::Command;

use crate::binary::start_binary;

const README: &str = include_str!("../../README.md");

/// Marks the blocks whose lines are run.
const MARK: &str = "<!-- run -->\n```sh\n";

/// Addresses as the README has them: the defaults.
const SERVICE: &str = "127.0.0.1:5000";
const BROKER_PORT: &str = "port=5001";

fn blocks() -> Vec<&'static str> {
    README.split(MARK).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[tokio::test]
async fn every_line_of_the_quick_start_works() {
    let (mut process, http) = start_binary(&[]).await;
    let url = process.says("  Connect          http://").await;
    let broker_port = url.split("port=").nth(1).unwrap();
    let blocks = blocks();
    assert!(blocks.len() >= 2, "the README has no blocks marked to be run");
    // One shell for all blocks, as a reader has it; it stops at the first line that fails.
    let script: String = std::iter::once("set -eux\n").chain(blocks).collect();
    let script = script.replace(SERVICE, http.address()).replace(BROKER_PORT, &format!("port={broker_port}"));
    let run = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = in_time("the README is done", run).await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(!out.contains("\"stackTrace\""), "a call was refused:\n{out}\n{err}");
    assert!(out.contains("\"openPrice\""), "no order was opened:\n{out}");
}

#[tokio::test]
async fn the_files_shown_in_the_readme_are_understood() {
    let folder = Scratch::new("readme");
    let shown = |name: &str| {
        let begin = format!("```json\n{{ \"{name}\"");
        let rest = README.split(&begin).nth(1).unwrap_or_else(|| panic!("no JSON of {name}"));
        format!("{{ \"{name}\"{}", rest.split("```").next().unwrap())
    };
    let accounts = folder.file("accounts.json", &shown("accounts"));
    let brokers = folder.file("brokers.json", &shown("servers"));
    let args = ["--accounts", accounts.to_str().unwrap(), "--brokers", brokers.to_str().unwrap()];
    let (mut process, http) = start_binary(&args).await;
    let url = process.says("  Connect          http://").await;
    let path = url.strip_prefix(http.address()).unwrap();
    let path = path.replace("user=1000001", "user=5").replace("password=demo", "password=secret");
    let token = http.get(&path).await.ok().body;
    let summary = http.get(&format!("/AccountSummary?id={token}")).await.ok().json();
    assert_eq!((&summary["currency"], &summary["balance"]), (&"EUR".into(), &5000.into()));
}

#[tokio::test]
async fn the_lines_for_many_customers_keep_them_apart() {
    let folder = Scratch::new("readme-keys");
    let data = folder.path().join("books");
    let data = data.to_str().unwrap();
    let (mut process, http) = start_binary(&["--auth", "on", "--data", data]).await;
    let url = process.says("  Connect          http://").await;
    let broker_port = url.split("port=").nth(1).unwrap();
    let block = README.split("<!-- keys -->\n```sh\n").nth(1).unwrap().split("```").next().unwrap();
    // The service itself runs already, at an address of its own.
    let (start, lines) = block.split_once('\n').unwrap();
    assert_eq!(start, "mt5rest --auth on --data books &");
    let folder_of_binary = std::path::Path::new(env!("CARGO_BIN_EXE_mt5rest")).parent().unwrap().display();
    let script = format!("set -eu\nPATH={folder_of_binary}:$PATH\n{lines}").replace(SERVICE, http.address());
    let script = script.replace(BROKER_PORT, &format!("port={broker_port}"));
    let script = script.replace("--data books", &format!("--data {data}"));
    let run = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = in_time("the README is done", run).await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    for (words, times) in
        [("\"balance\"", 2), ("INVALID_TOKEN", 2), ("\tacme\tlive\t", 1), ("\tzoo\tlive\t", 1)]
    {
        assert_eq!(out.matches(words).count(), times, "{words}: {out}\n{err}");
    }
}
