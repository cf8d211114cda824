//! Logins, as the cluster allows them.

use crate::world::{ADMIN_KEY, FIRST, World, connect_path};

#[tokio::test]
async fn a_wrong_password_is_not_tried_for_ever_and_the_right_one_still_works() {
    let world = World::start(2, 2).await;
    let wrong = connect_path(FIRST, "wrong", world.broker_addr());
    let mut codes = Vec::new();
    for attempt in 0..5 {
        codes.push(world.http(attempt % 2).get(&wrong).await.refused());
    }
    let (tried, barred) = codes.split_at(3);
    assert!(tried.iter().all(|code| code == "INVALID_ACCOUNT"), "{codes:?}");
    assert!(barred.iter().all(|code| code == "TOO_FREQUENT_FAIL_CONNECT"), "{codes:?}");
    let shown = world.http(0).get(&format!("/LoginGovernor?adminKey={ADMIN_KEY}")).await.ok().json();
    let account = shown.as_array().unwrap().iter().find(|one| one["isAccount"] == true).unwrap();
    assert_eq!((&account["refusals"], &account["isBarred"]), (&3.into(), &true.into()), "{account}");
    assert!(account["name"].as_str().unwrap().ends_with(&FIRST.to_string()), "{account}");
    let session = world.connect(0).await;
    assert!(session.tickets().await.is_empty());
}
