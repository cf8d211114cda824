//! A TCP cable between two parts that a test can hold, cut and plug in again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use runtime::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::wait::eventually;

/// What the cable does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Bytes pass.
    Plugged,
    /// Connections stay, nothing passes; `answers` alone when only the way back is held.
    Held { answers_only: bool },
    /// Connections are broken, new ones as well.
    Cut,
}

/// A cable to a server.
#[derive(Debug)]
pub struct Cable {
    addr: SocketAddr,
    target: Arc<watch::Sender<SocketAddr>>,
    state: Arc<watch::Sender<State>>,
    made: Arc<AtomicUsize>,
    alive: Arc<AtomicUsize>,
    tasks: Tasks,
}

impl Cable {
    /// Lays a cable to `target`.
    pub async fn to(target: SocketAddr) -> Self {
        Self::between("127.0.0.1", target).await
    }

    /// The same, with its near end at an address of this machine.
    pub async fn between(near: &str, target: SocketAddr) -> Self {
        let listener = TcpListener::bind((near, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let target = Arc::new(watch::Sender::new(target));
        let state = Arc::new(watch::Sender::new(State::Plugged));
        let (made, alive) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let cable = Self { addr, target, state, made, alive, tasks: Tasks::new() };
        cable.tasks.spawn(accept(
            listener,
            Arc::clone(&cable.target),
            Arc::clone(&cable.state),
            Arc::clone(&cable.made),
            Arc::clone(&cable.alive),
            cable.tasks.clone(),
        ));
        cable
    }

    /// The end to connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Leads new connections to another server.
    pub fn lead_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    /// How many connections were ever made while the cable was not cut.
    pub fn connections(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    /// Breaks all connections, and all that are tried from now on. Returns when none is left.
    pub async fn cut(&self) {
        self.state.send_replace(State::Cut);
        eventually("the cut cable is dead", async || (self.alive.load(Ordering::SeqCst) == 0).then_some(()))
            .await;
    }

    /// Lets nothing pass in either direction; connections stay.
    pub fn hold(&self) {
        self.state.send_replace(State::Held { answers_only: false });
    }

    /// Lets nothing come back; requests pass.
    pub fn hold_answers(&self) {
        self.state.send_replace(State::Held { answers_only: true });
    }

    /// Works again; what was held passes now.
    pub fn plug(&self) {
        self.state.send_replace(State::Plugged);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

async fn accept(
    listener: TcpListener,
    target: Arc<watch::Sender<SocketAddr>>,
    state: Arc<watch::Sender<State>>,
    made: Arc<AtomicUsize>,
    alive: Arc<AtomicUsize>,
    tasks: Tasks,
) {
    let stop = tasks.stop_signal();
    loop {
        let near = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted.unwrap().0,
        };
        if *state.borrow() == State::Cut {
            continue;
        }
        let server = *target.borrow();
        let Ok(far) = TcpStream::connect(server).await else { continue };
        made.fetch_add(1, Ordering::SeqCst);
        let (alive, states) = (Arc::clone(&alive), state.subscribe());
        alive.fetch_add(1, Ordering::SeqCst);
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = connect(near, far, states) => {}
            }
            alive.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// Carries both directions until one side ends or the cable is cut.
async fn connect(near: TcpStream, far: TcpStream, states: watch::Receiver<State>) {
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let mut cut = states.clone();
    let requests = carry(near_read, far_write, states.clone(), |state| {
        state == State::Plugged || state == State::Held { answers_only: true }
    });
    let answers = carry(far_read, near_write, states, |state| state == State::Plugged);
    tokio::select! {
        // An error means that the cable itself is gone.
        _ = cut.wait_for(|state| *state == State::Cut) => {}
        () = requests => {}
        () = answers => {}
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut states: watch::Receiver<State>,
    passes: impl Fn(State) -> bool,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        if states.wait_for(|state| passes(*state)).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
}
