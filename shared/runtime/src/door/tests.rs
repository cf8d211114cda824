use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::places::Wait;
use super::*;

fn limits(places: usize, per_address: usize, reserve: usize) -> DoorLimits {
    let long = Duration::from_secs(3600);
    let write_rate = WriteRate { span: long, bytes_min: 1 };
    DoorLimits { places, per_address, reserve, head_timeout: long, idle_timeout: long, write_rate }
}

async fn door(limits: &DoorLimits) -> (Door, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (Door::new(listener, limits), address)
}

/// A connection from one of this machine's addresses.
async fn from(last: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// A server that reads requests of one byte, and answers when it is told to.
struct Server {
    visit: Visit,
    ended: tokio::task::JoinHandle<Option<()>>,
    answer: tokio::sync::mpsc::Sender<()>,
}

impl Server {
    fn of(guest: Guest) -> Self {
        let Guest { mut socket, visit, .. } = guest;
        let (answer, mut answers) = tokio::sync::mpsc::channel::<()>(1);
        let own = visit.clone();
        let connection = async move {
            while socket.read_u8().await.is_ok() {
                let busy = own.busy();
                answers.recv().await;
                let _ = socket.write_all(b"!").await;
                drop(busy);
                let _ = socket.flush().await;
            }
        };
        let attended = visit.clone();
        let ended = crate::Tasks::new()
            .spawn(async move { attended.attend(connection, |_| (), &CancellationToken::new()).await });
        Self { visit, ended, answer }
    }

    /// Has a request answered.
    async fn exchange(&self, client: &mut TcpStream) {
        client.write_all(b"?").await.unwrap();
        self.answer.send(()).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'!');
    }
}

#[tokio::test]
async fn idle_connections_go_for_newcomers_first_and_busy_ones_never() {
    let (mut door, address) = door(&limits(3, 3, 1)).await;
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..3 {
        clients.push(TcpStream::connect(address).await.unwrap());
        servers.push(Server::of(door.next().await));
    }
    // The first has not said anything, the second is idle, and the third is busy.
    servers[1].exchange(&mut clients[1]).await;
    clients[2].write_all(b"?").await.unwrap();
    while !servers[2].visit.is_busy() {
        tokio::task::yield_now().await;
    }
    for gone in [1, 0] {
        clients.push(TcpStream::connect(address).await.unwrap());
        let guest = door.next().await;
        assert_eq!(guest.full, None);
        let server = Server::of(guest);
        let _ = server.visit.busy();
        servers.push(server);
        assert_eq!(clients[gone].read(&mut [0; 1]).await.unwrap(), 0, "{gone} is closed");
        assert_eq!((&mut servers[gone].ended).await.unwrap(), None);
    }
    let _beyond = TcpStream::connect(address).await.unwrap();
    assert_eq!(door.next().await.full, Some(Full::Address));
    servers[2].answer.send(()).await.unwrap();
    assert_eq!(clients[2].read_u8().await.unwrap(), b'!', "who is busy stays");
}

#[tokio::test]
async fn what_a_connection_needs_may_wait_until_it_says_something() {
    let (mut door, address) = door(&limits(1, 1, 1)).await;
    let stop = CancellationToken::new();
    let mut client = TcpStream::connect(address).await.unwrap();
    let guest = door.next().await;
    let early = guest.visit.is_spoken_to(&guest.socket, &stop).now_or_never();
    assert_eq!((early, guest.full), (None, None));
    client.write_all(b"?").await.unwrap();
    assert!(guest.visit.is_spoken_to(&guest.socket, &stop).await);
    drop((client, guest));
    // Who hangs up without a word is heard as well, and who stays silent goes for a newcomer, or at the stop.
    let hung_up = TcpStream::connect(address).await.unwrap();
    let guest = door.next().await;
    drop(hung_up);
    assert!(guest.visit.is_spoken_to(&guest.socket, &stop).await);
    drop(guest);
    let _silent = TcpStream::connect(address).await.unwrap();
    let guest = door.next().await;
    let _newcomer = TcpStream::connect(address).await.unwrap();
    let (next, is_spoken_to) = tokio::join!(door.next(), guest.visit.is_spoken_to(&guest.socket, &stop));
    assert_eq!((next.full, is_spoken_to), (None, false));
    stop.cancel();
    assert!(!next.visit.is_spoken_to(&next.socket, &stop).await);
}

/// Lets one in from an address, and has it busy.
async fn busy_from(
    last: u8,
    door: &mut Door,
    address: SocketAddr,
) -> (Option<Full>, (TcpStream, Guest, Busy)) {
    let client = from(last, address).await;
    let guest = door.next().await;
    let busy = guest.visit.busy();
    (guest.full, (client, guest, busy))
}

#[tokio::test]
async fn an_address_has_its_part_and_others_have_theirs() {
    const OF_ADDRESS: Option<Full> = Some(Full::Address);
    let (mut door, address) = door(&limits(4, 2, 4)).await;
    let mut held = Vec::new();
    for (last, full) in
        [(1, None), (1, None), (1, OF_ADDRESS), (2, None), (2, None), (2, OF_ADDRESS), (3, Some(Full::Door))]
    {
        let (found, guest) = busy_from(last, &mut door, address).await;
        assert_eq!(found, full, "{last}");
        held.push(guest);
    }
    held.clear();
    let mut door = door.shared_by(|address| address == Ipv4Addr::LOCALHOST);
    for full in [None, None, None, None, Some(Full::Door)] {
        let (found, guest) = busy_from(1, &mut door, address).await;
        assert_eq!(found, full);
        held.push(guest);
    }
}

#[tokio::test]
async fn waiting_is_bounded_in_time() {
    let short = Duration::from_millis(40);
    let (mut door, address) =
        door(&DoorLimits { head_timeout: short, idle_timeout: short, ..limits(8, 8, 0) }).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let _silent = Server::of(door.next().await);
    let mut idle = TcpStream::connect(address).await.unwrap();
    let server = Server::of(door.next().await);
    let both = async {
        server.exchange(&mut idle).await;
        (silent.read(&mut [0; 1]).await.unwrap(), idle.read(&mut [0; 1]).await.unwrap())
    };
    tokio::select! {
        _ = door.next() => panic!("nobody comes"),
        read = both => assert_eq!(read, (0, 0)),
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_goes_before_who_is_idle_and_who_has_just_come_after() {
    let minute = Duration::from_secs(60);
    let bounds = Bounds { places: 16, per_address: 3, head_timeout: minute, idle_timeout: minute };
    let table = Places::new(bounds);
    let address = Some(IpAddr::from([10, 0, 0, 1]));
    let enter = || table.enter(address).unwrap().0;
    let (idle, silent) = (enter(), enter());
    table.set(idle, Some(Wait::Idle));
    table.enter(Some(IpAddr::from([10, 0, 0, 2]))).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    let fresh = enter();
    let goes = |all: [u64; 3]| all.map(|id| table.is_to_close(id));
    let next = enter();
    assert_eq!(goes([idle, silent, fresh]), [false, true, false]);
    let last = enter();
    assert_eq!(goes([idle, fresh, next]), [true, false, false]);
    assert!(table.enter(address).is_err(), "two of sixteen are on their way out");
    for id in [idle, silent] {
        table.leave(id);
    }
    table.set(fresh, None);
    table.enter(address).unwrap();
    assert_eq!(goes([fresh, next, last]), [false, true, false], "busy ones stay");
}

#[tokio::test]
async fn a_stop_waits_for_replies_and_not_for_heads() {
    let (mut door, address) = door(&limits(4, 4, 0)).await;
    let stop = CancellationToken::new();
    let (mut silent, mut begun) =
        (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
    let (first, second) = (door.next().await, door.next().await);
    let busy = second.visit.busy();
    let tasks = crate::Tasks::new();
    let attended = |guest: Guest| {
        let stop = stop.clone();
        tasks.spawn(async move {
            let Guest { mut socket, visit, .. } = guest;
            let connection = async move {
                let _ = socket.read_u8().await;
                let _ = socket.write_all(b"!").await;
                let _ = socket.flush().await;
                std::future::pending::<()>().await;
            };
            visit.attend(connection, |_| (), &stop).await
        })
    };
    let (first, second) = (attended(first), attended(second));
    drop(door);
    stop.cancel();
    assert_eq!(first.await.unwrap(), None);
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(!second.is_finished(), "it is being answered");
    drop(busy);
    begun.write_all(b"?").await.unwrap();
    assert_eq!(begun.read_u8().await.unwrap(), b'!');
    assert_eq!(second.await.unwrap(), None);
}

#[test]
fn counts_are_right_whatever_happens() {
    let bounds = |places, per_address| Bounds {
        places,
        per_address,
        head_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(1),
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (places, per_address) = (16, 6);
        let table = Places::new(bounds(places, per_address));
        let mut inside: HashMap<u64, IpAddr> = HashMap::new();
        for step in 0..20_000 {
            let ids: Vec<u64> = inside.keys().copied().collect();
            let some = ids.get(rand::random_range(0..ids.len().max(1))).copied();
            match (rand::random_range(0..6), some) {
                (0 | 1, _) | (_, None) => {
                    let address = IpAddr::from([10, 0, 0, rand::random_range(0..4)]);
                    if let Ok((id, _)) = table.enter(Some(address)) {
                        inside.insert(id, address);
                    }
                }
                (2, Some(id)) => table.set(id, None),
                (3, Some(id)) => table.set(id, Some(Wait::Idle)),
                (4, Some(id)) => {
                    table.leave(id);
                    inside.remove(&id);
                }
                (_, Some(id)) => {
                    tokio::time::advance(Duration::from_millis(10)).await;
                    table.close_overdue();
                    if table.is_to_close(id) {
                        table.leave(id);
                        inside.remove(&id);
                    }
                }
            }
            assert!(inside.len() <= places + places.div_ceil(8), "step {step}: {}", inside.len());
        }
        for id in inside.keys() {
            table.leave(*id);
        }
        assert!(table.is_empty(), "{table:?}");
    });
}

#[test]
fn one_caller_has_one_address_or_a_network_of_ipv6() {
    let of = |text: &str| caller(text.parse().unwrap()).to_string();
    assert_eq!(of("::ffff:10.1.2.3"), "10.1.2.3");
    assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::"));
}
