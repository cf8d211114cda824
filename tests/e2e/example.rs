//! The example program, as a user runs it.

use std::path::PathBuf;

use testkit::{Process, eventually, in_time};

use crate::world::{USD, World};

/// Cargo builds examples beside the tests.
fn program() -> String {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_mt5rest"));
    let name = format!("break_even{}", std::env::consts::EXE_SUFFIX);
    let program = binary.parent().unwrap().join("examples").join(name);
    assert!(program.is_file(), "not built: `cargo test` builds it, `cargo test --test e2e` does not");
    program.display().to_string()
}

#[tokio::test]
async fn the_example_moves_the_stop_to_break_even() {
    let world = World::start().await;
    let base = format!("http://{}", world.http.address());
    let port = world.broker_addr.port().to_string();
    let args = [base.as_str(), "1000001", "demo", "127.0.0.1", &port, "EURUSD", "0.1", "25"];
    let mut example = Process::start(&program(), &args, &[]);
    example.says("opened #").await;
    world.control.quote("EURUSD", 1.1011, 1.1012).await.unwrap();
    world.control.quote("EURUSD", 1.1031, 1.1032).await.unwrap();
    let told = example.says("profit is ").await;
    assert!(told.starts_with("30: the stop is at 1.1001 now"), "{told}");
    let status = in_time("the example ends", example.end()).await;
    assert!(status.success(), "{}", example.stderr());
    assert!(example.stdout().contains("disconnected"), "{}", example.stdout());
    let session = world.login().await;
    let orders = session.json("OpenedOrders", "").await;
    assert_eq!(orders[0]["stopLoss"], 1.1001);
    // And the stop does what it should.
    world.control.quote("EURUSD", 1.1001, 1.1002).await.unwrap();
    eventually("the position is closed without a loss", async || {
        let own = world.control.account(USD).await.unwrap();
        (own.positions == 0 && own.funds.balance.to_f64() >= 10_000.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_example_explains_its_arguments() {
    let mut example = Process::start(&program(), &[], &[]);
    assert!(!example.end().await.success());
    assert!(example.stderr().contains("usage: break_even URL"), "{}", example.stderr());
}
