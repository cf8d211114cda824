//! Guards of accounts, whoever owns their sessions.

use crate::world::World;

const FORM: &str = "application/x-www-form-urlencoded";
const BUY: &str = "symbol=EURUSD&operation=Buy&volume=0.01";

#[tokio::test]
async fn what_has_tripped_stays_so_with_the_next_owner_and_at_every_front() {
    let mut world = World::start(2, 2).await;
    let session = world.connect(0).await;
    let ticket = session.buy("before").await;
    world.http(0).post(&session.path("KillSwitch", ""), FORM, "").await.ok();
    let owner = world.owner(&session).await;
    for is_killed in [false, true] {
        if is_killed {
            world.workers[owner].process.signal("KILL");
            world.workers[owner].process.end().await;
        }
        for front in 0..2 {
            let refused = world.at(front, &session).call("OrderSend", BUY).await;
            assert_eq!(refused.refused(), "GUARD_TRIPPED", "killed: {is_killed}, front {front}");
        }
    }
    assert_ne!(world.owner(&session).await, owner);
    assert_eq!(session.tickets().await, [ticket]);
    session.json("OrderClose", &format!("ticket={ticket}")).await;
    world.http(1).post(&session.path("ResetGuards", ""), FORM, "").await.ok();
    session.buy("after").await;
}
