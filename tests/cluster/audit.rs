//! The record of calls: whole across owners, and what is done to it is found.

use testkit::{Process, Scratch, eventually};

use crate::world::World;

const SEED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What `mt5rest audit` prints, and whether it ended well.
async fn audit(world: &World, args: &[&str]) -> (bool, String) {
    let args = [&["audit"], args].concat();
    let environment = [("MT5REST_REDIS_URL", world.redis_url.as_str())];
    let mut process = Process::start(env!("CARGO_BIN_EXE_mt5rest"), &args, &environment);
    let ended = process.end().await.success();
    (ended, format!("{}{}", process.stdout(), process.stderr()))
}

#[tokio::test]
async fn every_call_that_changes_something_has_a_line_and_what_is_done_to_the_record_is_found() {
    let folder = Scratch::new("audit");
    let exported = folder.path().display().to_string();
    let more = [("MT5REST_AUDIT_KEY", SEED), ("MT5REST_AUDIT_EXPORT", exported.as_str())];
    let mut world = World::start(1, 0).await;
    for _ in 0..2 {
        world.workers.push(world.worker(&more).await);
    }
    world.is_ready().await;
    let sessions = [world.connect(0).await, world.connect(1).await];
    let mut tickets = Vec::new();
    for round in 0..5 {
        for session in &sessions {
            tickets.push(session.buy(&format!("round-{round}")).await);
        }
    }
    let too_much = "symbol=EURUSD&operation=Buy&volume=77777&reason=much";
    assert_ne!(sessions[0].call("OrderSend", too_much).await.status, 200);
    sessions[0].call("OrderSend", "symbol=EURUSD&operation=Buy&volume=0.1&dryRun=true").await.ok();

    // An answer does not wait for its line for ever.
    eventually("all lines are written", async || {
        let (is_good, told) = audit(&world, &["verify"]).await;
        (is_good && told.contains("lines 1 to 13 are as they were written; signed up to 0")).then_some(())
    })
    .await;
    let (_, lines) = audit(&world, &["export"]).await;
    for ticket in &tickets {
        assert_eq!(lines.matches(&format!("\"ticket\":{ticket},")).count(), 1, "{ticket}: {lines}");
    }
    assert_eq!(lines.matches("\"source\":\"127.0.0.1\"").count(), 13, "{lines}");
    assert!(lines.contains("\"reason\":\"much\"") && !lines.contains("demo"), "{lines}");
    assert!(
        !sessions.iter().any(|session| lines.contains(&session.token)),
        "a token is as good as a password"
    );
    let (_, one) = audit(&world, &["export", "--ticket", &tickets[3].to_string()]).await;
    assert_eq!(one.lines().count(), 1, "{one}");
    let of_account = ["export", "--account", &sessions[1].account.to_string(), "--from", "2020-01-01"];
    let (_, of_account) = audit(&world, &of_account).await;
    assert_eq!(of_account.lines().count(), 6, "{of_account}");
    assert_eq!(audit(&world, &["export", "--from", "2099-01-01T00:00:00Z"]).await.1, "");

    // What ends signs what there is.
    for worker in &mut world.workers {
        worker.process.signal("TERM");
        worker.process.end().await;
    }
    let key = world.workers[0].process.stderr();
    let key = key.split("public_key=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let verify = ["verify", "--public-key", &key];
    let (is_good, told) = audit(&world, &verify).await;
    assert!(is_good && told.contains("signed up to 13"), "{told}");

    // Both workers have written to the same folder here, so the file is whole, and can be verified without Redis.
    let file = folder.path().join("default.jsonl").display().to_string();
    let (_, checkpoints) = audit(&world, &["export", "--checkpoints"]).await;
    let kept = folder.file("checkpoints", &checkpoints).display().to_string();
    let (is_good, told) =
        audit(&world, &["verify", "--file", &file, "--checkpoints", &kept, "--public-key", &key]).await;
    assert!(is_good && told.contains("signed up to 13"), "{told}");

    let log = "mt5rest:audit:{default}:lines";
    world.redis.command(&["XDEL", log, "13-0"]).await;
    let (is_good, told) = audit(&world, &verify).await;
    assert!(!is_good && told.contains("the end is cut off"), "{told}");
    world.redis.command(&["XDEL", log, "7-0"]).await;
    let (is_good, told) = audit(&world, &verify).await;
    assert!(!is_good && told.contains("line 7 is missing"), "{told}");
}

#[tokio::test]
async fn what_waits_for_a_redis_that_is_away_is_recorded_when_it_is_back() {
    let world = World::start(1, 1).await;
    let session = world.connect(0).await;
    session.buy("before").await;
    world.redis.kill();
    let refused = session.call("OrderSend", "symbol=EURUSD&operation=Buy&volume=0.01").await;
    assert_eq!(refused.header("x-outcome"), "not_sent", "{refused:?}");
    world.redis.restart().await;
    eventually("trades go on", async || {
        let query = "symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey=after";
        (session.call("OrderSend", query).await.status == 200).then_some(())
    })
    .await;
    let (is_good, told) = audit(&world, &["verify"]).await;
    assert!(is_good, "{told}");
    let (_, lines) = audit(&world, &["export"]).await;
    let of = |outcome: &str| lines.matches(&format!("\"outcome\":\"{outcome}\"")).count();
    assert_eq!(of("applied"), 3, "connect, and two orders: {lines}");
    assert!(of("not_sent") >= 1, "{lines}");
}
