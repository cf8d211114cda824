use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use access::{ApiKey, KeyKind, Limits};
use bytes::Bytes;
use registry::{ApiKeyAdded, ApiKeyEntry, KeyManager, MemoryRegistry, NewKey, RegistryError};
use runtime::Tasks;
use tokio::time::advance;

use super::credentials::ShownKey;
use super::keys::AWAY_MAX;
use super::*;

/// A change is known within this time.
const KNOWN: Duration = Duration::from_millis(900);

/// A registry that can be away, and counts look-ups.
#[derive(Default)]
struct Registry {
    keys: MemoryRegistry,
    is_away: AtomicBool,
    lookups: AtomicUsize,
}

impl Registry {
    fn there(&self) -> Result<&MemoryRegistry, RegistryError> {
        let is_away = self.is_away.load(Ordering::SeqCst);
        if is_away { Err(RegistryError("away".to_owned())) } else { Ok(&self.keys) }
    }

    async fn key(&self, limits: Limits) -> ApiKey {
        let tenant = "acme".parse().unwrap();
        let new = NewKey { tenant, kind: KeyKind::Live, scopes: None, limits, days: 1 };
        KeyManager::new(&self.keys).create(new).await.unwrap()
    }
}

#[async_trait::async_trait]
impl ApiKeys for Registry {
    async fn add_api_key(&self, entry: &ApiKeyEntry) -> Result<ApiKeyAdded, RegistryError> {
        self.there()?.add_api_key(entry).await
    }
    async fn api_keys(&self, ids: &[String]) -> Result<Vec<ApiKeyEntry>, RegistryError> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        self.there()?.api_keys(ids).await
    }
    async fn all_api_keys(&self, tenant: Option<&str>) -> Result<Vec<ApiKeyEntry>, RegistryError> {
        self.there()?.all_api_keys(tenant).await
    }
    async fn change_api_key(&self, was: &str, entry: &ApiKeyEntry) -> Result<bool, RegistryError> {
        self.there()?.change_api_key(was, entry).await
    }
    async fn api_keys_stamp(&self) -> Result<u64, RegistryError> {
        self.there()?.api_keys_stamp().await
    }
    async fn note_api_keys_used(&self, used: &[(String, i64)]) -> Result<(), RegistryError> {
        self.there()?.note_api_keys_used(used).await
    }
    async fn api_keys_used(&self, ids: &[String]) -> Result<Vec<(String, i64)>, RegistryError> {
        self.there()?.api_keys_used(ids).await
    }
    async fn keep_ticket(&self, name: &str, content: &Bytes, keep: Duration) -> Result<bool, RegistryError> {
        self.there()?.keep_ticket(name, content, keep).await
    }
    async fn take_ticket(&self, name: &str) -> Result<Option<Bytes>, RegistryError> {
        self.there()?.take_ticket(name).await
    }
}

/// A gate that works, as long as its tasks live.
fn gate(registry: &Arc<Registry>) -> (Gate, Tasks) {
    let keys: Arc<dyn ApiKeys> = Arc::<Registry>::clone(registry);
    let (gate, tasks) = (Gate::guarded(keys, None).unwrap(), Tasks::new());
    let stop = tasks.stop_signal();
    tasks.spawn(gate.work(async move { stop.cancelled().await }).unwrap());
    (gate, tasks)
}

fn shown(key: &ApiKey) -> Credential {
    Credential::Key(ShownKey::of(key))
}

async fn refused(gate: &Gate, key: &ApiKey) -> Refused {
    gate.admit(shown(key), None).await.unwrap_err()
}

/// Lets a time pass in which everybody does his work.
async fn pass(time: Duration) {
    const STEP: Duration = Duration::from_millis(50);
    let mut left = time;
    while !left.is_zero() {
        let step = left.min(STEP);
        advance(step).await;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        left -= step;
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_seen_costs_no_look_up_and_a_change_is_known_within_a_second() {
    let registry = Arc::new(Registry::default());
    let (key, other) = (registry.key(Limits::default()).await, registry.key(Limits::default()).await);
    let fronts = [gate(&registry), gate(&registry)];
    for (gate, _) in &fronts {
        let caller = gate.admit(shown(&key), None).await.unwrap().caller;
        assert_eq!((caller.tenant.as_str(), caller.key.as_deref()), ("acme", Some(key.id().as_str())));
        assert!(!caller.is_operator && caller.scopes.has(Scope::Trade) && !caller.scopes.has(Scope::Admin));
    }
    let before = registry.lookups.load(Ordering::SeqCst);
    for _ in 0..100 {
        fronts[0].0.admit(shown(&key), None).await.unwrap();
    }
    assert_eq!(registry.lookups.load(Ordering::SeqCst), before);
    assert_eq!(refused(&fronts[0].0, &key.rotated()).await, Refused::Unauthorized);
    assert_eq!(refused(&fronts[0].0, &ApiKey::generate(KeyKind::Live)).await, Refused::Unauthorized);

    let held = fronts[0].0.admit(shown(&key), None).await.unwrap();
    let kept = fronts[1].0.admit(shown(&other), None).await.unwrap();
    KeyManager::new(&registry.keys).revoke(key.id()).await.unwrap();
    pass(KNOWN).await;
    for (gate, _) in &fronts {
        assert_eq!(refused(gate, &key).await, Refused::Unauthorized);
        gate.admit(shown(&other), None).await.unwrap();
    }
    assert_eq!(held.over().await, Over::Ended);
    // What was changed of a key counts as soon.
    let edit = |record: &mut access::KeyRecord| record.limits.demo_only = true;
    KeyManager::new(&registry.keys).edit(other.id(), edit).await.unwrap();
    pass(KNOWN).await;
    assert_eq!(kept.over().await, Over::Changed);
    assert!(fronts[0].0.admit(shown(&other), None).await.unwrap().caller.limits.demo_only);
}

#[tokio::test(start_paused = true)]
async fn keys_that_were_seen_go_on_for_a_while_when_the_registry_is_away() {
    let registry = Arc::new(Registry::default());
    let (key, unseen) = (registry.key(Limits::default()).await, registry.key(Limits::default()).await);
    let (gate, _tasks) = gate(&registry);
    let held = gate.admit(shown(&key), None).await.unwrap();
    registry.is_away.store(true, Ordering::SeqCst);
    pass(AWAY_MAX - Duration::from_secs(1)).await;
    gate.admit(shown(&key), None).await.unwrap();
    assert_eq!(refused(&gate, &unseen).await, Refused::Unavailable);
    assert_eq!(refused(&gate, &key.rotated()).await, Refused::Unauthorized, "that is known");
    pass(Duration::from_secs(2)).await;
    assert_eq!(refused(&gate, &key).await, Refused::Unavailable);
    assert_eq!(held.over().await, Over::Unknown);
    // It comes back, and has forgotten nothing.
    registry.is_away.store(false, Ordering::SeqCst);
    pass(KNOWN).await;
    gate.admit(shown(&key), None).await.unwrap();
    gate.admit(shown(&unseen), None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_front_that_has_just_started_refuses_nobody_too_soon() {
    let registry = Arc::new(Registry::default());
    let key = registry.key(Limits::default()).await;
    registry.is_away.store(true, Ordering::SeqCst);
    let (gate, _tasks) = gate(&registry);
    assert_eq!(refused(&gate, &key).await, Refused::Unavailable);
    let (later, ()) = tokio::join!(gate.admit(shown(&key), None), async {
        pass(KNOWN).await;
        registry.is_away.store(false, Ordering::SeqCst);
    });
    later.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_is_good_from_its_networks_only() {
    let registry = Arc::new(Registry::default());
    let networks = ["10.1.0.0/16", "2001:db8::/32", "192.0.2.7"].map(str::to_owned).to_vec();
    let key = registry.key(Limits { networks, ..Limits::default() }).await;
    let unreadable = registry.key(Limits { networks: vec!["home".to_owned()], ..Limits::default() }).await;
    let (gate, _tasks) = gate(&registry);
    for (from, is_good) in [
        (Some("10.1.2.3"), true),
        (Some("::ffff:10.1.2.3"), true),
        (Some("2001:db8:7::1"), true),
        (Some("192.0.2.7"), true),
        (Some("10.2.0.1"), false),
        (Some("2001:db9::1"), false),
        (None, false),
    ] {
        let from = from.map(|text| text.parse().unwrap());
        let admitted = gate.admit(shown(&key), from).await;
        assert_eq!(admitted.is_ok(), is_good, "{from:?}");
        assert_eq!(gate.admit(shown(&unreadable), from).await.unwrap_err(), Refused::Unauthorized);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_lets_one_socket_in_wherever_it_comes_to() {
    let registry = Arc::new(Registry::default());
    let key = registry.key(Limits::default()).await;
    let [(one, _tasks), (other, _more)] = [gate(&registry), gate(&registry)];
    let grant = one.admit(shown(&key), None).await.unwrap();
    let ticket = one.ticket(&grant).await.unwrap();
    let admitted = other.admit(Credential::Ticket(ticket.clone()), None).await.unwrap();
    assert_eq!(admitted.caller, grant.caller);
    for gate in [&one, &other] {
        let again = gate.admit(Credential::Ticket(ticket.clone()), None).await;
        assert_eq!(again.unwrap_err(), Refused::Unauthorized);
    }
    let late = one.ticket(&grant).await.unwrap();
    pass(Duration::from_secs(31)).await;
    assert_eq!(other.admit(Credential::Ticket(late), None).await.unwrap_err(), Refused::Unauthorized);
    // A ticket is worth no more than its key.
    let ticket = one.ticket(&grant).await.unwrap();
    KeyManager::new(&registry.keys).revoke(key.id()).await.unwrap();
    pass(KNOWN).await;
    assert_eq!(other.admit(Credential::Ticket(ticket), None).await.unwrap_err(), Refused::Unauthorized);
    assert_eq!(admitted.over().await, Over::Ended);
}

#[tokio::test(start_paused = true)]
async fn which_keys_are_used_is_noted_now_and_then() {
    let registry = Arc::new(Registry::default());
    let key = registry.key(Limits::default()).await;
    let (gate, tasks) = gate(&registry);
    let ids = [key.id().to_string()];
    gate.admit(shown(&key), None).await.unwrap();
    assert_eq!(registry.keys.api_keys_used(&ids).await.unwrap(), []);
    pass(Duration::from_secs(11)).await;
    assert_eq!(registry.keys.api_keys_used(&ids).await.unwrap().len(), 1);
    let late = registry.key(Limits::default()).await;
    gate.admit(shown(&late), None).await.unwrap();
    assert!(tasks.finish(Duration::from_secs(5)).await);
    assert_eq!(registry.keys.api_keys_used(&[late.id().to_string()]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_shows_nothing_may_call_what_is_for_anyone() {
    let gate = Gate::guarded(Arc::new(MemoryRegistry::new()), None).unwrap();
    let nobody = gate.admit_nobody(Scope::Anyone, false).unwrap().caller;
    assert!(nobody.key.is_none() && nobody.scopes == Scopes::NONE);
    assert_eq!(gate.admit_nobody(Scope::Read, false).unwrap_err(), Refused::Unauthorized);
    // Whether the administrator's key is right is asked by who answers.
    let operator = gate.admit_nobody(Scope::Admin, true).unwrap().caller;
    assert!(operator.scopes == Scopes::NONE.with(Scope::Admin) && !operator.is_operator);
    assert!(Gate::open().admit_nobody(Scope::Trade, false).unwrap().caller.is_local());
    assert!(Gate::open().admit(Credential::Garbage, None).await.unwrap().caller.is_local());
}
