//! Recorded ticks.

use std::path::Path;

use broker::Feed;
use testkit::Scratch;

use crate::world::{World, number};

/// Ten ticks in the terminal's export format: an empty field keeps its last value.
const TICKS: &str = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>
2026.01.05\t10:00:00.000\t1.20001\t1.20011\t\t\t6
2026.01.05\t10:00:00.100\t1.20002\t\t\t\t2
2026.01.05\t10:00:00.200\t\t1.20014\t\t\t4
2026.01.05\t10:00:00.300\t1.20003\t1.20015\t\t\t6
2026.01.05\t10:00:00.400\t1.20004\t1.20016\t\t\t6
2026.01.05\t10:00:00.500\t1.20005\t1.20017\t\t\t6
";

async fn replayed(folder: &Path, lowest: f64, highest: f64) {
    let settings = broker::Settings {
        feed: Feed::Replay(folder.to_owned()),
        speed: 10.0,
        ..broker::Settings::default()
    };
    let world = World::with(settings).await;
    let session = world.login().await;
    let mut quotes = session.stream("OnQuote").await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    let mut seen = Vec::new();
    quotes
        .until("three different prices come", |event| {
            let bid = number(&event["data"], "bid");
            assert!((lowest..=highest).contains(&bid), "{event}");
            if !seen.contains(&bid.to_bits()) {
                seen.push(bid.to_bits());
            }
            seen.len() == 3
        })
        .await;
}

#[tokio::test]
async fn ticks_of_a_file_become_quotes() {
    let folder = Scratch::new("replay");
    folder.file("EURUSD_ticks.csv", TICKS);
    replayed(folder.path(), 1.20001, 1.20005).await;
}

#[tokio::test]
async fn real_ticks_become_quotes_where_they_are_at_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if folder.join("EURUSD_ticks_2019-01.csv").is_file() {
        replayed(&folder, 1.12, 1.16).await;
    }
}
