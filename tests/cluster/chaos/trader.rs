//! A client that opens and closes positions, and insists until it knows what became of each order.

use std::collections::BTreeSet;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use serde_json::Value;
use testkit::{Client, Reply, pause};
use tokio::time::Instant;

use super::Fronts;
use crate::world::Session;

/// A call is given up after this, and made again under its key.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long an order is insisted upon.
const INSISTENCE: Duration = Duration::from_secs(90);

/// What takes longer is worth a line.
const SLOW: Duration = Duration::from_secs(30);

/// What a client knows at the end.
#[derive(Debug, Default)]
pub(super) struct Diary {
    /// By place of the session among the trader's: account, what it has open, and what it has closed.
    pub(super) accounts: Vec<Account>,
}

/// What a client knows of an account.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) login: u64,
    /// Key and ticket of orders that were told to be done.
    pub(super) opened: Vec<(String, u64)>,
    /// Tickets that were told to be closed.
    pub(super) closed: BTreeSet<u64>,
    /// Keys of orders of which nobody could tell what became of them.
    pub(super) unknown: BTreeSet<String>,
    /// Tickets whose close nobody could tell about.
    pub(super) perhaps_closed: BTreeSet<u64>,
    /// What was told of orders that were not done, for whoever has to find out why one was.
    pub(super) refused: Vec<String>,
}

/// See the module.
pub(super) struct Trader {
    number: usize,
    sessions: Vec<Session>,
    fronts: Fronts,
    random: ChaCha8Rng,
    diary: Diary,
}

/// What became of an order.
enum Told {
    Done(Value),
    /// The server said no, or it was never sent and will not be.
    Refused(String),
    Unknown,
}

impl Trader {
    pub(super) fn new(number: usize, sessions: Vec<Session>, fronts: Fronts, random: ChaCha8Rng) -> Self {
        let account = |session: &Session| Account { login: session.account, ..Account::default() };
        let diary = Diary { accounts: sessions.iter().map(account).collect() };
        Self { number, sessions, fronts, random, diary }
    }

    /// Trades until the end, and answers what it knows.
    pub(super) async fn trade(mut self, end: Instant) -> Diary {
        for round in 0_u32.. {
            if Instant::now() >= end {
                break;
            }
            let place = self.below(self.sessions.len());
            let key = format!("c{}-{round}", self.number);
            let open: Vec<u64> = self.diary.accounts[place].open();
            if open.len() > 3 || (!open.is_empty() && self.below(3) == 0) {
                let ticket = open[self.below(open.len())];
                self.close(place, ticket, &key).await;
            } else {
                self.open(place, &key).await;
            }
            let thinking = self.below(300);
            pause(Duration::from_millis(thinking as u64)).await;
        }
        self.diary
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.random.next_u64() % most as u64).unwrap()
    }

    async fn open(&mut self, place: usize, key: &str) {
        let side = if self.below(2) == 0 { "Buy" } else { "Sell" };
        let query = format!("symbol=EURUSD&operation={side}&volume=0.01&comment={key}&idempotencyKey={key}");
        match self.insist(place, "OrderSend", &query).await {
            Told::Done(order) => {
                let ticket = order["ticket"].as_u64().unwrap();
                self.diary.accounts[place].opened.push((key.to_owned(), ticket));
            }
            Told::Refused(told) => self.diary.accounts[place].refused.push(told),
            Told::Unknown => drop(self.diary.accounts[place].unknown.insert(key.to_owned())),
        }
    }

    async fn close(&mut self, place: usize, ticket: u64, key: &str) {
        let query = format!("ticket={ticket}&idempotencyKey={key}");
        match self.insist(place, "OrderClose", &query).await {
            Told::Done(order) => {
                assert_eq!(order["ticket"], ticket, "{order}");
                self.diary.accounts[place].closed.insert(ticket);
            }
            Told::Refused(told) => self.diary.accounts[place].refused.push(told),
            Told::Unknown => drop(self.diary.accounts[place].perhaps_closed.insert(ticket)),
        }
    }

    /// Makes a call under its key again and again until it is known what became of it.
    async fn insist(&mut self, place: usize, name: &str, query: &str) -> Told {
        let give_up = Instant::now() + INSISTENCE;
        let (mut last, mut told) = (None, vec![format!("{name} {query}")]);
        while Instant::now() < give_up {
            let Some(reply) = self.ask(place, name, query).await else {
                told.push("no reply".to_owned());
                continue;
            };
            match (reply.status, reply.header("x-outcome")) {
                (200, _) => {
                    say_if_slow(give_up, &told);
                    return Told::Done(reply.json());
                }
                (_, "rejected") => {
                    told.push(reply.body);
                    say_if_slow(give_up, &told);
                    return Told::Refused(told.join(" / "));
                }
                // Under its key it may be repeated.
                (_, outcome) => {
                    let line = format!("{outcome}: {}", reply.body);
                    if told.last() != Some(&line) {
                        told.push(line);
                    }
                    last = Some(reply);
                }
            }
            let thinking = 100 + self.below(400);
            pause(Duration::from_millis(thinking as u64)).await;
        }
        say_if_slow(give_up, &told);
        match last {
            Some(reply) if reply.header("x-outcome") == "not_sent" => Told::Refused(told.join(" / ")),
            _ => Told::Unknown,
        }
    }

    /// Asks any front. `None`: it was away, or gave no whole reply.
    async fn ask(&mut self, place: usize, name: &str, query: &str) -> Option<Reply> {
        let addresses = self.fronts.borrow().clone();
        let address = addresses[self.below(addresses.len())].clone();
        let path = self.sessions[place].path(name, query);
        let reply = Client::new(address).try_get(&path, PATIENCE).await;
        if reply.is_none() {
            pause(Duration::from_millis(50)).await;
        }
        reply
    }
}

/// Says what a client was told that had to insist for long.
fn say_if_slow(give_up: Instant, told: &[String]) {
    if give_up < Instant::now() + (INSISTENCE - SLOW) {
        println!("slow: {}", told.join(" / "));
    }
}

impl Account {
    /// What it has open, as far as it knows.
    pub(super) fn open(&self) -> Vec<u64> {
        let gone = |ticket: &u64| self.closed.contains(ticket) || self.perhaps_closed.contains(ticket);
        self.opened.iter().map(|(_, ticket)| *ticket).filter(|ticket| !gone(ticket)).collect()
    }
}
