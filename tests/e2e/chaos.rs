//! A cable that breaks again and again while orders are sent.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use testkit::{Cable, eventually};

use crate::world::{Session, USD, World, ticket};

/// Orders sent, one after the other.
const ORDERS: usize = 12;

/// An order of which so long nobody could tell what became of it was most likely lost on its way. It is not sent again.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(20);

/// Sends an order under its key until it is known to be done; answers its ticket. `None`: nobody can tell.
async fn insist(session: &Session, key: usize) -> Option<u64> {
    let query = format!("symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey=order-{key}");
    let begun = Instant::now();
    eventually(&format!("order {key} is done"), async || {
        let reply = session.call("OrderSend", &query).await;
        let is_lost = reply.header("x-outcome") == "unknown" && begun.elapsed() >= GIVEN_UP_AFTER;
        match reply.status {
            200 => Some(Some(ticket(&reply.json()))),
            _ => is_lost.then_some(None),
        }
    })
    .await
}

#[tokio::test]
async fn orders_under_keys_come_through_a_bad_cable_once_each() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    let (mut tickets, mut unknown) = (BTreeSet::new(), 0);
    for key in 0..ORDERS {
        // Cut at another moment each time: before the order has left, on its way, on the way back, after.
        let cut = async {
            for _ in 0..key * 3 {
                tokio::task::yield_now().await;
            }
            cable.cut().await;
            cable.plug();
            session.call("CheckConnect", "").await.ok();
        };
        match tokio::join!(insist(&session, key), cut).0 {
            Some(number) => {
                assert!(tickets.insert(number), "order {key} was told to be another one's position");
            }
            None => unknown += 1,
        }
    }
    assert!(tickets.len() > ORDERS / 2, "most orders come through");
    let own = world.control.account(USD).await.unwrap();
    let possible = tickets.len()..=tickets.len() + unknown;
    assert!(
        possible.contains(&own.positions),
        "an order was doubled or lost: {} of {possible:?}",
        own.positions
    );
    let open: BTreeSet<u64> = session.tickets().await.into_iter().collect();
    assert!(open.len() == own.positions && open.is_superset(&tickets), "{open:?} are not {tickets:?}");
}
