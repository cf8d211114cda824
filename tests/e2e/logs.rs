//! What a log at its wordiest gives away: every run of bytes in it is decrypted as far as that goes.

use serde_json::json;
use testkit::Scratch;
use wire::records::BootstrapReply;
use wire::{Cipher, INITIAL_KEY, Payload as _, message};

use crate::binary::start_binary;

const PASSWORD: &str = "hunter2-master";
const INVESTOR: &str = "hunter2-look";
/// Shorter runs hold no block.
const RUN_MIN: usize = 16;
/// How far into a run a sealed body may begin: behind heads of frames.
const HEADS_MAX: usize = 24;

/// Bytes written in hexadecimal digits.
fn hex_runs(line: &str) -> Vec<Vec<u8>> {
    let runs = line.split(|sign: char| !sign.is_ascii_hexdigit());
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    runs.filter_map(|run| run.as_bytes().chunks_exact(2).map(byte).collect()).collect()
}

/// Bytes written as a list of numbers.
fn listed_runs(line: &str) -> Vec<Vec<u8>> {
    let lists = line.split('[').skip(1).filter_map(|rest| rest.split(']').next());
    lists.filter_map(|list| list.split(',').map(|number| number.trim().parse().ok()).collect()).collect()
}

/// Bytes written as a literal of Rust.
fn literal_runs(line: &str) -> Vec<Vec<u8>> {
    line.split("b\"").skip(1).map(literal).collect()
}

fn literal(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        let escaped = match byte {
            b'"' => break,
            b'\\' => rest.next(),
            plain => {
                bytes.push(plain);
                continue;
            }
        };
        match escaped {
            Some(b'x') => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.extend(u8::from_str_radix(&digits, 16));
            }
            Some(b'n') => bytes.push(b'\n'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'0') => bytes.push(0),
            Some(other) => bytes.push(other),
            None => break,
        }
    }
    bytes
}

fn runs(log: &str) -> Vec<Vec<u8>> {
    let all = log.lines().flat_map(|line| [hex_runs(line), listed_runs(line), literal_runs(line)].concat());
    all.filter(|run| run.len() >= RUN_MIN).collect()
}

/// What a key opens of some bytes.
fn opened(cipher: &Cipher, run: &[u8]) -> Vec<Vec<u8>> {
    let tails = (0..HEADS_MAX).filter_map(|head| run.get(head..));
    tails.filter(|tail| tail.len() % 16 == 0).filter_map(|tail| cipher.open(tail).ok()).collect()
}

/// All keys that a log gives away, the one that everybody knows among them.
fn keys(runs: &[Vec<u8>]) -> Vec<Cipher> {
    let initial = Cipher::new(&INITIAL_KEY).unwrap();
    let replies = runs.iter().flat_map(|run| opened(&initial, run)).filter_map(|inner| {
        let response = message::Response::from_bytes(&inner).ok()?;
        let reply = BootstrapReply::from_bytes(&response.body).ok()?;
        Cipher::new(&reply.session_key).ok()
    });
    let mut keys: Vec<Cipher> = replies.collect();
    keys.push(initial);
    keys
}

/// Whether bytes hold a text, in any way that the protocol or a request writes it.
fn holds(bytes: &[u8], text: &str) -> bool {
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [text.as_bytes(), &wide].iter().any(|form| bytes.windows(form.len()).any(|window| window == *form))
}

#[test]
fn what_is_looked_for_would_be_found() {
    let secret: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cipher = Cipher::new(&INITIAL_KEY).unwrap();
    let sealed = wire::frame::seal(&cipher, &secret);
    let digits: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    let quoted: String = sealed.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    for line in
        [format!("frame {digits} end"), format!("frame {sealed:?} end"), format!("frame b\"{quoted}\" end")]
    {
        let found =
            runs(&line).iter().flat_map(|run| opened(&cipher, run)).any(|plain| holds(&plain, PASSWORD));
        assert!(found, "{line}");
    }
}

#[tokio::test]
async fn nothing_that_is_logged_can_be_decrypted() {
    let folder = Scratch::new("logs");
    let accounts =
        json!({ "accounts": [{ "login": 9, "password": PASSWORD, "investor_password": INVESTOR }] });
    let file = folder.file("accounts.json", &accounts.to_string());
    let filter = "trace,tungstenite=trace,tokio_tungstenite=trace,hyper=trace";
    let (mut process, http) = start_binary(&["--accounts", file.to_str().unwrap(), "--log", filter]).await;
    let url = process.says("  Connect          http://").await;
    let path = url.strip_prefix(http.address()).unwrap();
    let path = path.replace("user=1000001", "user=9");
    http.get(&path.replace("password=demo", &format!("password={PASSWORD}"))).await.ok();
    http.get(&path.replace("password=demo", &format!("password={INVESTOR}"))).await.ok();
    process.signal("INT");
    process.end().await;
    let log = process.stderr();
    assert!(log.contains("starting"), "{log}");
    let runs = runs(&log);
    let keys = keys(&runs);
    assert_eq!(keys.len(), 1, "the log gives {} keys of sessions away", keys.len() - 1);
    let opened = runs.iter().flat_map(|run| keys.iter().flat_map(|key| opened(key, run)));
    for plain in opened.chain([log.into_bytes()]) {
        for secret in [PASSWORD, INVESTOR] {
            assert!(!holds(&plain, secret), "{}", String::from_utf8_lossy(&plain));
        }
    }
}
