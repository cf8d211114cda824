//! Kills and pauses processes.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use testkit::pause;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::world::{World, is_ready};

/// See the module.
pub(super) struct Monkey<'a> {
    world: &'a mut World,
    fronts: watch::Sender<Vec<String>>,
    random: ChaCha8Rng,
    begun: Instant,
}

impl<'a> Monkey<'a> {
    pub(super) fn new(world: &'a mut World, fronts: watch::Sender<Vec<String>>, random: ChaCha8Rng) -> Self {
        Self { world, fronts, random, begun: Instant::now() }
    }

    /// Disturbs until the end, and leaves everything running.
    pub(super) async fn play(mut self, end: Instant) {
        while Instant::now() < end {
            match self.below(10) {
                0..=2 => self.kill_worker().await,
                3..=4 => self.pause_worker().await,
                5 => self.drain_worker().await,
                6..=7 => self.kill_front().await,
                8 => self.kill_redis().await,
                _ => self.pause_redis().await,
            }
            self.rest(500, 4000).await;
        }
        self.say("all run, workers", self.world.workers.len());
        self.world.is_ready().await;
        self.say("all are ready, workers", self.world.workers.len());
    }

    /// For whoever has to find out what happened.
    fn say(&self, what: &str, place: usize) {
        println!("{:5.1} s: {what} {place}", self.begun.elapsed().as_secs_f64());
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.next_u64() % most
    }

    async fn rest(&mut self, least_ms: u64, most_ms: u64) {
        let span = least_ms + self.below(most_ms - least_ms);
        pause(Duration::from_millis(span)).await;
    }

    fn some_worker(&mut self) -> usize {
        let count = self.world.workers.len() as u64;
        usize::try_from(self.below(count)).unwrap()
    }

    async fn kill_worker(&mut self) {
        let place = self.some_worker();
        self.say("kill worker", place);
        self.world.workers[place].process.signal("KILL");
        self.replace_worker(place).await;
    }

    async fn drain_worker(&mut self) {
        let place = self.some_worker();
        self.say("drain worker", place);
        self.world.workers[place].process.signal("TERM");
        self.replace_worker(place).await;
    }

    async fn replace_worker(&mut self, place: usize) {
        self.rest(0, 3000).await;
        let next = self.world.worker(&[]).await;
        let mut before = std::mem::replace(&mut self.world.workers[place], next);
        before.process.end().await;
        is_ready(&self.world.workers[place]).await;
    }

    /// Sometimes for less than its lease, sometimes for more.
    async fn pause_worker(&mut self) {
        let place = self.some_worker();
        self.say("pause worker", place);
        self.world.workers[place].process.signal("STOP");
        self.rest(500, 9000).await;
        self.world.workers[place].process.signal("CONT");
    }

    async fn kill_front(&mut self) {
        let count = self.world.apis.len() as u64;
        let place = usize::try_from(self.below(count)).unwrap();
        self.say("kill front", place);
        self.world.apis[place].process.signal("KILL");
        self.rest(0, 1000).await;
        self.world.apis[place] = self.world.api().await;
        let addresses = self.world.apis.iter().map(|part| part.address.clone()).collect();
        self.fronts.send_replace(addresses);
    }

    async fn kill_redis(&mut self) {
        self.say("kill Redis", 0);
        self.world.redis.kill();
        self.rest(0, 3000).await;
        self.world.redis.restart().await;
    }

    async fn pause_redis(&mut self) {
        self.say("pause Redis", 0);
        self.world.redis.pause();
        self.rest(200, 4000).await;
        self.world.redis.resume();
    }
}
