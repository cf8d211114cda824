//! The call browser, in a real browser.

use testkit::Browser;

use crate::world::World;

#[tokio::test]
async fn the_call_browser_lists_all_calls_without_help_from_outside() {
    let world = World::start().await;
    let browser = Browser::start().await;
    let mut page = browser.open(&format!("http://{}/", world.http.address())).await;
    page.wait("document.querySelectorAll('.opblock').length > 30").await;
    page.wait("document.body.textContent.includes('/OrderSend')").await;
    let own = format!("http://{}/", world.http.address());
    let requests = page.requests().await;
    assert!(requests.len() > 2, "{requests:?}");
    for url in &requests {
        assert!(url.starts_with(&own) || url.starts_with("data:"), "it asked for {url}");
    }
    assert_eq!(page.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_call_can_be_tried_in_the_page() {
    let world = World::start().await;
    let browser = Browser::start().await;
    let mut page = browser.open(&format!("http://{}/index.html", world.http.address())).await;
    let ping = "[...document.querySelectorAll('.opblock')].find((block) => block.querySelector('[data-path=\"/Ping\"]'))";
    page.wait(ping).await;
    page.eval(&format!("{ping}.querySelector('.opblock-summary-control').click()")).await;
    page.wait(&format!("{ping}.querySelector('.execute')")).await;
    page.eval(&format!("{ping}.querySelector('.execute').click()")).await;
    page.wait(&format!("{ping}.querySelector('.live-responses-table')?.textContent.includes('200')")).await;
    assert_eq!(page.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_manual_is_readable_on_a_phone() {
    let world = World::start().await;
    let browser = Browser::start().await;
    let mut page = browser.open_narrow(&format!("http://{}/ReadMe", world.http.address()), 360, 740).await;
    assert!(page.text("body").await.contains("OrderSend"));
    assert_eq!(
        page.eval("getComputedStyle(document.querySelector('h1 small')).opacity").await,
        "0.7",
        "its style"
    );
    assert_eq!(page.complaints().await, Vec::<String>::new());
    assert_eq!(
        page.eval("document.documentElement.scrollWidth <= innerWidth").await,
        true,
        "it scrolls sideways"
    );
}
