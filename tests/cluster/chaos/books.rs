//! What clients know, compared with what the broker has, the journals, and what was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use registry::{Journal, RedisRegistry};
use serde_json::Value;
use testkit::{Client, Process, eventually, eventually_within};

use super::Fronts;
use super::follower::Follower;
use super::trader::{Account, Diary};
use crate::world::{ADMIN_KEY, Session, World, connect_path};

/// Everything that clients know.
#[derive(Default)]
pub(super) struct Books(BTreeMap<u64, Account>);

/// The account as the broker has it.
struct Truth {
    /// Tickets of open positions.
    open: BTreeSet<u64>,
    /// Position tickets of opening deals, by the comment of their order.
    opened: Vec<(String, u64)>,
    /// Positions that were closed.
    closed: Vec<u64>,
    /// Orders that have made a deal.
    orders: BTreeSet<u64>,
}

impl Books {
    pub(super) fn add(&mut self, diary: Diary) {
        self.0.extend(diary.accounts.into_iter().map(|account| (account.login, account)));
    }

    /// Fails unless all agree.
    pub(super) async fn compare(
        &self,
        world: &World,
        sessions: &[Session],
        fronts: &Fronts,
        followers: &[Arc<Follower>],
    ) {
        let http = Client::new(fronts.borrow()[0].clone());
        one_owner_each(&http, sessions).await;
        // A service of its own, which has nothing to do with the cluster.
        let args = ["--listen", "127.0.0.1:0", "--no-broker"];
        let mut auditor = Process::start(env!("CARGO_BIN_EXE_mt5rest"), &args, &[]);
        let auditor_http = Client::new(auditor.says("listening on http://").await);
        let journals = RedisRegistry::connect(&world.redis.url()).unwrap();
        let (mut orders, mut unknown) = (0, 0);
        for session in sessions {
            let truth = Truth::of(&auditor_http, session, world).await;
            let known = &self.0[&session.account];
            agrees(known, &truth);
            let shown = Session { http: http.clone(), ..session.clone() }.tickets().await;
            assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), truth.open, "{}", session.account);
            journal_agrees(&journals, session, &truth).await;
            orders += truth.opened.len();
            unknown += known.unknown.len() + known.perhaps_closed.len();
            if let Some(follower) = followers.iter().find(|one| one.account() == session.account) {
                heard_all(follower, &truth).await;
            }
        }
        println!("{orders} orders done, {unknown} outcomes unknown to their clients");
        assert!(orders > sessions.len(), "something was traded");
    }
}

/// Every token is at one worker, and none is lost.
async fn one_owner_each(http: &Client, sessions: &[Session]) {
    let path = format!("/ConnectionStatusAll?adminKey={ADMIN_KEY}");
    let wanted: BTreeSet<&str> = sessions.iter().map(|session| session.token.as_str()).collect();
    // A worker that was stopped and continued may not have let go yet of what it does not own.
    eventually("each session is at one worker", async || {
        let reply = http.get(&path).await;
        if reply.status != 200 {
            return None;
        }
        let all = reply.json();
        let ids: Vec<&str> = all.as_array()?.iter().filter_map(|one| one["id"].as_str()).collect();
        let distinct: BTreeSet<&str> = ids.iter().copied().collect();
        (ids.len() == wanted.len() && distinct == wanted).then_some(())
    })
    .await;
}

impl Truth {
    async fn of(auditor: &Client, session: &Session, world: &World) -> Self {
        let path = connect_path(session.account, "demo", world.broker_addr());
        let token = auditor.get(&path).await.ok().body;
        let auditor = Session { http: auditor.clone(), token, account: session.account };
        let history = auditor.json("OrderHistory", "from=2000-01-01&to=2100-01-01").await;
        let open = auditor.tickets().await.into_iter().collect();
        let deals = history["internalDeals"].as_array().unwrap();
        let position = |deal: &Value| deal["positionTicket"].as_u64().unwrap();
        let of_direction = |direction: &str| -> Vec<&Value> {
            deals.iter().filter(|deal| deal["direction"] == direction && position(deal) != 0).collect()
        };
        let comment = |deal: &Value| deal["comment"].as_str().unwrap_or_default().to_owned();
        let opened = of_direction("In").into_iter().map(|deal| (comment(deal), position(deal))).collect();
        let closed = of_direction("Out").into_iter().map(position).collect();
        let orders = deals.iter().filter_map(|deal| deal["orderTicket"].as_u64()).collect();
        Self { open, opened, closed, orders }
    }
}

/// What a client was told has happened, once; and nothing else has but what nobody could tell.
fn agrees(known: &Account, truth: &Truth) {
    let login = known.login;
    let mut by_key: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (key, ticket) in &truth.opened {
        by_key.entry(key).or_default().push(*ticket);
    }
    for (key, tickets) in &by_key {
        assert_eq!(tickets.len(), 1, "{login}: order {key} was doubled");
    }
    for (key, ticket) in &known.opened {
        assert_eq!(
            by_key.get(key.as_str()),
            Some(&vec![*ticket]),
            "{login}: order {key} was lost or another's"
        );
    }
    let told: BTreeSet<&str> = known.opened.iter().map(|(key, _)| key.as_str()).collect();
    for key in by_key.keys().filter(|key| !told.contains(*key)) {
        let told: Vec<&String> = known.refused.iter().filter(|told| told.contains(*key)).collect();
        assert!(
            known.unknown.contains(*key),
            "{login}: order {key} was done behind its client's back, who was told {told:?}"
        );
    }
    let closed: BTreeSet<u64> = truth.closed.iter().copied().collect();
    assert_eq!(closed.len(), truth.closed.len(), "{login}: something was closed twice");
    assert!(known.closed.is_subset(&closed), "{login}: a close was lost: {:?}", known.closed);
    for ticket in closed.difference(&known.closed) {
        let told: Vec<&String> =
            known.refused.iter().filter(|told| told.contains(&ticket.to_string())).collect();
        assert!(
            known.perhaps_closed.contains(ticket),
            "{login}: {ticket} was closed behind its client's back, who was told {told:?}"
        );
    }
}

/// What left no trace is looked for on for three minutes, in pauses of up to one.
const DECIDED_WITHIN: Duration = Duration::from_mins(5);

/// No request is open in the journal, and what it says to be done was done, once.
async fn journal_agrees(journals: &RedisRegistry, session: &Session, truth: &Truth) {
    let account = session.account;
    eventually_within(DECIDED_WITHIN, "nothing is open in the journal", async || {
        journals.unsettled(&session.token).await.ok()?.is_empty().then_some(())
    })
    .await;
    let mut done = BTreeSet::new();
    for (number, _, outcome) in journals.journal(&session.token).await.unwrap() {
        let Some(outcome) = outcome else { continue };
        let outcome: Value = serde_json::from_slice(&outcome).unwrap();
        if outcome["outcome"] == "done" {
            done.insert((number, outcome["order"].as_u64().unwrap()));
        }
    }
    for (number, order) in &done {
        let is_there = truth.orders.contains(order);
        assert!(is_there, "{account}: journal entry {number} names order {order}, which is nowhere");
    }
}

/// A follower has heard of everything, once and in order.
async fn heard_all(follower: &Follower, truth: &Truth) {
    let account = follower.account();
    eventually("the follower has heard everything", async || {
        let heard = follower.heard();
        (heard.opened.len() >= truth.opened.len() && heard.closed.len() >= truth.closed.len()).then_some(())
    })
    .await;
    let heard = follower.heard();
    let opened: Vec<u64> = truth.opened.iter().map(|(_, ticket)| *ticket).collect();
    let sorted = |mut list: Vec<u64>| {
        list.sort_unstable();
        list
    };
    assert_eq!(sorted(heard.opened.clone()), sorted(opened), "{account}: opened, as it was told");
    assert_eq!(
        sorted(heard.closed.clone()),
        sorted(truth.closed.clone()),
        "{account}: closed, as it was told"
    );
}
