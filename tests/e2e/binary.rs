//! The real binary.

use testkit::{Client, Process};

/// Starts it on free ports.
pub(crate) async fn start_binary(args: &[&str]) -> (Process, Client) {
    let mut all = vec!["--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0"];
    all.extend(args);
    let mut process = Process::start(env!("CARGO_BIN_EXE_mt5rest"), &all, &[]);
    let address = process.says("listening on http://").await;
    (process, Client::new(address))
}
