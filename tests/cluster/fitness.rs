//! Workers that cannot serve what others have made.

use std::time::Duration;

use testkit::{Client, eventually};

use crate::world::{FIRST, World, connect_path};

#[tokio::test]
async fn a_worker_with_a_wrong_sealing_key_takes_nothing_and_says_so() {
    let wrong = [
        // The name of the others' key, and another name.
        "test:AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "other:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ];
    let mut world = World::start(1, 1).await;
    let session = world.connect(0).await;
    let ticket = session.buy("before").await;
    for keys in wrong {
        let worker = world.worker(&[("MT5REST_SEALING_KEYS", keys)]).await;
        world.workers.push(worker);
    }
    let says_why = async |world: &World, place: usize| {
        let part = &world.workers[place];
        let http = Client::new(part.address.clone());
        eventually("its readiness says why it takes no sessions", async || {
            let reply = http.try_get("/readyz", Duration::from_secs(1)).await?;
            (reply.status == 503 && reply.body.contains("cannot open")).then_some(())
        })
        .await;
        assert!(part.process.stderr().contains("this worker takes no sessions"), "{}", part.process.stderr());
    };
    for place in [1, 2] {
        says_why(&world, place).await;
    }
    // The good one dies: its session waits for another good one.
    world.workers[0].process.signal("KILL");
    world.workers[0].process.end().await;
    let next = world.worker(&[]).await;
    world.workers[0] = next;
    assert_eq!(session.tickets().await, [ticket]);
    assert_eq!(world.owner(&session).await, 0);
    // New sessions go there as well, though the others have room.
    for number in 1..4 {
        let another =
            world.http(0).get(&connect_path(FIRST + number, "demo", world.broker_addr())).await.ok();
        let another =
            crate::world::Session { token: another.body, account: FIRST + number, ..session.clone() };
        assert_eq!(world.owner(&another).await, 0);
    }
    for place in [1, 2] {
        says_why(&world, place).await;
    }
}
