//! Trial and licences over several processes, their restarts and their clocks; and the command that makes them.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use testkit::{Client, Process, Scratch, eventually};

use crate::fitness::clock;
use crate::world::{FIRST, Session, World, connect_path, is_ready};

const DAY: i64 = 86_400;
/// Where Redis keeps the trial.
const MARK: &str = "mt5rest:{trial}:mark";

/// An order that opens.
const OPENS: &str = "symbol=EURUSD&operation=Buy&volume=0.01";

fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Runs `mt5rest license`.
fn license(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mt5rest")).arg("license").args(args).env_clear().output().unwrap()
}

/// What it prints when all is well.
fn printed(args: &[&str]) -> String {
    let output = license(args);
    assert!(output.status.success() && output.stderr.is_empty(), "{args:?}: {output:?}");
    let line = String::from_utf8(output.stdout).unwrap();
    line.trim_end().to_owned()
}

/// Exit code and standard error of one that fails.
fn failed(args: &[&str]) -> (Option<i32>, String) {
    let output = license(args);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A key in a folder, and its public half.
fn key(folder: &Path) -> (String, String) {
    let file = folder.join("test.key").display().to_string();
    let public = printed(&["keygen", "test-1", "--out", &file]);
    (file, public)
}

fn issue(key: &str, sessions: &str, until: &str) -> String {
    let customer = ["--customer", "A customer", "--features", "audit,guards"];
    let times = ["--from", "2020-01-01", "--until", until];
    let args = [&["issue", "--key", key, "--sessions", sessions][..], &customer, &times].concat();
    printed(&args)
}

async fn status(http: &Client) -> Value {
    http.get("/LicenseStatus").await.ok().json()
}

#[test]
fn licences_are_made_and_shown_by_a_command() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("licences");
    let (key_file, public) = key(scratch.path());
    let kept = std::fs::read_to_string(&key_file).unwrap();
    assert_eq!(std::fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(public.starts_with("test-1:") && kept.starts_with("test-1:") && kept.trim() != public);
    let (code, told) = failed(&["keygen", "test-1", "--out", &key_file]);
    assert!(code == Some(1) && told.contains("cannot be made"), "{told}");
    assert_eq!(std::fs::read_to_string(&key_file).unwrap(), kept, "a key is never overwritten");

    let file = scratch.file("licence.jwt", &issue(&key_file, "7", "2090-12-31")).display().to_string();
    let shown: Value =
        serde_json::from_str(&printed(&["inspect", &file, "--license-public-key", &public])).unwrap();
    let expected = json!({
        "customer": "A customer", "plan": "standard", "sessions": 7, "features": ["audit", "guards"],
        "beginsUTC": "2020-01-01T00:00:00Z", "endsUTC": "2091-01-01T12:00:00Z", "key": "test-1", "isValid": true,
    });
    assert_eq!(shown, expected);
    let (code, told) = failed(&["inspect", &file]);
    assert!(code == Some(1) && told.contains("unknown key 'test-1'"), "{told}");
    let over = scratch.file("over.jwt", &issue(&key_file, "7", "2021-01-01")).display().to_string();
    let (code, told) = failed(&["inspect", &over, "--license-public-key", &public]);
    assert!(code == Some(1) && told.contains("until 2021-01-02T12:00:00Z"), "{told}");

    // Of a service that does not run.
    let data = scratch.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let data_text = data.display().to_string();
    let trial: Value = serde_json::from_str(&printed(&["status", "--data", &data_text])).unwrap();
    assert_eq!(trial["standing"], "Trial");
    assert!(!data.join("trial.json").exists(), "looking begins nothing");
    let (began_s, mark_s) = (now_s() - 20 * DAY, now_s());
    std::fs::write(data.join("trial.json"), json!({ "began_s": began_s, "mark_s": mark_s }).to_string())
        .unwrap();
    let (code, told) = failed(&["status", "--data", &data_text]);
    assert!(code == Some(1) && told.contains("The trial has ended"), "{told}");
    let with = ["status", "--data", &data_text, "--license", &file, "--license-public-key", &public];
    assert!(printed(&with).contains("\"standing\": \"Licensed\""));

    for wrong in [
        &["issue", "--key", &file, "--customer", "", "--sessions", "0", "--until", "2026-13-01"][..],
        &["keygen", "a:b", "--out", "x"],
        &["inspect", &file, "--license-public-key", "k1:short"],
        &["status", "http://a:1", "--data", "x"],
    ] {
        let (code, told) = failed(wrong);
        assert!(code == Some(2) && told.starts_with("error: "), "{wrong:?}: {told}");
    }
}

/// Waits until no connect is let in any more.
async fn is_shut(world: &World, account: u64) {
    let http = world.http(0);
    eventually("no session is made", async || {
        let reply = http.get(&connect_path(account, "demo", world.broker_addr())).await;
        if reply.status == 201 && reply.refused() == "LICENSE_REQUIRED" {
            return Some(());
        }
        if reply.status == 200 {
            // It was let in by what was known a moment ago.
            http.get(&format!("/Disconnect?id={}", reply.body)).await;
        }
        None
    })
    .await;
}

#[tokio::test]
async fn the_trial_of_a_cluster_is_one_and_goes_on_through_restarts() {
    let scratch = Scratch::new("licences");
    let (key_file, public) = key(scratch.path());
    let folder = scratch.path().join("licences");
    std::fs::create_dir(&folder).unwrap();
    let folder_text = folder.display().to_string();
    let licensed = [("MT5REST_LICENSE", &*folder_text), ("MT5REST_LICENSE_PUBLIC_KEY", &*public)];
    let mut world = World::start(1, 0).await;
    for _ in 0..2 {
        world.workers.push(world.worker(&licensed).await);
    }
    world.is_ready().await;
    is_ready(&world.apis[0]).await;
    let session = world.connect(0).await;
    let number = session.buy("one").await;
    let http = world.http(0);
    assert_eq!(status(&http).await["standing"], "Trial");
    let began = eventually("the trial is kept", async || {
        world.redis.command(&["HGET", MARK, "began"]).await.trim_start_matches('$').parse::<i64>().ok()
    })
    .await;
    assert!(began > 0);

    // Fourteen days and an hour later, for both workers and whoever comes after them.
    let long_ago = (now_s() - 14 * DAY - 3600).to_string();
    world.redis.command(&["HSET", MARK, "began", &long_ago]).await;
    for account in 1..=3 {
        is_shut(&world, FIRST + account).await;
    }
    // A place that is emptied while somebody remembers is told again.
    world.redis.command(&["DEL", MARK]).await;
    eventually("it is kept again", async || {
        let kept = world.redis.command(&["HGET", MARK, "began"]).await;
        (!kept.contains("-1")).then_some(())
    })
    .await;
    let owner = world.owner(&session).await;
    world.workers[owner].process.signal("KILL");
    world.workers[owner].process.end().await;
    world.workers[owner] = world.worker(&licensed).await;
    is_shut(&world, FIRST + 1).await;
    // The next owner lets positions be closed, and nothing opened.
    eventually("nothing is opened", async || {
        let reply = session.call("OrderSend", OPENS).await;
        (reply.status == 201 && reply.refused() == "REDUCE_ONLY").then_some(())
    })
    .await;
    session.json("OrderClose", &format!("ticket={number}")).await;
    http.get("/healthz").await.ok();

    one_licence_counts_over_all(&world, &session, &folder, &key_file).await;
}

/// One licence for both workers, without a restart; its sessions count over both.
async fn one_licence_counts_over_all(world: &World, session: &Session, folder: &Path, key_file: &str) {
    let (http, broker) = (world.http(0), world.broker_addr());
    std::fs::write(folder.join("licence.jwt"), issue(key_file, "2", "2090-12-31")).unwrap();
    eventually("orders open again", async || {
        (session.call("OrderSend", OPENS).await.status == 200).then_some(())
    })
    .await;
    eventually("a second session is made", async || {
        let reply = http.get(&connect_path(FIRST + 1, "demo", broker)).await;
        (reply.status == 200).then_some(())
    })
    .await;
    for account in 2..=3 {
        eventually("a third one is not", async || {
            let reply = http.get(&connect_path(FIRST + account, "demo", broker)).await;
            assert_eq!(reply.status, 201, "{reply:?}");
            (reply.refused() == "LICENSE_SESSIONS_REACHED").then_some(())
        })
        .await;
    }
    let url = format!("http://{}", http.address());
    assert!(printed(&["status", &url]).contains("\"sessionsMax\": 2"));
}

/// A standalone service with this folder, by a clock that is ahead by so much.
async fn standalone(data: &Path, ahead: &str) -> (Process, Client) {
    let data = data.display().to_string();
    let args = ["--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0", "--data", &data];
    let faked = clock(ahead);
    let environment = faked.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut process = Process::start(env!("CARGO_BIN_EXE_mt5rest"), &args, &environment);
    let address = process.says("http://").await;
    let address = address.split([' ', '/']).next().unwrap().to_owned();
    (process, Client::new(address))
}

#[tokio::test]
async fn a_standalone_keeps_its_trial_in_its_data_folder() {
    let scratch = Scratch::new("standalone");
    let data = scratch.path().join("data");
    let standing = async |ahead: &str| {
        let (mut process, http) = standalone(&data, ahead).await;
        let standing = status(&http).await["standing"].as_str().unwrap().to_owned();
        process.signal("INT");
        process.end().await;
        standing
    };
    let looked = [
        ("+0d", "Trial"),
        ("+13d", "Trial"),
        // Its clock is turned back: the time that was seen counts.
        ("+0d", "Trial"),
        ("+15d", "Ended"),
        ("+1d", "Ended"),
    ];
    for (ahead, expected) in looked {
        assert_eq!(standing(ahead).await, expected, "{ahead}");
    }
    // What cannot be read stops nobody, and is told.
    std::fs::write(data.join("trial.json"), "damaged").unwrap();
    let (mut process, http) = standalone(&data, "+15d").await;
    let told = status(&http).await;
    assert_eq!(told["standing"], "Trial");
    assert!(told["troubles"][0].as_str().unwrap().contains("trial.json"), "{told}");
    eventually("the log says so", async || process.stderr().contains("trial.json").then_some(())).await;
    process.signal("INT");
    process.end().await;
    // Who deletes everything begins anew.
    std::fs::remove_file(data.join("trial.json")).unwrap();
    assert_eq!(standing("+15d").await, "Trial");
}
