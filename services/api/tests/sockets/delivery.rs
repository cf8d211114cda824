//! Owners hear what became of answers that have a receipt.

use std::sync::atomic::Ordering;

use tokio::io::AsyncReadExt;

use crate::backend::{TOKEN, World, eventually};

fn order(call: &str, symbol: &str) -> String {
    format!("/{call}?id={TOKEN}&symbol={symbol}&operation=Buy&volume=0.01")
}

fn words(world: &World) -> Vec<String> {
    world.desk.delivered.lock().unwrap().clone()
}

#[tokio::test]
async fn an_answer_that_was_read_was_written() {
    let world = World::start().await;
    world.desk.market.add_permits(3);
    let reply = world.get(&order("OrderSendSafe", "NEW")).await;
    assert_eq!((reply.status, reply.header("idempotent-replayed")), (200, ""));
    eventually("it is told", || words(&world) == ["receipt of NEW: Written"]).await;
    let reply = world.get(&order("OrderSendSafe", "REPEATED")).await;
    assert_eq!((reply.status, reply.header("idempotent-replayed")), (200, "true"));
    eventually("it is told", || words(&world).len() == 2).await;
    world.get(&order("OrderSend", "PLAIN")).await;
    assert_eq!(words(&world)[1..], ["receipt of REPEATED: Written"], "nothing without a receipt");
}

#[tokio::test]
async fn an_answer_is_lost_when_its_caller_hung_up_before() {
    let world = World::start().await;
    let client = world.begin("GET", &order("OrderSendSafe", "LOST"), &[], "").await;
    eventually("the order is asked for", || !world.desk.asks.lock().unwrap().is_empty()).await;
    drop(client);
    world.get("/Ping").await;
    world.desk.market.add_permits(1);
    eventually("it is told", || words(&world) == ["receipt of LOST: Lost"]).await;
}

#[tokio::test]
async fn an_answer_is_lost_when_its_caller_hung_up_a_moment_before() {
    let world = World::start().await;
    let client = world.begin("GET", &order("OrderSendSafe", "LOST"), &[], "").await;
    eventually("the order is asked for", || !world.desk.asks.lock().unwrap().is_empty()).await;
    // No time for the news to come before the answer is written.
    drop(client);
    world.desk.market.add_permits(1);
    eventually("it is told", || words(&world) == ["receipt of LOST: Lost"]).await;
}

#[tokio::test]
async fn an_answer_is_written_when_all_of_it_has_left() {
    for (reads, word) in [(true, "Written"), (false, "Lost")] {
        let world = World::start().await;
        world.desk.market.add_permits(1);
        let mut client = world.begin("GET", &order("OrderSendSafe", "LARGE"), &[], "").await;
        eventually("the order is done", || world.desk.orders_done.load(Ordering::SeqCst) == 1).await;
        client.read_u8().await.unwrap();
        assert_eq!(words(&world), [""; 0], "the rest has not left");
        if reads {
            let mut rest = vec![0; crate::backend::LARGE];
            client.read_exact(&mut rest).await.unwrap();
        } else {
            drop(client);
        }
        eventually("it is told", || words(&world) == [format!("receipt of LARGE: {word}")]).await;
    }
}
