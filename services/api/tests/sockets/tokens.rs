//! Fronts that take tokens of an identity provider.

use std::path::PathBuf;
use std::sync::Arc;

use api::{JwtAlgorithm, JwtSettings, JwtTerms, Settings, close};
use futures_util::StreamExt;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use registry::MemoryRegistry;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::backend::{TOKEN, World};

const STRICT: (&str, &str) = ("Accept", "application/problem+json");
/// Thirty-two bytes, and the same in base64url.
const SECRETS: [(&str, &str); 2] = [
    ("0123456789abcdef0123456789abcdef", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"),
    ("fedcba9876543210fedcba9876543210", "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA"),
];

fn jwks(kid: &str, secret: usize) -> String {
    json!({ "keys": [{ "kty": "oct", "kid": kid, "alg": "HS256", "k": SECRETS[secret].1 }] }).to_string()
}

fn claims(ends_in_s: i64) -> Value {
    let now = runtime::unix_ms() / 1000;
    json!({
        "iss": "https://id.example", "aud": "mt5rest", "sub": "desk-7", "nbf": now - 60, "exp": now + ends_in_s,
        "tenant": "acme", "scopes": "read stream",
    })
}

fn token(kid: &str, secret: usize, claims: &Value) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(SECRETS[secret].0.as_bytes())).unwrap()
}

async fn world(name: &str) -> (World, PathBuf) {
    let file = std::env::temp_dir().join(format!("mt5rest-{name}-{}.json", std::process::id()));
    std::fs::write(&file, jwks("one", 0)).unwrap();
    let (issuer, audience) = ("https://id.example".to_owned(), "mt5rest".to_owned());
    let terms = JwtTerms { issuer, audience, algorithms: vec![JwtAlgorithm::Hs256] };
    let jwt = Some(JwtSettings { file: file.clone(), terms });
    let world =
        World::guarded(Settings { jwt, ..Settings::default() }, Arc::new(MemoryRegistry::new())).await;
    (world, file)
}

#[tokio::test]
async fn a_token_is_as_good_as_a_key_while_its_own_key_is_known() {
    let (world, file) = world("tokens").await;
    let path = format!("/OpenedOrdersTickets?id={TOKEN}");
    let ask = async |token: &str| {
        world.get_with(&path, &[("Authorization", &format!("Bearer {token}")), STRICT]).await.status
    };
    let good = token("one", 0, &claims(600));
    assert_eq!(ask(&good).await, 200);
    let caller = world.desk.asks.lock().unwrap().last().unwrap().caller.clone();
    let expected = ("acme", Some("sub:desk-7"), "read,stream".to_owned(), false);
    let found =
        (caller.tenant.as_str(), caller.key.as_deref(), caller.scopes.to_string(), caller.is_operator);
    assert_eq!(found, expected);
    let mut other = claims(600);
    other["aud"] = "another".into();
    for bad in [
        token("one", 1, &claims(600)),
        token("two", 0, &claims(600)),
        token("one", 0, &claims(-60)),
        token("one", 0, &other),
    ] {
        assert_eq!(ask(&bad).await, 401);
    }
    // A file that is of no use changes nothing; the provider's next key takes the place of the one before.
    std::fs::write(&file, "{").unwrap();
    std::fs::write(&file, jwks("two", 1)).unwrap();
    let next = token("two", 1, &claims(600));
    let taken = async {
        while ask(&next).await != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), taken).await.unwrap();
    assert_eq!(ask(&good).await, 401);
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_socket_ends_with_the_token_that_opened_it() {
    let (world, file) = world("token-sockets").await;
    // The leeway for the provider's clock is 30 s.
    let short = token("one", 0, &claims(-28));
    let headers = [("Authorization", &*format!("Bearer {short}")), STRICT];
    let ticket = world.send("POST", "/StreamTicket", &headers, "").await;
    let ticket = ticket.body.trim_matches('"');
    let path = format!("ws://{}/OnQuote?id={TOKEN}&streamTicket={ticket}", world.address);
    let (mut socket, _) = connect_async(path).await.unwrap();
    let closed = tokio::time::timeout(std::time::Duration::from_secs(10), socket.next()).await;
    let Message::Close(Some(frame)) = closed.unwrap().unwrap().unwrap() else { panic!("not closed") };
    assert_eq!(u16::from(frame.code), close::KEY_OVER);
    std::fs::remove_file(file).unwrap();
}
