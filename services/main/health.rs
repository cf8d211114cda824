//! Asks a process whether it serves, so that a container needs no other program for it.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// What every role answers while it serves.
const PATH: &str = "/healthz";
/// For each step: connecting, asking, the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// A status line is shorter.
const ANSWER_MAX: usize = 4 << 10;

/// Where to ask.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    path: String,
}

impl Target {
    /// From `http://HOST:PORT`, with a path or without.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let rest = url.trim().strip_prefix("http://")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { PATH } else { path };
        let port = host.rsplit_once(':')?.1.parse::<u16>();
        let clean = rest.chars().all(|sign| sign.is_ascii_graphic());
        (clean && port.is_ok()).then(|| Self { host: host.to_owned(), path: path.to_owned() })
    }
}

/// Fails unless the answer is status 200.
pub(crate) fn check(target: &Target) -> Result<()> {
    let Target { host, path } = target;
    let mut stream = connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    while answer.len() < ANSWER_MAX && !answer.contains(&b'\n') {
        let mut part = [0; 512];
        let count = stream.read(&mut part).with_context(|| format!("{host} does not answer"))?;
        ensure!(count > 0, "{host} hung up");
        answer.extend_from_slice(&part[..count]);
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    match line.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => bail!("{host}{path} answers '{line}'"),
    }
}

/// What is answered with status 200; with a key, if there is one.
pub(crate) fn body(target: &Target, api_key: Option<&str>, most: usize) -> Result<String> {
    let Target { host, path } = target;
    let mut stream = connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let key = match api_key {
        Some(key) if key.bytes().all(|byte| byte.is_ascii_graphic()) => format!("ApiKey: {key}\r\n"),
        Some(_) => bail!("the key is none"),
        None => String::new(),
    };
    // By this version nothing comes in pieces, and the end of the connection is that of the body.
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n{key}Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let read = stream.take(limit).read_to_end(&mut answer);
    read.with_context(|| format!("{host} does not answer"))?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("{host} hung up"))?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => bail!("{host}{path} answers '{}': {body}", head.lines().next().unwrap_or_default()),
    }
}

fn connect(host: &str) -> Result<TcpStream> {
    let mut failure = None;
    for address in host.to_socket_addrs().with_context(|| host.to_owned())? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) => Err(error).with_context(|| format!("{host} cannot be reached")),
        None => bail!("{host} has no address"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Answers one request, and says what it was.
    fn server(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let count = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..count]).into_owned()
        });
        (url, thread)
    }

    #[test]
    fn only_status_200_is_healthy() {
        for (answer, healthy) in
            [("HTTP/1.1 200 OK\r\n\r\n", true), ("HTTP/1.1 503 No\r\n\r\n", false), ("", false)]
        {
            let (url, request) = server(answer);
            assert_eq!(check(&Target::parse(&url).unwrap()).is_ok(), healthy, "{answer}");
            assert!(request.join().unwrap().starts_with("GET /healthz HTTP/1.1\r\n"));
        }
        let (url, request) = server("HTTP/1.1 200 OK\r\n\r\n");
        assert!(check(&Target::parse(&format!("{url}/readyz")).unwrap()).is_ok());
        assert!(request.join().unwrap().starts_with("GET /readyz "));
    }

    #[test]
    fn nobody_there_is_not_healthy() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let failure = check(&Target::parse(&format!("http://{address}")).unwrap()).unwrap_err();
        assert!(format!("{failure:#}").contains("cannot be reached"), "{failure:#}");
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(Target::parse("http://[::1]:5/x").unwrap().host, "[::1]:5");
        for wrong in
            ["127.0.0.1:5", "https://a:5", "http://a", "http://a:b", "http://a:5/x y", "http://a:5/\r\nx"]
        {
            assert_eq!(Target::parse(wrong), None, "{wrong}");
        }
    }
}
