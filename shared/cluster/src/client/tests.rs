use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Caller;
use bus::{Ask, Payload};
use runtime::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A worker of a version that knows calls, and nothing of trying them: it would trade on what it gets as a call.
async fn old_worker(tasks: &Tasks) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tasks.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let count = socket.read(&mut head).await.unwrap_or(0);
            let traded = String::from_utf8_lossy(&head[..count]).starts_with("POST /inner/ask");
            let status = if traded { "200 OK\r\nx-payload: text" } else { "404 Not Found" };
            let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 6\r\n\r\nTRADED");
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    address
}

#[tokio::test]
async fn an_old_worker_never_gets_a_trade_that_is_to_be_tried() {
    let tasks = Tasks::new();
    let client = WorkerClient::new(&ClusterKey::new("0123456789abcdef").unwrap(), None);
    let peer = client.peer(&old_worker(&tasks).await).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let tenant = Caller { tenant: "acme".parse().unwrap(), ..Caller::clone(&Caller::local()) };
    for caller in [Caller::local(), Arc::new(tenant)] {
        for name in ["OrderSend", "OrderModifySafe", "OrderClose", "OrderCancel", "OrderCloseBy"] {
            let ask = |params: &[(&str, &str)]| Ask {
                call: name.parse().unwrap(),
                params: params.iter().copied().collect(),
                id: Some("t".to_owned()),
                caller: Arc::clone(&caller),
                deadline: until,
                idempotency_key: Some("k".to_owned()),
                source: None,
            };
            let tried = client.ask::<Payload>(&peer, &ask(&[("dry_run", "1")]), until).await;
            let Err(Failure::Refused(error)) = tried else { panic!("{name}: {:?}", tried.err()) };
            assert!(error.detail().contains("Nothing was done"), "{error}");
            assert!(
                client.ask::<Payload>(&peer, &ask(&[("dryRun", "false")]), until).await.is_ok(),
                "{name}"
            );
        }
    }
    tasks.finish(Duration::ZERO).await;
}
