//! Processes that do not fit the others: sealing keys, clocks.

use std::time::Duration;

use testkit::{Client, eventually};

use crate::world::{FIRST, Part, World, connect_path};

/// Shows another time of day to a process, and the true one to its deadlines (Debian's `faketime`).
pub(crate) fn clock(ahead: &str) -> [(&'static str, String); 3] {
    let architecture = std::env::consts::ARCH;
    let library = format!("/usr/lib/{architecture}-linux-gnu/faketime/libfaketimeMT.so.1");
    assert!(std::path::Path::new(&library).exists(), "faketime is missing: `cargo xtask test` installs it");
    [
        ("LD_PRELOAD", library),
        ("FAKETIME", ahead.to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
}

async fn says(part: &Part, words: &str) {
    let http = Client::new(part.address.clone());
    eventually(&format!("its readiness says: {words}"), async || {
        let reply = http.try_get("/readyz", Duration::from_secs(1)).await?;
        (reply.status == 503 && reply.body.contains(words)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_process_whose_clock_is_an_hour_off_serves_nobody_and_says_so() {
    let mut world = World::start(1, 1).await;
    let session = world.connect(0).await;
    let ticket = session.buy("before").await;
    for (ahead, words) in [("+1h", "s ahead of"), ("-1h", "s behind")] {
        let clock = clock(ahead);
        let clock = clock.each_ref().map(|(name, value)| (*name, value.as_str()));
        let worker = world.worker(&clock).await;
        says(&worker, words).await;
        world.workers.push(worker);
        says(&world.api_with(&clock).await, words).await;
    }
    // What is new goes to the worker whose clock is right, and so does what it has, once it is started anew.
    for number in 1..4 {
        let another = world.connect(number).await;
        assert_eq!(world.owner(&another).await, 0);
    }
    world.workers[0].process.signal("KILL");
    world.workers[0].process.end().await;
    world.workers[0] = world.worker(&[]).await;
    assert_eq!(session.tickets().await, [ticket]);
    assert_eq!(world.owner(&session).await, 0);
    session.buy("after").await;
    for place in [1, 2] {
        says(&world.workers[place], "its clock is").await;
    }
}

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
