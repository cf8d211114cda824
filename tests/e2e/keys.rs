//! API keys, as operators and customers have them.

use std::process::{Output, Stdio};

use testkit::{Client, Redis, Reply, Scratch, eventually, in_time};
use tokio::process::Command;

use crate::binary::start_binary;

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

/// A call by POST, with a key.
async fn post(http: &Client, call: &str, key: &str, body: &str) -> Reply {
    // A body is read by what it looks like.
    http.json("POST", &format!("/{call}"), &[("ApiKey", key)], body).await
}

#[tokio::test]
async fn an_operator_manages_keys_by_calls_and_nobody_else_does() {
    let folder = Scratch::new("keys-calls");
    let data = folder.path().to_str().unwrap();
    let admin_key = "the administrator's own";
    let (_process, http) = start_binary(&["--auth", "on", "--data", data, "--admin-key", admin_key]).await;
    let operator = key("create --tenant ops --kind admin", &["--data", data]).await.trim_end().to_owned();
    let made =
        post(&http, "CreateApiKey", &operator, "tenant=default&scopes=read,admin&volumeMax=0.5").await.ok();
    let customer = made.body;
    let id = customer.split('_').nth(2).unwrap();
    let search = async |key: &str| http.get_with("/Search?company=x", &[("ApiKey", key)]).await;
    search(&customer).await.ok();

    // A key of a customer manages none, whatever its scopes are; nor does who shows nothing.
    for (call, body) in [("CreateApiKey", "tenant=default"), ("RevokeApiKey", &*format!("keyId={id}"))] {
        assert_eq!(post(&http, call, &customer, body).await.refused(), "NOT_PERMISSION", "{call}");
        let nobody = http.post(&format!("/{call}"), "application/x-www-form-urlencoded", body).await;
        assert_eq!(nobody.refused(), "INVALID_API_KEY", "{call}");
        let guessed = format!("{body}&adminKey=a guess that is wrong");
        let guessed = http.post(&format!("/{call}"), "application/x-www-form-urlencoded", &guessed).await;
        assert_eq!(guessed.refused(), "NOT_PERMISSION", "{call}");
    }
    // Who knows the administrator's key needs no other; on calls of customers it is worth nothing.
    let all = http.get(&format!("/ListApiKeys?adminKey={}", admin_key.replace(' ', "%20"))).await.ok().json();
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    let other = http.get(&format!("/Search?company=x&adminKey={}", admin_key.replace(' ', "%20"))).await;
    assert_eq!(other.refused(), "INVALID_API_KEY");

    let changed =
        post(&http, "LimitApiKey", &operator, &format!("keyId={id}&demoOnly=true&volumeMax=any")).await;
    let changed = changed.ok().json();
    assert_eq!((&changed["demoOnly"], &changed["volumeMax"]), (&true.into(), &serde_json::Value::Null));
    let rotated = post(&http, "RotateApiKey", &operator, &format!("keyId={id}")).await.ok().body;
    eventually("the old secret is refused", async || (search(&customer).await.status != 200).then_some(()))
        .await;
    search(&rotated).await.ok();
    post(&http, "RevokeApiKey", &operator, &format!("keyId={id}")).await.ok();
    eventually("the key is refused", async || {
        let reply = search(&rotated).await;
        (reply.status != 200 && reply.json()["code"] == "INVALID_API_KEY").then_some(())
    })
    .await;
    let path = format!("/ShowApiKey?keyId={rotated}");
    let shown = http.get_with(&path, &[("ApiKey", &operator)]).await;
    assert_eq!(shown.refused(), "INVALID_PARAM");
    assert!(!shown.body.contains(&rotated[14..]), "{}", shown.body);
}
