//! A cable that breaks again and again while orders are sent.

use std::collections::BTreeSet;

use testkit::{Cable, eventually};

use crate::world::{Session, USD, World, ticket};

/// Orders sent, one after the other.
const ORDERS: usize = 12;

/// Sends an order under its key until it is known to be done; answers its ticket.
async fn insist(session: &Session, key: usize) -> u64 {
    let query = format!("symbol=EURUSD&operation=Buy&volume=0.01&idempotencyKey=order-{key}");
    eventually(&format!("order {key} is done"), async || {
        let reply = session.call("OrderSend", &query).await;
        (reply.status == 200).then(|| ticket(&reply.json()))
    })
    .await
}

#[tokio::test]
async fn orders_under_keys_come_through_a_bad_cable_once_each() {
    let world = World::start().await;
    let cable = Cable::to(world.broker_addr).await;
    let session = world.login_at(USD, cable.addr()).await;
    let mut tickets = BTreeSet::new();
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
        let (number, ()) = tokio::join!(insist(&session, key), cut);
        assert!(tickets.insert(number), "order {key} was told to be another one's position");
    }
    let own = world.control.account(USD).await.unwrap();
    assert_eq!(own.positions, ORDERS, "an order was doubled or lost");
    assert_eq!(session.tickets().await.into_iter().collect::<BTreeSet<_>>(), tickets);
}
