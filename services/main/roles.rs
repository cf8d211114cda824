//! The parts of each role: bound first, started then, taken down in reverse.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use api::Api;
use broker::Broker;
use runtime::Tasks;
use tokio::net::TcpListener;
use worker::{Endpoint, Worker};

use crate::banner;
use crate::options::{BrokerRole, StandaloneRole};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The front ends within its own grace of 15 s, sessions and broker within theirs of a few seconds; orchestrators
/// commonly kill after 30 s.
const GRACE: Duration = Duration::from_secs(28);

/// How long sessions may take to log out.
const SESSIONS_GRACE: Duration = Duration::from_secs(5);

/// A role that serves.
pub(crate) enum Server {
    Standalone(Box<StandaloneRole>),
    Broker(Box<BrokerRole>),
}

impl Server {
    /// Binds every socket, so that a taken port is told before anything runs, and starts the parts.
    pub(crate) async fn start(self) -> Result<Running> {
        match self {
            Self::Standalone(role) => standalone(*role).await,
            Self::Broker(role) => {
                let (listener, addr) = bind(role.listen, "--broker-listen", "MT5REST_BROKER_LISTEN").await?;
                let name = role.settings.server_name.clone();
                tracing::info!(settings = ?role.settings, "starting the demo broker");
                let broker =
                    Broker::start(listener, role.settings).context("the demo broker does not start")?;
                let banner = banner::broker(VERSION, addr, &name);
                Ok(Running { banner, front: None, worker: None, broker: Some(broker) })
            }
        }
    }
}

/// A role that runs.
pub(crate) struct Running {
    banner: String,
    /// The front: one task, which ends when told and all its sockets are closed.
    front: Option<Tasks>,
    worker: Option<Arc<Worker>>,
    broker: Option<Broker>,
}

impl Running {
    /// What to tell the user.
    pub(crate) fn banner(&self) -> &str {
        &self.banner
    }

    /// Stops accepting and closes sockets, then logs out the sessions, then ends the broker.
    pub(crate) async fn shutdown(self) {
        let order = async {
            if let Some(front) = self.front
                && !front.finish(GRACE).await
            {
                tracing::warn!("the front did not end in time");
            }
            if let Some(worker) = self.worker
                && !worker.shutdown(SESSIONS_GRACE).await
            {
                tracing::warn!("some sessions did not log out in time");
            }
            if let Some(broker) = self.broker {
                broker.shutdown().await;
            }
        };
        if tokio::time::timeout(GRACE, order).await.is_err() {
            tracing::error!(grace_s = GRACE.as_secs(), "not everything ended in time");
        }
    }
}

async fn standalone(role: StandaloneRole) -> Result<Running> {
    let (listener, addr) = bind(role.listen, "--listen", "MT5REST_LISTEN").await?;
    let bound = match &role.broker {
        Some(broker) => Some(bind(broker.listen, "--broker-listen", "MT5REST_BROKER_LISTEN").await?),
        None => None,
    };
    tracing::info!(settings = ?role, "starting");
    let (mut broker, mut demo) = (None, None);
    if let Some(((listener, addr), BrokerRole { settings, .. })) = bound.zip(role.broker) {
        demo = Some((addr, settings.server_name.clone()));
        broker = Some(Broker::start(listener, settings).context("the demo broker does not start")?);
    }
    let demo =
        demo.as_ref().map(|(addr, name): &(SocketAddr, String)| (banner::reachable(*addr), name.as_str()));
    let worker = Worker::start(worker::Settings {
        servers: role.servers,
        extra_ca: role.extra_ca,
        egress: role.egress,
        built_in: demo.map(|(addr, name)| built_in(addr, name)).transpose()?.into_iter().collect(),
        ..worker::Settings::default()
    })
    .context("the service does not start")?;
    let settings = api::Settings { version: VERSION.to_owned(), ..api::Settings::default() };
    let api = Api::new(Arc::<Worker>::clone(&worker), settings);
    let front = Tasks::new();
    let stop = front.stop_signal();
    front.spawn(api.serve(listener, async move { stop.cancelled().await }));
    let banner = banner::service(VERSION, addr, demo);
    Ok(Running { banner, front: Some(front), worker: Some(worker), broker })
}

/// The demo broker by its name, for ConnectEx.
fn built_in(addr: SocketAddr, name: &str) -> Result<(String, Endpoint)> {
    let endpoint = Endpoint::parse(&format!("ws://{addr}"), None)?;
    Ok((name.to_owned(), endpoint))
}

async fn bind(address: SocketAddr, option: &str, variable: &str) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}: if another program has this port, choose another one with {option} (or \
             {variable}), such as {option} {}:0 for any that is free",
            address.ip()
        )
    })?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}
