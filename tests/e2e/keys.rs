//! API keys, as operators and customers have them.

use std::process::{Output, Stdio};

use testkit::{Redis, Scratch, in_time};
use tokio::process::Command;

/// Runs `mt5rest key` with these words, in an environment of its own.
async fn run(words: &str, store: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mt5rest"));
    for name in ["MT5REST_DATA", "MT5REST_REDIS_URL", "MT5REST_REDIS_URL_FILE"] {
        command.env_remove(name);
    }
    command.arg("key").args(words.split_whitespace()).args(store).stdin(Stdio::null()).kill_on_drop(true);
    in_time("the command ends", command.output()).await.unwrap()
}

/// What it prints, when it succeeds.
pub(crate) async fn key(words: &str, store: &[&str]) -> String {
    let output = run(words, store).await;
    assert!(output.status.success(), "key {words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it says, when it fails.
async fn refused(words: &str, store: &[&str]) -> String {
    let output = run(words, store).await;
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "key {words}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn keys_are_managed_in_a_folder_and_in_redis() {
    let (folder, redis) = (Scratch::new("keys"), Redis::start().await);
    let url = redis.url();
    for store in [["--data", folder.path().to_str().unwrap()], ["--redis-url", &url]] {
        let made = key("create --tenant acme --scopes read,trade --volume-max 0.5", &store).await;
        let whole = made.trim_end();
        assert_eq!(made, format!("{whole}\n"), "the key alone");
        let id = whole.split('_').nth(2).unwrap();
        key("create --tenant zoo --kind admin", &store).await;

        let list = key("list --tenant acme", &store).await;
        let fields: Vec<&str> = list.trim_end_matches('\n').split('\t').collect();
        let [listed, "acme", "live", "read,trade", expires, "never"] = fields[..] else { panic!("{list}") };
        assert_eq!((listed, expires.len()), (id, "2027-01-01T00:00:00Z".len()));
        assert_eq!(key("list", &store).await.lines().count(), 2);

        assert_eq!(key(&format!("limits {id} --demo-only --volume-max any"), &store).await, "");
        let shown: serde_json::Value =
            serde_json::from_str(&key(&format!("show {id}"), &store).await).unwrap();
        assert_eq!(shown["limits"], serde_json::json!({ "demoOnly": true }));
        assert_eq!((&shown["id"], &shown["tenant"]), (&id.into(), &"acme".into()));

        let rotated = key(&format!("rotate {id} --keep 1d"), &store).await;
        assert_ne!(rotated, made);
        assert!(rotated.starts_with(&format!("mt5r_live_{id}_")), "{rotated}");
        assert_eq!(key(&format!("revoke {id}"), &store).await, "");
        assert!(key("list --tenant acme", &store).await.contains("\trevoked\t"));
        assert!(refused(&format!("rotate {id}"), &store).await.contains("revoked or has expired"));
        assert!(refused("show zzzzzzzz", &store).await.contains("no API key with the id zzzzzzzz"));
    }
    drop(redis);
    let told = refused("list", &["--redis-url", &url]).await;
    assert!(told.contains("the registry does not answer"), "{told}");
}
