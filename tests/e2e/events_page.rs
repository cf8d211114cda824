//! The page that shows events, in a real browser.

use testkit::{Browser, Page};

use crate::world::{Session, World};

fn page_url(world: &World, session: &Session, kind: &str) -> String {
    format!("http://{}/static/EventsTest.html?id={}&type={kind}", world.http.address(), session.token)
}

async fn connected(page: &mut Page) {
    page.wait("document.getElementById('bar').dataset.state === 'open'").await;
    page.wait("Number(document.getElementById('count').textContent) > 0").await;
}

#[tokio::test]
async fn the_page_shows_account_orders_and_quotes_as_they_change() {
    let world = World::start().await;
    let session = world.login().await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    session.call("SubscribeOrderProfit", "interval=0").await.ok();
    session.open("symbol=EURUSD&operation=Buy&volume=0.1").await;
    let browser = Browser::start().await;
    let mut page = browser.open(&page_url(&world, &session, "Events")).await;
    connected(&mut page).await;
    assert_eq!(page.text("#state").await, "Connected");
    world.control.quote("EURUSD", 1.1051, 1.1052).await.unwrap();
    page.wait("document.getElementById('quotes').textContent.includes('1.1051')").await;
    page.wait("document.getElementById('orders').textContent.includes('50.00')").await;
    page.wait("document.getElementById('account').textContent.includes('10,050.00')").await;
    session.open("symbol=USDJPY&operation=Sell&volume=0.2").await;
    page.wait("document.getElementById('updates').textContent.includes('MarketOpen')").await;
    assert_eq!(page.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn pausing_holds_the_picture_and_clearing_empties_it() {
    let world = World::start().await;
    let session = world.login().await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    let browser = Browser::start().await;
    let mut page = browser.open(&page_url(&world, &session, "OnQuote")).await;
    page.wait("document.getElementById('bar').dataset.state === 'open'").await;
    world.control.quote("EURUSD", 1.3, 1.3001).await.unwrap();
    page.wait("document.getElementById('quotes').textContent.includes('1.3001')").await;
    page.click("#pause").await;
    assert_eq!(page.text("#pause").await, "Resume");
    let before = page.eval("Number(document.getElementById('count').textContent)").await.as_i64().unwrap();
    world.control.quote("EURUSD", 1.4, 1.4001).await.unwrap();
    page.wait(&format!("Number(document.getElementById('count').textContent) > {before}")).await;
    assert!(!page.text("#quotes").await.contains("1.4001"), "paused, but painted");
    page.click("#clear").await;
    assert_eq!((page.text("#quotes").await.as_str(), page.text("#count").await.as_str()), ("", "0"));
    page.click("#pause").await;
    world.control.quote("EURUSD", 1.5, 1.5001).await.unwrap();
    page.wait("document.getElementById('quotes').textContent.includes('1.5001')").await;
}

#[tokio::test]
async fn the_page_fits_a_phone() {
    let world = World::start().await;
    let session = world.login().await;
    session.call("Subscribe", "symbol=EURUSD").await.ok();
    session.open("symbol=EURUSD&operation=Buy&volume=0.1&stoploss=1.05&takeprofit=1.2").await;
    let browser = Browser::start().await;
    let mut page = browser.open_narrow(&page_url(&world, &session, "Events"), 360, 740).await;
    connected(&mut page).await;
    world.control.quote("EURUSD", 1.1051, 1.1052).await.unwrap();
    page.wait("document.getElementById('quotes').textContent.includes('1.1051')").await;
    page.wait("document.getElementById('orders').textContent.includes('EURUSD')").await;
    assert_eq!(page.eval("innerWidth").await, 360);
    assert_eq!(
        page.eval("document.documentElement.scrollWidth <= innerWidth").await,
        true,
        "it scrolls sideways"
    );
}

#[tokio::test]
async fn an_unknown_token_is_shown_and_not_tried_again() {
    let world = World::start().await;
    let browser = Browser::start().await;
    let nobody = Session { http: world.http.clone(), token: "nobody".into() };
    let mut page = browser.open(&page_url(&world, &nobody, "Events")).await;
    page.wait("document.getElementById('bar').dataset.state === 'fail'").await;
    assert!(page.text("#state").await.contains("nobody"), "{}", page.text("#state").await);
}

#[tokio::test]
async fn the_page_comes_back_when_the_service_does() {
    let world = World::start().await;
    let session = world.login().await;
    let browser = Browser::start().await;
    let mut page = browser.open(&page_url(&world, &session, "Events")).await;
    connected(&mut page).await;
    world.stop().await;
    page.wait("document.getElementById('bar').dataset.state === 'wait'").await;
    assert!(page.text("#state").await.contains("Trying again"), "{}", page.text("#state").await);
}
