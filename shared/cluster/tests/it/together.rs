//! Router, workers and the real registry of one process: an owner dies, and calls and streams go on at the next one.

use std::sync::Arc;
use std::time::Duration;

use access::Caller;
use bus::{Backend, Frame, Interest, Position, Subscription, Topic, Topics};
use bytes::Bytes;
use cluster::{Router, RouterSettings};
use futures_util::FutureExt;
use registry::{
    AccountName, Beat, Events, Fence, MemoryRegistry, Opened, Sessions, WorkerId, Workers, Written,
};
use runtime::Tasks;
use testkit::in_time;

use crate::fake_owner::{Worker, ask, key, said, until};

async fn join(registry: &MemoryRegistry, worker: &Worker) -> WorkerId {
    let id = WorkerId::new(worker.name.as_str());
    let beat = Beat {
        worker: id.clone(),
        address: worker.address.clone(),
        sessions: 0,
        sessions_max: 10,
        is_open: true,
        brokers: Vec::new(),
        ttl: Duration::from_secs(3600),
    };
    registry.join(&beat).await.unwrap();
    id
}

async fn tell(registry: &MemoryRegistry, fence: Fence, offset: u64, text: &'static str) {
    let at = Position { epoch: fence.0, offset };
    let frame = Frame::new(Topic::OrderUpdate, None, text.into()).at(at);
    assert_eq!(registry.append("t", fence, &[frame], &Bytes::new()).await.unwrap(), Written::Yes);
}

async fn gets(reader: &mut Subscription, wanted: &[&str]) {
    for wanted in wanted {
        assert_eq!(in_time("a frame", reader.next()).await.unwrap().text, *wanted);
    }
}

#[tokio::test]
async fn calls_and_streams_go_on_at_the_next_owner() {
    let (tasks, registry) = (Tasks::new(), MemoryRegistry::new());
    let (first, second) = (Worker::alone(&tasks, "first").await, Worker::alone(&tasks, "second").await);
    let (one, two) = (join(&registry, &first).await, join(&registry, &second).await);
    let account = AccountName::new("tenant/server/1");
    let Opened::Yes(fence) = registry.open("t", &account, &one, &Bytes::new()).await.unwrap() else {
        panic!("the token is taken")
    };
    assert_eq!(registry.opened("t", fence, &Bytes::new()).await.unwrap(), Written::Yes);
    tell(&registry, fence, 1, "before").await;

    let router = Router::new(Arc::new(registry.clone()), &key(), RouterSettings::new("api"), &tasks);
    let since = Some(Position { epoch: fence.0, offset: 0 });
    let interest = Interest { since, ..Topics::ALL.into() };
    let mut reader = router.subscribe("t", interest, &Caller::local()).await.unwrap();
    assert!(!reader.is_cut());
    tell(&registry, fence, 2, "now").await;
    gets(&mut reader, &["before", "now"]).await;
    assert_eq!(said(&router.ask(ask("OpenedOrders", &[("id", "t")])).await), "[\"first\"]");
    until("the owner knows", || first.owner.interest().is_some_and(|(_, all, _)| all.len() == 1)).await;

    let (claiming, from) = (registry.clone(), one.clone());
    second.owner.on_adopt(move |token| {
        claiming.claim(token, &from, &two).now_or_never().unwrap().unwrap().unwrap();
        claiming.tell_changed(token).now_or_never().unwrap().unwrap();
    });
    first.stop.cancel();
    in_time("the first worker stops", first.done).await.unwrap();
    registry.leave(&one).await.unwrap();
    assert_eq!(said(&router.ask(ask("OrderSend", &[("id", "t")])).await), "[\"second\"]");
    let fence = registry.record("t").await.unwrap().unwrap().fence;
    tell(&registry, fence, 1, "after").await;
    gets(&mut reader, &["after"]).await;
    until("the heir knows", || second.owner.interest().is_some_and(|(_, all, _)| all.len() == 1)).await;
    assert_eq!(*second.owner.deeds.lock().unwrap(), ["adopt t"]);
    in_time("the end", router.shutdown()).await;
}
