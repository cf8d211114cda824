//! The roles of a cluster.

use std::sync::Arc;

use ::cluster::{Router, RouterSettings, TLS_SCHEME, serve};
use anyhow::{Context, Result};
use api::Api;
use registry::{Limits, RedisRegistry};
use runtime::Tasks;
use worker::{Member, MemberSettings, Worker};

use super::{Running, VERSION, bind, owner};
use crate::banner;
use crate::options::{ApiRole, ClusterLink, WorkerRole};

/// The front of a cluster.
pub(super) async fn api(role: ApiRole) -> Result<Running> {
    let (listener, addr) = bind(role.listen, "--listen", "MT5REST_LISTEN").await?;
    tracing::info!("starting the front");
    let registry = registry(&role.cluster)?;
    let keys: Arc<RedisRegistry> = Arc::clone(&registry);
    let name = format!("api-{}-{:08x}", std::process::id(), rand::random::<u32>());
    let settings = RouterSettings { trust: role.cluster.trust.clone(), ..RouterSettings::new(name) };
    let router = Arc::new(Router::new(registry, &role.cluster.key, settings, &Tasks::new()));
    let scheme = super::scheme(&role.front);
    let backend = Arc::<Router>::clone(&router);
    let api = match role.auth {
        true => Api::guarded(backend, role.front, keys).context("--jwt-keys is of no use")?,
        false => Api::new(backend, role.front),
    };
    let front = Tasks::new();
    let stop = front.stop_signal();
    front.spawn(api.serve(listener, async move { stop.cancelled().await }));
    let banner = banner::service(VERSION, (scheme, addr), None, None, role.auth);
    Ok(Running { front: Some(front), router: Some(router), ..Running::of(banner) })
}

/// A worker of a cluster.
pub(super) async fn worker(role: WorkerRole) -> Result<Running> {
    let (listener, addr) = bind(role.listen, "--listen", "MT5REST_LISTEN").await?;
    tracing::info!("starting a worker");
    let registry = registry(&role.cluster)?;
    let advertise = role.advertise.unwrap_or_else(|| addr.to_string());
    let advertise = if role.tls.is_some() { format!("{TLS_SCHEME}{advertise}") } else { advertise };
    let burst = role.logins_per_second;
    let worker = Worker::start(worker::Settings {
        sessions_max: role.sessions_max,
        registry,
        sealing_keys: Some(role.sealing_keys),
        login_limits: Limits { broker_per_second: burst, broker_burst: burst, ..Limits::default() },
        is_alone: false,
        ..owner(role.owner)
    })
    .context("the worker does not start")?;
    let settings = MemberSettings {
        advertise: advertise.clone(),
        key: role.cluster.key.clone(),
        trust: role.cluster.trust,
    };
    let member = Member::join(Arc::clone(&worker), settings);
    let serving = Tasks::new();
    let stop = serving.stop_signal();
    let served = Arc::<Member>::clone(&member);
    serving.spawn(serve(listener, served, role.cluster.key, role.tls, async move { stop.cancelled().await }));
    let banner = banner::worker(VERSION, addr, &advertise);
    Ok(Running { member: Some((member, serving)), worker: Some(worker), ..Running::of(banner) })
}

fn registry(link: &ClusterLink) -> Result<Arc<RedisRegistry>> {
    let registry = RedisRegistry::connect(link.redis_url.expose()).context("--redis-url is of no use")?;
    Ok(Arc::new(registry.with_prefix(&link.redis_prefix)))
}
