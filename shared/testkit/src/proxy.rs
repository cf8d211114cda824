//! Proxies to log in through.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use runtime::Tasks;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::proxy_greeting::greet;

/// The protocol of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP CONNECT.
    Http,
    /// SOCKS 4a.
    Socks4,
    /// SOCKS 5.
    Socks5,
}

/// Who may use a proxy. SOCKS 4 checks the user only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
}

/// A running proxy that lets one user pass.
#[derive(Debug)]
pub struct TestProxy {
    addr: SocketAddr,
    tunnels: Arc<AtomicUsize>,
    refusals: Arc<AtomicUsize>,
    tasks: Tasks,
}

impl TestProxy {
    /// Starts a proxy.
    pub async fn start(kind: ProxyKind, user: &'static str, password: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let proxy = Self { addr, tunnels: Arc::default(), refusals: Arc::default(), tasks: Tasks::new() };
        let (tunnels, refusals) = (Arc::clone(&proxy.tunnels), Arc::clone(&proxy.refusals));
        let (tasks, stop) = (proxy.tasks.clone(), proxy.tasks.stop_signal());
        let guard = Guard { user, password };
        proxy.tasks.spawn(async move {
            loop {
                let client = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted.unwrap().0,
                };
                let (stop, tunnels, refusals) = (stop.clone(), Arc::clone(&tunnels), Arc::clone(&refusals));
                tasks.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = serve(client, kind, guard, &tunnels, &refusals) => {}
                    }
                });
            }
        });
        proxy
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many tunnels it has opened.
    pub fn tunnels(&self) -> usize {
        self.tunnels.load(Ordering::SeqCst)
    }

    /// How many clients it has sent away.
    pub fn refusals(&self) -> usize {
        self.refusals.load(Ordering::SeqCst)
    }
}

impl Drop for TestProxy {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

async fn serve(
    mut client: TcpStream,
    kind: ProxyKind,
    guard: Guard,
    tunnels: &AtomicUsize,
    refusals: &AtomicUsize,
) {
    match greet(&mut client, kind, guard).await {
        Ok(mut server) => {
            tunnels.fetch_add(1, Ordering::SeqCst);
            // However the tunnel ends, it has ended.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
        Err(_) => {
            refusals.fetch_add(1, Ordering::SeqCst);
        }
    }
}
