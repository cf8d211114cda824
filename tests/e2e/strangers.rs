//! What those may not have whom nobody has let in: pages of other sites, callers without the administrator's key.

use testkit::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::binary::start_binary;
use crate::world::{World, manual};

/// What a browser adds to the request of a page.
const FOREIGN: [(&str, &str); 2] = [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")];
const OWN: [(&str, &str); 1] = [("Sec-Fetch-Site", "same-origin")];

#[tokio::test]
async fn pages_of_other_sites_do_not_search_the_network_through_a_standalone() {
    let open = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = open.local_addr().unwrap().port();
    let ping = format!("/PingHost?host=127.0.0.1&port={port}");
    let (mut process, http) = start_binary(&[]).await;
    let url = process.says("  Connect          http://").await;
    let connect = url.strip_prefix(http.address()).unwrap();
    for path in [ping.as_str(), connect] {
        for headers in [&FOREIGN[..], &FOREIGN[1..]] {
            let refused = http.get_with(path, headers).await;
            assert_eq!((refused.status, &refused.json()["code"]), (403, &"NOT_PERMISSION".into()), "{path}");
        }
        for headers in [&[][..], &OWN] {
            http.get_with(path, headers).await.ok();
        }
    }
    http.get_with("/Search?company=mt5rest", &FOREIGN).await.ok();
    // A page whose name leads to this machine since it was loaded says that it is of this site.
    for (host, status) in [("evil.example", 403), ("localhost", 200)] {
        let mut socket = TcpStream::connect(http.address()).await.unwrap();
        let head = format!(
            "GET {ping} HTTP/1.1\r\nHost: {host}:5000\r\nUser-Agent: Mozilla/5.0\r\nConnection: close\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }

    let (_process, allowed): (_, Client) = start_binary(&["--cross-site-dials"]).await;
    allowed.get_with(&ping, &FOREIGN).await.ok();
}

#[tokio::test]
async fn what_is_the_administrators_is_refused_to_others() {
    let settings = worker::Settings { admin_key: None, ..worker::Settings::default() };
    let world = World::build(manual(), settings, api::Settings::default()).await;
    let document = world.http.get("/swagger/v1/swagger.json").await.ok().json();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let (method, call) = methods.as_object().unwrap().iter().next().unwrap();
        let parameters = call["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        if parameters.iter().all(|parameter| parameter["name"] != "adminKey") {
            continue;
        }
        for key in ["", "?adminKey=0123456789abcdef"] {
            let method = method.to_ascii_uppercase();
            let code = world.http.json(&method, &format!("{path}{key}"), &[], "").await.refused();
            assert!(["NOT_PERMISSION", "NULL_ARGUMENT"].contains(&code.as_str()), "{path}: {code}");
        }
        found.push(path.as_str());
    }
    assert!(found.contains(&"/MemorySnapshot") && found.contains(&"/GetClients"), "{found:?}");
}
