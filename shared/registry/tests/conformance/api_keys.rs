//! API keys and tickets.

use std::time::Duration;

use registry::{ApiKeyAdded, ApiKeyEntry, ApiKeys, ApiKeysMax, MemoryRegistry, Registry};
use testkit::{Scratch, pause};

use crate::tools::{bytes, cluster, redis};

crate::on_both! {
    a_key_is_kept_changed_and_listed
    uses_are_noted_and_change_nothing_else
    a_ticket_is_taken_once_and_not_for_long
}

/// Long after any test.
const LATE: i64 = 1 << 50;

fn key(id: &str, tenant: &str, until_ms: i64) -> ApiKeyEntry {
    ApiKeyEntry { id: id.into(), tenant: tenant.into(), until_ms, record: format!(r#"{{"of":"{id}"}}"#) }
}

fn ids(entries: &[ApiKeyEntry]) -> Vec<&str> {
    let mut ids: Vec<&str> = entries.iter().map(|entry| &*entry.id).collect();
    ids.sort_unstable();
    ids
}

async fn a_key_is_kept_changed_and_listed(registry: &dyn Registry) {
    assert_eq!(registry.all_api_keys(None).await.unwrap(), []);
    let before = registry.api_keys_stamp().await.unwrap();
    let (one, other) = (key("one", "acme", LATE), key("other", "zoo", LATE + 1));
    for entry in [&one, &other] {
        assert_eq!(registry.add_api_key(entry).await.unwrap(), ApiKeyAdded::Yes);
    }
    assert_eq!(registry.add_api_key(&key("one", "zoo", LATE)).await.unwrap(), ApiKeyAdded::IdTaken);
    let stamp = registry.api_keys_stamp().await.unwrap();
    assert_ne!(stamp, before);
    let asked = ["one", "none", ""].map(str::to_owned);
    assert_eq!(registry.api_keys(&asked).await.unwrap(), std::slice::from_ref(&one));
    assert_eq!(registry.all_api_keys(None).await.unwrap(), [one.clone(), other.clone()]);
    assert_eq!(registry.all_api_keys(Some("zoo")).await.unwrap(), [other]);
    assert_eq!(registry.all_api_keys(Some("none")).await.unwrap(), []);

    // Who has read what is not there any more changes nothing; the tenant stays.
    let changed = ApiKeyEntry { tenant: "zoo".into(), until_ms: 7, record: "{}".into(), ..one.clone() };
    assert!(!registry.change_api_key("{}", &changed).await.unwrap());
    assert!(!registry.change_api_key("{}", &key("none", "acme", LATE)).await.unwrap());
    assert_eq!(registry.api_keys_stamp().await.unwrap(), stamp);
    assert!(registry.change_api_key(&one.record, &changed).await.unwrap());
    assert_ne!(registry.api_keys_stamp().await.unwrap(), stamp);
    let expected = ApiKeyEntry { tenant: "acme".into(), ..changed };
    assert_eq!(registry.api_keys(&["one".to_owned()]).await.unwrap(), [expected]);

    let large = ApiKeyEntry { record: "x".repeat(8 << 10), ..key("large", "acme", LATE) };
    assert!(registry.add_api_key(&large).await.is_err());
    assert!(registry.change_api_key("{}", &ApiKeyEntry { id: "one".into(), ..large }).await.is_err());
}

async fn uses_are_noted_and_change_nothing_else(registry: &dyn Registry) {
    for id in ["one", "two"] {
        assert_eq!(registry.add_api_key(&key(id, "acme", LATE)).await.unwrap(), ApiKeyAdded::Yes);
    }
    let stamp = registry.api_keys_stamp().await.unwrap();
    let used = |id: &str, at: i64| (id.to_owned(), at);
    registry.note_api_keys_used(&[used("one", 5_000), used("none", 5_000)]).await.unwrap();
    registry.note_api_keys_used(&[used("one", 4_000)]).await.unwrap();
    let asked = ["one", "two", "none"].map(str::to_owned);
    assert_eq!(registry.api_keys_used(&asked).await.unwrap(), [used("one", 5_000)]);
    assert_eq!(registry.api_keys_stamp().await.unwrap(), stamp);
}

async fn a_ticket_is_taken_once_and_not_for_long(registry: &dyn Registry) {
    let long = Duration::from_secs(600);
    assert!(registry.keep_ticket("a", &bytes("of one"), long).await.unwrap());
    assert!(registry.keep_ticket("b", &bytes("of two"), long).await.unwrap());
    assert_eq!(registry.take_ticket("a").await.unwrap(), Some(bytes("of one")));
    assert_eq!(registry.take_ticket("a").await.unwrap(), None);
    assert!(registry.keep_ticket("c", &bytes("of three"), Duration::from_millis(1)).await.unwrap());
    pause(Duration::from_millis(5)).await;
    assert_eq!(registry.take_ticket("c").await.unwrap(), None);
    assert_eq!(registry.take_ticket("b").await.unwrap(), Some(bytes("of two")));
    assert!(registry.keep_ticket("d", &vec![0; (8 << 10) + 1].into(), long).await.is_err());
}

const FEW: ApiKeysMax = ApiKeysMax { of_tenant: 2, all: 3 };

async fn so_many_keys_are_kept(registry: &dyn Registry) {
    let add = async |id: &str, tenant: &str, until: i64| {
        registry.add_api_key(&key(id, tenant, until)).await.unwrap()
    };
    assert_eq!(add("a1", "a", 20).await, ApiKeyAdded::Yes);
    assert_eq!(add("a2", "a", LATE).await, ApiKeyAdded::Yes);
    assert_eq!(add("b1", "b", 10).await, ApiKeyAdded::Yes);
    registry.note_api_keys_used(&[("a1".to_owned(), 9)]).await.unwrap();
    // A dead key of the tenant makes room, and not the older one of another.
    let stamp = registry.api_keys_stamp().await.unwrap();
    assert_eq!(add("a3", "a", LATE).await, ApiKeyAdded::Yes);
    assert_ne!(registry.api_keys_stamp().await.unwrap(), stamp);
    assert_eq!(ids(&registry.all_api_keys(None).await.unwrap()), ["a2", "a3", "b1"]);
    assert_eq!(registry.api_keys_used(&["a1".to_owned()]).await.unwrap(), []);
    assert_eq!(add("a4", "a", LATE).await, ApiKeyAdded::TenantFull);
    // Of all, anybody's dead key makes room.
    assert_eq!(add("c1", "c", LATE).await, ApiKeyAdded::Yes);
    assert_eq!(ids(&registry.all_api_keys(None).await.unwrap()), ["a2", "a3", "c1"]);
    assert_eq!(add("b2", "b", LATE).await, ApiKeyAdded::Full);
    // Whose key is changed to be of no use any more has room again.
    let was = key("a2", "a", LATE);
    assert!(registry.change_api_key(&was.record, &key("a2", "a", 1)).await.unwrap());
    assert_eq!(add("a4", "a", LATE).await, ApiKeyAdded::Yes);
    assert_eq!(ids(&registry.all_api_keys(None).await.unwrap()), ["a3", "a4", "c1"]);
}

#[tokio::test]
async fn keys_are_bounded_in_memory() {
    so_many_keys_are_kept(&MemoryRegistry::new().with_api_keys_max(FEW)).await;
}

#[tokio::test]
async fn keys_are_bounded_in_redis() {
    let (server, registry) = redis().await;
    so_many_keys_are_kept(&registry.with_api_keys_max(FEW)).await;
    drop(server);
}

#[tokio::test]
async fn keys_are_bounded_in_a_cluster() {
    let (servers, registry) = cluster().await;
    so_many_keys_are_kept(&registry.with_api_keys_max(FEW)).await;
    drop(servers);
}

fn open(folder: &Scratch) -> MemoryRegistry {
    MemoryRegistry::new().with_api_keys_in(folder.path()).unwrap()
}

#[tokio::test]
async fn keys_in_a_folder_are_as_those_in_memory() {
    let folders = ["kept", "used", "bounds"].map(Scratch::new);
    a_key_is_kept_changed_and_listed(&open(&folders[0])).await;
    uses_are_noted_and_change_nothing_else(&open(&folders[1])).await;
    so_many_keys_are_kept(&open(&folders[2]).with_api_keys_max(FEW)).await;
}

#[tokio::test]
async fn who_has_the_folder_sees_what_others_change_and_finds_it_later() {
    let folder = Scratch::new("shared");
    let (service, command) = (open(&folder), open(&folder));
    let many = (0..20).map(|number| {
        let registry = if number % 2 == 0 { service.clone() } else { open(&folder) };
        async move { registry.add_api_key(&key(&format!("{number:02}"), "acme", LATE)).await.unwrap() }
    });
    // Their files are written by threads, so these are at work at once.
    for added in futures_util::future::join_all(many).await {
        assert_eq!(added, ApiKeyAdded::Yes);
    }
    let stamp = service.api_keys_stamp().await.unwrap();
    assert_eq!(command.all_api_keys(None).await.unwrap().len(), 20, "none was lost to another writer");
    assert!(command.change_api_key(&key("07", "", 0).record, &key("07", "", 5)).await.unwrap());
    assert_ne!(service.api_keys_stamp().await.unwrap(), stamp);
    assert_eq!(service.api_keys(&["07".to_owned()]).await.unwrap()[0].until_ms, 5);
    service.note_api_keys_used(&[("07".to_owned(), 3)]).await.unwrap();
    drop(service);
    assert_eq!(open(&folder).api_keys_used(&["07".to_owned()]).await.unwrap(), [("07".to_owned(), 3)]);

    use std::os::unix::fs::PermissionsExt;
    for name in ["api-keys.json", "api-keys-used.json"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told_and_left_as_it_is() {
    let folder = Scratch::new("broken");
    let registry = open(&folder);
    assert_eq!(registry.add_api_key(&key("one", "acme", LATE)).await.unwrap(), ApiKeyAdded::Yes);
    let path = folder.path().join("api-keys.json");
    std::fs::write(&path, r#"{"stamp":1,"#).unwrap();
    let failed = registry.add_api_key(&key("two", "acme", LATE)).await.unwrap_err();
    assert!(failed.to_string().contains("api-keys.json cannot be read as API keys"), "{failed}");
    assert!(registry.api_keys(&["one".to_owned()]).await.is_err(), "not as if there was none");
    assert!(MemoryRegistry::new().with_api_keys_in(folder.path()).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), r#"{"stamp":1,"#);
}
