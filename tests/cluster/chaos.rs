//! The central test: thirty sessions under random trading by eight clients, while workers, fronts and Redis are killed and
//! paused at random for a minute. Then every client's view, the journal and the broker's books must agree.

mod books;
mod follower;
mod monkey;
mod trader;

use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use runtime::Tasks;
use testkit::{Client, Redis, eventually, pause};
use tokio::sync::watch;
use tokio::time::Instant;

use self::books::Books;
use self::follower::Follower;
use self::monkey::Monkey;
use self::trader::Trader;
use crate::world::{FIRST, Session, World};

const SESSIONS: u64 = 30;
const CLIENTS: usize = 8;
const APIS: usize = 2;
const WORKERS: usize = 3;
/// Sessions whose order updates are followed.
const FOLLOWED: usize = 8;
/// How long everything is disturbed.
const TROUBLE: Duration = Duration::from_secs(60);
/// The same troubles and trades each time, but for the machine's own timing; another one by the environment.
const SEED: u64 = 4;

/// Where the fronts are at the moment: some may be away, others have come.
pub(crate) type Fronts = watch::Receiver<Vec<String>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_doubled_or_lost_while_everything_is_killed_and_paused() {
    let seed = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    println!("CHAOS_SEED={seed}");
    let redis = Redis::start().await;
    let url = redis.url();
    let mut world = World::empty(redis, url, SESSIONS).await;
    for _ in 0..WORKERS {
        world.workers.push(world.worker(&[]).await);
    }
    for _ in 0..APIS {
        world.apis.push(world.api().await);
    }
    world.is_ready().await;
    let mut sessions = Vec::new();
    for number in 0..SESSIONS {
        sessions.push(world.connect_at(0, FIRST + number, world.broker_addr()).await);
    }
    let addresses = world.apis.iter().map(|part| part.address.clone()).collect();
    let (told, fronts) = watch::channel(addresses);

    let tasks = Tasks::new();
    let followers: Vec<Arc<Follower>> =
        sessions.iter().take(FOLLOWED).map(|session| Follower::start(&tasks, session, &fronts)).collect();
    for follower in &followers {
        eventually("the follower listens", async || follower.listens().then_some(())).await;
    }
    let begun = Instant::now();
    let end = begun + TROUBLE;
    let traders: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let own = sessions.iter().skip(number).step_by(CLIENTS).cloned().collect();
            let random = ChaCha8Rng::seed_from_u64(seed ^ (number as u64 + 1));
            tasks.spawn(Trader::new(number, own, fronts.clone(), random).trade(end))
        })
        .collect();
    let quotes = tasks.spawn(quote(world.control.clone(), tasks.clone()));
    Monkey::new(&mut world, told, ChaCha8Rng::seed_from_u64(seed)).play(end).await;

    let mut books = Books::default();
    for trader in traders {
        books.add(trader.await.expect("a trader does not panic"));
    }
    quotes.abort();
    println!("{:5.1} s: all clients are done", begun.elapsed().as_secs_f64());
    all_answer(&sessions, &fronts).await;
    println!("{:5.1} s: all tokens answer", begun.elapsed().as_secs_f64());
    books.compare(&world, &sessions, &fronts, &followers).await;
    tasks.finish(Duration::from_secs(10)).await;
}

/// Prices move all the time.
async fn quote(control: broker::Control, tasks: Tasks) {
    let stop = tasks.stop_signal();
    for step in 0_u32.. {
        let bid = 1.1 + f64::from(step % 200) / 1e5;
        if stop.is_cancelled() || control.quote("EURUSD", bid, bid + 1e-4).await.is_err() {
            return;
        }
        pause(Duration::from_millis(100)).await;
    }
}

/// Waits until every token answers through every front.
async fn all_answer(sessions: &[Session], fronts: &Fronts) {
    let addresses = fronts.borrow().clone();
    for address in addresses {
        let http = Client::new(address);
        for session in sessions {
            eventually("every token answers again", async || {
                let path = session.path("OpenedOrdersTickets", "");
                let reply = http.try_get(&path, Duration::from_secs(20)).await?;
                (reply.status == 200).then_some(())
            })
            .await;
        }
    }
}
