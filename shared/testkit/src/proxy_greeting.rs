//! What proxies and their clients say before the tunnel opens.

use std::io::{self, Error, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr};

use base64::prelude::{BASE64_STANDARD, Engine};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proxy::{Guard, ProxyKind};

/// Longest head or field of a client.
const FIELD_MAX: usize = 4096;

/// Checks the client and opens the connection it asks for.
pub(crate) async fn greet(client: &mut TcpStream, kind: ProxyKind, guard: Guard) -> io::Result<TcpStream> {
    match kind {
        ProxyKind::Http => http(client, guard).await,
        ProxyKind::Socks4 => socks4(client, guard).await,
        ProxyKind::Socks5 => socks5(client, guard).await,
    }
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::PermissionDenied, why)
}

async fn http(client: &mut TcpStream, guard: Guard) -> io::Result<TcpStream> {
    let head = read_until(client, b"\r\n\r\n").await?;
    let head = String::from_utf8_lossy(&head);
    let login = BASE64_STANDARD.encode(format!("{}:{}", guard.user, guard.password));
    let wanted = format!("proxy-authorization: basic {login}");
    if !head.lines().any(|line| line.eq_ignore_ascii_case(&wanted)) {
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await?;
        return Err(refused("wrong login"));
    }
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    let server = TcpStream::connect(target.ok_or_else(|| refused("not CONNECT"))?).await?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    Ok(server)
}

async fn socks4(client: &mut TcpStream, guard: Guard) -> io::Result<TcpStream> {
    let (version, command) = (client.read_u8().await?, client.read_u8().await?);
    if (version, command) != (4, 1) {
        return Err(refused("not a SOCKS 4 CONNECT"));
    }
    let port = client.read_u16().await?;
    let address = client.read_u32().await?;
    let user = read_until(client, b"\0").await?;
    // SOCKS 4a: an address 0.0.0.x means that a name follows.
    let host = if (1..256).contains(&address) {
        let name = read_until(client, b"\0").await?;
        String::from_utf8_lossy(&name[..name.len() - 1]).into_owned()
    } else {
        Ipv4Addr::from(address).to_string()
    };
    if user[..user.len() - 1] != *guard.user.as_bytes() {
        client.write_all(&[0, 93, 0, 0, 0, 0, 0, 0]).await?;
        return Err(refused("wrong user"));
    }
    let server = TcpStream::connect((host.as_str(), port)).await?;
    client.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).await?;
    Ok(server)
}

async fn socks5(client: &mut TcpStream, guard: Guard) -> io::Result<TcpStream> {
    const PASSWORD: u8 = 2;
    let version = client.read_u8().await?;
    let methods = read_field(client).await?;
    if version != 5 || !methods.contains(&PASSWORD) {
        client.write_all(&[5, 0xff]).await?;
        return Err(refused("no password offered"));
    }
    client.write_all(&[5, PASSWORD]).await?;
    client.read_u8().await?;
    let (user, password) = (read_field(client).await?, read_field(client).await?);
    if user != guard.user.as_bytes() || password != guard.password.as_bytes() {
        client.write_all(&[1, 1]).await?;
        return Err(refused("wrong login"));
    }
    client.write_all(&[1, 0]).await?;
    let mut head = [0; 4];
    client.read_exact(&mut head).await?;
    let host = match head {
        [5, 1, _, 1] => Ipv4Addr::from(client.read_u32().await?).to_string(),
        [5, 1, _, 3] => String::from_utf8_lossy(&read_field(client).await?).into_owned(),
        [5, 1, _, 4] => Ipv6Addr::from(client.read_u128().await?).to_string(),
        _ => return Err(refused("not a SOCKS 5 CONNECT")),
    };
    let port = client.read_u16().await?;
    let server = TcpStream::connect((host.as_str(), port)).await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(server)
}

/// A field with its length in front.
async fn read_field(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = client.read_u8().await?;
    let mut field = vec![0; usize::from(length)];
    client.read_exact(&mut field).await?;
    Ok(field)
}

/// Byte by byte: what follows belongs to the tunnel.
async fn read_until(client: &mut TcpStream, end: &[u8]) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    while !read.ends_with(end) {
        if read.len() >= FIELD_MAX {
            return Err(refused("too long"));
        }
        read.push(client.read_u8().await?);
    }
    Ok(read)
}
