//! The scenarios that come with the broker, played fast.

use testkit::eventually;
use wire::{Command, Payload};

use super::client::{Client, buy};
use super::quoted;
use crate::{Broker, Scenario};

const LOGIN: u64 = 1_000_001;

/// A broker at which a scenario is played, so many times as fast.
async fn playing(name: &str, times: f64) -> Broker {
    let broker = quoted().await;
    for (symbol, bid, ask) in [("GBPUSD", 1.3, 1.3001), ("XAUUSD", 2650.0, 2650.2), ("BTCUSD", 9.6e4, 9.61e4)]
    {
        broker.control().quote(symbol, bid, ask).await.unwrap();
    }
    broker.play(Scenario::load(name).unwrap().faster(times));
    broker
}

async fn is_open(broker: &Broker, symbol: &str) -> bool {
    broker.control().symbol(symbol).await.unwrap().is_open
}

#[tokio::test]
async fn a_calm_day_ends_with_what_was_paid_and_traded() {
    let broker = playing("calm-day", 300.0).await;
    let balance = eventually("the last withdrawal is made", async || {
        let account = broker.control().account(1_000_011).await.ok()?;
        let balance = account.funds.balance.to_f64();
        (account.positions == 3 && balance < 24_950.0).then_some(balance)
    })
    .await;
    assert_eq!(balance, 24_911.5, "a commission of 1, a dividend on 50 shares of 0.25, a withdrawal of 100");
}

#[tokio::test]
async fn news_stop_an_account_out() {
    let broker = playing("news-spike", 60.0).await;
    let control = broker.control();
    eventually("it trades before the news", async || {
        (control.account(1_000_012).await.ok()?.positions == 1).then_some(())
    })
    .await;
    let left = eventually("it does not survive them", async || {
        let account = control.account(1_000_012).await.unwrap();
        (account.positions == 0).then_some(account.funds.balance.to_f64())
    })
    .await;
    assert!(left < 0.0, "a gap takes more than there was: {left}");
    eventually("all is well again", async || control.faults().await.unwrap().is_empty().then_some(())).await;
}

#[tokio::test]
async fn the_clock_changes_aloud_and_silently() {
    let broker = playing("clock-change", 120.0).await;
    let ahead = async || {
        let clock = broker.control().clock().await.unwrap();
        (clock.ahead_minutes, clock.told_ahead_minutes)
    };
    for expected in [(60, 60), (0, 0), (60, 0), (60, 60), (0, 0)] {
        eventually(&format!("{expected:?}"), async || (ahead().await == expected).then_some(())).await;
    }
}

#[tokio::test]
async fn a_restart_ends_connections_and_refuses_logins_for_a_while() {
    let broker = playing("broker-restart", 15.0).await;
    let mut client = Client::login(broker.addr(), LOGIN, "demo").await;
    client.ended().await;
    eventually("logins are refused", async || {
        let mut second = Client::connect(broker.addr()).await;
        (second.enter(LOGIN, "demo").await.err()? == 2).then_some(())
    })
    .await;
    eventually("logins are taken again", async || {
        let mut again = Client::connect(broker.addr()).await;
        again.enter(LOGIN, "demo").await.ok().map(drop)
    })
    .await;
}

#[tokio::test]
async fn a_flaky_network_loses_no_order() {
    let broker = playing("flaky-network", 4.0).await;
    let control = broker.control();
    eventually("faults are there", async || (control.faults().await.unwrap().len() >= 3).then_some(())).await;
    let mut client = Client::login(broker.addr(), LOGIN, "demo").await;
    let request = client.numbered(&buy("EURUSD", 1)).to_bytes();
    client.send(Command::Trade.number(), request).await;
    eventually("the order is executed, whatever is told of it", async || {
        (control.account(LOGIN).await.unwrap().positions == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn on_a_weekend_only_cryptocurrencies_are_traded() {
    let broker = playing("weekend", 60.0).await;
    eventually("markets close", async || (!is_open(&broker, "EURUSD").await).then_some(())).await;
    assert!(is_open(&broker, "BTCUSD").await);
    let mut client = Client::login(broker.addr(), LOGIN, "demo").await;
    assert_eq!(client.trade(&buy("EURUSD", 1)).await.retcode, 10018);
    eventually("markets open", async || is_open(&broker, "EURUSD").await.then_some(())).await;
    let bid = broker.control().symbol("EURUSD").await.unwrap().bid;
    assert_eq!(bid, Some(1.0975), "with a gap of 250 points");
}
