//! The parts of each role: bound first, started then, taken down in reverse.

#[path = "roles/cluster.rs"]
mod cluster;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::cluster::Router;
use anyhow::{Context, Result};
use api::Api;
use broker::Broker;
use registry::MemoryRegistry;
use runtime::Tasks;
use tokio::net::TcpListener;
use worker::{BrokerServer, Endpoint, Member, Secret, Worker};

use crate::banner;
use crate::options::{ApiRole, BrokerAdmin, BrokerRole, Owner, StandaloneRole, WorkerRole};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The front ends within its own grace of 15 s, sessions and broker within theirs of a few seconds; orchestrators
/// commonly kill after 30 s.
const GRACE: Duration = Duration::from_secs(28);

/// How long sessions may take to move to other workers.
const MOVE_GRACE: Duration = Duration::from_secs(18);

/// How long sessions may take to log out.
const SESSIONS_GRACE: Duration = Duration::from_secs(5);

/// A role that serves.
pub(crate) enum Server {
    Standalone(Box<StandaloneRole>),
    Api(Box<ApiRole>),
    Worker(Box<WorkerRole>),
    Broker(Box<BrokerRole>),
}

impl Server {
    /// Binds every socket, so that a taken port is told before anything runs, and starts the parts.
    pub(crate) async fn start(self) -> Result<Running> {
        match self {
            Self::Standalone(role) => standalone(*role).await,
            Self::Api(role) => cluster::api(*role).await,
            Self::Worker(role) => cluster::worker(*role).await,
            Self::Broker(role) => {
                let (listener, addr) = bind(role.listen, "--broker-listen", "MT5REST_BROKER_LISTEN").await?;
                let name = role.settings.server_name.clone();
                let admin = bind_admin(role.admin.as_ref()).await?;
                tracing::info!("starting the demo broker");
                let admin_addr = admin.as_ref().map(|(_, addr)| *addr);
                let broker = start_broker(listener, *role, admin)?;
                let banner = banner::broker(VERSION, addr, &name, admin_addr);
                Ok(Running { broker: Some(broker), ..Running::of(banner) })
            }
        }
    }
}

/// A role that runs.
pub(crate) struct Running {
    banner: String,
    /// The front: one task, which ends when told and all its sockets are closed.
    front: Option<Tasks>,
    /// Finds the owners of sessions.
    router: Option<Arc<Router>>,
    /// The worker as part of a cluster, and what serves it to the others.
    member: Option<(Arc<Member>, Tasks)>,
    worker: Option<Arc<Worker>>,
    broker: Option<Broker>,
}

impl Running {
    /// Nothing yet but words.
    const fn of(banner: String) -> Self {
        Self { banner, front: None, router: None, member: None, worker: None, broker: None }
    }

    /// What to tell the user.
    pub(crate) fn banner(&self) -> &str {
        &self.banner
    }

    /// Stops accepting and closes sockets, then moves or logs out the sessions, then ends the broker.
    pub(crate) async fn shutdown(self) {
        let order = async {
            if let Some(front) = self.front
                && !front.finish(GRACE).await
            {
                tracing::warn!("the front did not end in time");
            }
            if let Some(router) = self.router {
                router.shutdown().await;
            }
            if let Some((member, serving)) = self.member {
                // Calls are answered while sessions move.
                member.leave(MOVE_GRACE).await;
                serving.finish(SESSIONS_GRACE).await;
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
    let admin = bind_admin(role.broker.as_ref().and_then(|broker| broker.admin.as_ref())).await?;
    let admin_addr = admin.as_ref().map(|(_, addr)| *addr);
    tracing::info!("starting");
    let (mut broker, mut demo) = (None, None);
    if let Some(((listener, addr), role)) = bound.zip(role.broker) {
        demo = Some(built_in(banner::reachable(addr), &role.settings)?);
        broker = Some(start_broker(listener, role, admin)?);
    }
    let registry = match &role.data {
        Some(folder) => MemoryRegistry::new().with_api_keys_in(folder).context("--data is of no use")?,
        None => MemoryRegistry::new(),
    };
    if role.auth && role.data.is_none() {
        tracing::warn!("API keys end with this process: give --data FOLDER to keep them, and to make some");
    }
    let registry = Arc::new(registry);
    let keys = Arc::clone(&registry);
    let worker = Worker::start(worker::Settings {
        built_in: demo.clone().into_iter().collect(),
        registry,
        ..owner(role.owner)
    })
    .context("the service does not start")?;
    let scheme = scheme(&role.front);
    let backend = Arc::<Worker>::clone(&worker);
    let api = match role.auth {
        true => Api::guarded(backend, role.front, keys).context("--jwt-keys is of no use")?,
        false => Api::new(backend, role.front),
    };
    let front = Tasks::new();
    let stop = front.stop_signal();
    front.spawn(api.serve(listener, async move { stop.cancelled().await }));
    let demo = broker.as_ref().zip(demo.as_ref());
    let banner = banner::service(
        VERSION,
        (scheme, addr),
        demo.map(|(broker, server)| (banner::reachable(broker.addr()), server.name.as_str())),
        admin_addr,
        role.auth,
    );
    Ok(Running { front: Some(front), worker: Some(worker), broker, ..Running::of(banner) })
}

/// How the public port is reached.
const fn scheme(front: &api::Settings) -> &'static str {
    if front.tls.is_some() { "https" } else { "http" }
}

/// The admin port of the demo broker, if there is to be one.
async fn bind_admin(admin: Option<&BrokerAdmin>) -> Result<Option<(TcpListener, SocketAddr)>> {
    match admin {
        Some(admin) => bind(admin.listen, "--broker-admin", "MT5REST_BROKER_ADMIN").await.map(Some),
        None => Ok(None),
    }
}

fn start_broker(
    listener: TcpListener,
    role: BrokerRole,
    admin: Option<(TcpListener, SocketAddr)>,
) -> Result<Broker> {
    let broker = Broker::start(listener, role.settings).context("the demo broker does not start")?;
    if let Some(((listener, _), asked)) = admin.zip(role.admin) {
        broker.serve_admin(listener, asked.key.as_ref().map(Secret::expose));
    }
    if let Some(scenario) = role.scenario {
        broker.play(scenario);
    }
    Ok(broker)
}

/// What every process has that owns sessions.
fn owner(owner: Owner) -> worker::Settings {
    worker::Settings {
        brokers: owner.brokers,
        admin_key: owner.admin_key,
        extra_ca: owner.extra_ca,
        egress: owner.egress,
        reply_bytes_max: owner.reply_bytes_max,
        audit: recorded(owner.audit),
        license: owner.license,
        ..worker::Settings::default()
    }
}

/// How calls are recorded; whoever verifies the record needs the public key of its signer.
fn recorded(audit: worker::AuditSettings) -> worker::AuditSettings {
    if let Some(signer) = &audit.signer {
        tracing::info!(public_key = %signer.verifying_key(), "the length of the record of calls is signed");
    }
    audit
}

/// The demo broker in the directory, for ConnectEx.
fn built_in(addr: SocketAddr, settings: &broker::Settings) -> Result<BrokerServer> {
    let endpoints = vec![Endpoint::parse(&format!("ws://{addr}"), None)?];
    Ok(BrokerServer { name: settings.server_name.clone(), company: settings.company.clone(), endpoints })
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
