use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header};
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;

const NOW_MS: i64 = 1_800_000_000_000;
const NOW_S: i64 = NOW_MS / 1000;
const SECRET: &[u8] = b"a secret of thirty-two bytes, and more";

/// A provider with one Ed25519 key.
struct Provider {
    pkcs8: Vec<u8>,
    public: Vec<u8>,
}

impl Provider {
    fn new() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref().to_vec();
        let public = Ed25519KeyPair::from_pkcs8(&pkcs8).unwrap().public_key().as_ref().to_vec();
        Self { pkcs8, public }
    }

    fn jwks(&self, kid: &str) -> Value {
        let x = URL_SAFE_NO_PAD.encode(&self.public);
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "x": x })
    }

    fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_ed_der(&self.pkcs8)).unwrap()
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&header(Algorithm::EdDSA, "one"), claims)
    }
}

fn header(algorithm: Algorithm, kid: &str) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) }
}

fn terms(algorithms: &[JwtAlgorithm]) -> JwtTerms {
    JwtTerms {
        issuer: "https://id.example".into(),
        audience: "mt5rest".into(),
        algorithms: algorithms.to_vec(),
    }
}

fn keys(all: &[Value], algorithms: &[JwtAlgorithm]) -> Result<JwtKeys, JwtError> {
    JwtKeys::parse(json!({ "keys": all }).to_string().as_bytes(), terms(algorithms))
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": "mt5rest", "sub": "desk-7", "nbf": NOW_S - 60, "exp": NOW_S + 600,
        "tenant": "acme", "scopes": ["read", "trade", "fly"], "limits": { "demoOnly": true },
    })
}

/// The claims with a change.
fn with(name: &str, value: Value) -> Value {
    let mut all = claims();
    all[name] = value;
    all
}

#[test]
fn a_good_token_says_who_calls() {
    let provider = Provider::new();
    let keys = keys(&[provider.jwks("one")], &[JwtAlgorithm::EdDsa]).unwrap();
    let shown = keys.check(&provider.token(&claims()), NOW_MS).unwrap();
    let expected = Caller {
        tenant: "acme".parse().unwrap(),
        key: Some("sub:desk-7".into()),
        scopes: "read,trade".parse().unwrap(),
        limits: Limits { demo_only: true, ..Limits::default() },
        is_operator: false,
    };
    assert_eq!(shown.caller, expected);
    assert_eq!(shown.until_ms, (NOW_S + 600 + LEEWAY_S) * 1000);
    let text = provider.token(&with("scopes", json!("read stream")));
    assert_eq!(keys.check(&text, NOW_MS).unwrap().caller.scopes.to_string(), "read,stream");
    let many = provider.token(&with("aud", json!(["other", "mt5rest"])));
    assert!(keys.check(&many, NOW_MS).is_ok());
}

#[test]
fn what_a_token_must_say_is_wanted_and_right() {
    let provider = Provider::new();
    let keys = keys(&[provider.jwks("one")], &[JwtAlgorithm::EdDsa]).unwrap();
    for missing in ["iss", "aud", "sub", "nbf", "exp", "tenant", "scopes"] {
        let mut all = claims();
        all.as_object_mut().unwrap().remove(missing);
        assert!(keys.check(&provider.token(&all), NOW_MS).is_err(), "{missing}");
    }
    for (name, value) in [
        ("iss", json!("https://other.example")),
        ("aud", json!("another service")),
        ("aud", json!([])),
        ("exp", json!(NOW_S - LEEWAY_S)),
        ("exp", json!("never")),
        ("nbf", json!(NOW_S + LEEWAY_S + 1)),
        ("tenant", json!("a/b")),
        ("sub", json!("")),
        ("sub", json!("a b")),
        ("sub", json!("x".repeat(65))),
        ("limits", json!({ "accounts": "all" })),
    ] {
        assert!(keys.check(&provider.token(&with(name, value.clone())), NOW_MS).is_err(), "{name} {value}");
    }
    let token = provider.token(&claims());
    assert!(keys.check(&token, NOW_MS + 700_000).is_err(), "expired");
    assert!(keys.check(&token, NOW_MS - 200_000).is_err(), "not yet valid");
    // Nobody becomes the operator by a token.
    let proud = provider.token(&with("isOperator", json!(true)));
    assert!(!keys.check(&proud, NOW_MS).unwrap().caller.is_operator);
}

#[test]
fn known_attacks_are_refused() {
    let (provider, stranger) = (Provider::new(), Provider::new());
    let secret = json!({ "kty": "oct", "kid": "shared", "k": URL_SAFE_NO_PAD.encode(SECRET) });
    let both = [JwtAlgorithm::EdDsa, JwtAlgorithm::Hs256];
    let all = keys(&[provider.jwks("one"), secret.clone()], &both).unwrap();
    let refused = |token: &str| assert!(all.check(token, NOW_MS).is_err(), "{token}");
    let body = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    // No algorithm at all.
    for none in ["none", "None", "NONE", ""] {
        let head = body(&json!({ "alg": none, "kid": "one", "typ": "JWT" }));
        refused(&format!("{head}.{}.", body(&claims())));
        refused(&format!("{head}.{}.c2ln", body(&claims())));
    }
    // The public key taken for a shared secret.
    let confused = EncodingKey::from_secret(&provider.public);
    refused(&jsonwebtoken::encode(&header(Algorithm::HS256, "one"), &claims(), &confused).unwrap());
    // The secret of one key under the name of another.
    let known = EncodingKey::from_secret(SECRET);
    refused(&jsonwebtoken::encode(&header(Algorithm::HS256, "one"), &claims(), &known).unwrap());
    let good = jsonwebtoken::encode(&header(Algorithm::HS256, "shared"), &claims(), &known).unwrap();
    assert!(all.check(&good, NOW_MS).is_ok());
    // Another algorithm of the same family.
    refused(&jsonwebtoken::encode(&header(Algorithm::HS512, "shared"), &claims(), &known).unwrap());
    // Keys that nobody knows, or that the token brings along.
    refused(&provider.sign(&header(Algorithm::EdDSA, "two"), &claims()));
    refused(&provider.sign(&Header::new(Algorithm::EdDSA), &claims()));
    refused(&stranger.token(&claims()));
    let own: Jwk = serde_json::from_value(stranger.jwks("one")).unwrap();
    let brought = Header {
        jwk: Some(own),
        jku: Some("https://evil.example".into()),
        ..header(Algorithm::EdDSA, "one")
    };
    refused(&stranger.sign(&brought, &claims()));
    // Changed after it was signed.
    let token = provider.token(&claims());
    let (head, signature) = (token.split('.').next().unwrap(), token.rsplit('.').next().unwrap());
    refused(&format!("{head}.{}.{signature}", body(&with("tenant", json!("zoo")))));
    // Too long.
    refused(&provider.token(&with("more", json!("x".repeat(JWT_BYTES_MAX)))));
    // Shared secrets are good only where the operator allows them.
    assert!(keys(&[secret], &[JwtAlgorithm::EdDsa]).is_err());
}

#[test]
fn sets_that_are_of_no_use_are_told() {
    let provider = Provider::new();
    let one = provider.jwks("one");
    let eddsa = [JwtAlgorithm::EdDsa];
    let mut encrypting = one.clone();
    encrypting["use"] = json!("enc");
    let short = json!({ "kty": "oct", "kid": "s", "k": "c2hvcnQ" });
    for (all, algorithms) in [
        (vec![], &eddsa[..]),
        (vec![one.clone(), one.clone()], &eddsa),
        (vec![encrypting], &eddsa),
        (vec![short], &[JwtAlgorithm::Hs256]),
        (vec![one.clone(); 65], &eddsa),
    ] {
        assert!(keys(&all, algorithms).is_err(), "{all:?}");
    }
    assert!(JwtKeys::parse(b"{}", terms(&eddsa)).is_err() && JwtKeys::parse(b"[1", terms(&eddsa)).is_err());
    assert!(JwtKeys::parse(&vec![b' '; JWKS_BYTES_MAX + 1], terms(&eddsa)).is_err());
    // One that is for something else does no harm to the others.
    let other = json!({ "kty": "EC", "crv": "P-384", "kid": "ec", "x": "AA", "y": "AA" });
    assert!(keys(&[other, one], &eddsa).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_refused(text in ".{0,200}", parts in proptest::collection::vec("[A-Za-z0-9_-]{0,60}", 3)) {
        let keys = keys(&[Provider::new().jwks("one")], &[JwtAlgorithm::EdDsa]).unwrap();
        prop_assert!(keys.check(&text, NOW_MS).is_err());
        prop_assert!(keys.check(&parts.join("."), NOW_MS).is_err());
    }
}
