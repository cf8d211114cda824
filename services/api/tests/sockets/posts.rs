//! Calls that come with a body.

use std::time::Duration;

use api::Settings;
use calls::{AnyCall, ConnectionCall};

use crate::backend::{TOKEN, World};

/// Boundary of the bodies here.
const PARTS: [(&str, &str); 1] = [("Content-Type", "multipart/form-data; boundary=\"X Y\"")];

/// A body in parts; a name with a semicolon brings more of its header.
fn multipart(parts: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in parts {
        let (name, more) = name.split_once(';').unwrap_or((name, ""));
        let more = if more.is_empty() { String::new() } else { format!("; {more}") };
        body += &format!("--X Y\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n");
    }
    body + "--X Y--\r\n"
}

#[tokio::test]
async fn some_calls_come_as_post_only() {
    let world = World::start().await;
    for path in ["/ConnectCert", "/LoadServersDat", "/DisconnectOrphans", "/disconnectorphanscluster"] {
        for method in ["GET", "HEAD", "PUT"] {
            let reply = world.send(method, path, &[], "").await;
            assert_eq!((reply.status, reply.header("allow")), (405, "POST, OPTIONS"), "{method} {path}");
        }
        assert_eq!(world.send("OPTIONS", path, &[], "").await.status, 204);
    }
    assert!(world.desk.asks.lock().unwrap().is_empty());
}

#[tokio::test]
async fn files_and_texts_come_in_parts() {
    let world = World::start().await;
    let body = multipart(&[
        ("USER", "5"),
        ("password", " pa ss "),
        ("port", "443"),
        ("pfxFile; filename=\"a.pfx\"", "\u{1}\u{2}"),
        ("pfxFilePassword", "é"),
    ]);
    let reply = world.send("POST", "/ConnectCert?host=localhost&user=6&otp=7", &PARTS, &body).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, TOKEN));
    let asks = world.desk.asks.lock().unwrap();
    let ask = asks.last().unwrap();
    let Ok(AnyCall::Connection(ConnectionCall::ConnectCert(call))) = AnyCall::decode(ask.call, &ask.params)
    else {
        panic!("{ask:?}");
    };
    assert_eq!((call.login.user, call.login.password.expose(), call.port), (5, " pa ss ", 443));
    assert_eq!((call.host.as_str(), call.login.otp.unwrap().expose()), ("localhost", "7"));
    assert_eq!(call.pfx_file.unwrap().bytes(), [1, 2]);
    assert_eq!(call.pfx_file_password.unwrap().expose(), "é");
}

#[tokio::test]
async fn a_file_may_come_without_a_name_and_as_base64_elsewhere() {
    let world = World::start().await;
    let login = "user=5&password=p&host=h&port=1";
    let body = multipart(&[("PfxFile", "ab")]);
    world.send("POST", &format!("/ConnectCert?{login}"), &PARTS, &body).await;
    assert_eq!(world.desk.last_params()["pfxfile"], "YWI=");
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let reply = world.send("POST", "/ConnectCert", &form, &format!("{login}&pfxFile=YWI%3D")).await;
    assert_eq!(reply.body, TOKEN);
    let reply = world.send("POST", "/ConnectCert", &form, &format!("{login}&pfxFile=a file")).await;
    assert_eq!((reply.status, reply.code().as_str()), (201, "INVALID_PARAM"));
}

#[tokio::test]
async fn lists_repeat_a_part_or_number_it() {
    let world = World::start().await;
    let body = multipart(&[("ids", "a"), ("ids", "b"), ("ids[0]", "c"), ("Ids[1]", "d"), ("ids[]", "e")]);
    let reply = world.send("POST", "/DisconnectOrphans?ids=f", &PARTS, &body).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"["a","b","c","d","e","f"]"#));
    let json = r#"{"ids":["a","b"],"dryRun":true}"#;
    let reply = world.send("POST", "/DisconnectOrphansCluster", &[("Content-Type", "text/json")], json).await;
    assert_eq!(reply.body, r#"["a","b"]"#);
    assert_eq!(world.desk.last_params()["dryrun"], "true");
}

#[tokio::test]
async fn logins_may_come_in_parts_as_well() {
    let world = World::start().await;
    let body = multipart(&[("user", "5"), ("password", "p"), ("host", "h"), ("port", "1")]);
    assert_eq!(world.send("POST", "/Connect", &PARTS, &body).await.body, TOKEN);
}

#[tokio::test]
async fn bodies_in_parts_are_bounded_and_their_faults_are_named() {
    let world = World::with(Settings { upload_bytes_max: 800_000, ..Settings::default() }).await;
    let whole = multipart(&[("ids", "a")]);
    let cut = &whole[..whole.len() - 20];
    let many = multipart(&vec![("i", ""); 10_001]);
    let large = multipart(&[("file; filename=\"servers.dat\"", &"x".repeat(800_000))]);
    let bare = [("Content-Type", "multipart/form-data")];
    let mixed = [("Content-Type", "multipart/mixed; boundary=X")];
    let cases = [
        (&PARTS, cut, 400, "before its last boundary"),
        (&PARTS, many.as_str(), 400, "10000 parts"),
        (&PARTS, large.as_str(), 413, "800000 bytes"),
        (&bare, whole.as_str(), 400, "no boundary"),
        (&mixed, whole.as_str(), 415, "multipart/form-data"),
    ];
    for (headers, body, status, told) in cases {
        let reply = world.send("POST", "/LoadServersDat", headers, body).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, "INVALID_DATA"), "{told}");
        assert!(reply.body.contains(told), "{}", reply.body);
        let strict = [headers[0], ("Accept", "application/problem+json")];
        let reply = world.send("POST", "/LoadServersDat", &strict, body).await;
        assert_eq!((reply.status, &reply.problem()["code"]), (status, &"INVALID_DATA".into()), "{told}");
    }
    assert!(world.desk.asks.lock().unwrap().is_empty());
    let fitting = multipart(&[("file; filename=\"servers.dat\"", &"x".repeat(200_000))]);
    assert_ne!(world.send("POST", "/LoadServersDat", &PARTS, &fitting).await.status, 413);
    assert_eq!(world.send("POST", "/Connect", &PARTS, &fitting).await.status, 413, "a login has no file");
}

#[tokio::test]
async fn a_large_body_too_many_comes_back_later() {
    let world = World::with(Settings { uploads_max: 0, ..Settings::default() }).await;
    let body = multipart(&[("ids", "a")]);
    let reply = world.send("POST", "/DisconnectOrphans", &PARTS, &body).await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "SERVER_BUSY"));
    let login = multipart(&[("user", "5"), ("password", "p"), ("host", "h"), ("port", "1")]);
    assert_eq!(world.send("POST", "/Connect", &PARTS, &login).await.body, TOKEN);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let world =
        World::with(Settings { body_timeout: Duration::from_millis(20), ..Settings::default() }).await;
    let reply = world.send("POST", "/ConnectCert", &[("Content-Length", "10")], "").await;
    assert_eq!((reply.status, reply.code().as_str()), (408, "TIMEOUT"));
}
