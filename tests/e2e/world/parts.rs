//! What stands between the front and the broker.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bus::Backend;
use cluster::{ClusterKey, Router, RouterSettings, serve};
use registry::RedisRegistry;
use runtime::Tasks;
use seal::KeyRing;
use testkit::{Redis, eventually};
use tokio::net::TcpListener;
use worker::{Member, MemberSettings, Worker};

/// This program is built twice: under this name its worlds are clusters.
const CLUSTER: &str = "e2e_cluster";

/// Workers of a cluster.
const WORKERS: usize = 2;

/// See the module.
pub(super) enum Parts {
    /// A worker, and nothing between.
    Alone(Arc<Worker>),
    /// Workers that share a Redis, reached over sockets.
    Cluster(Box<Cluster>),
}

/// Parts of a cluster. The Redis is last: it ends last.
pub(super) struct Cluster {
    router: Arc<Router>,
    others: Vec<Arc<Router>>,
    key: ClusterKey,
    workers: Vec<Arc<Worker>>,
    members: Vec<Arc<Member>>,
    tasks: Tasks,
    redis: Redis,
}

impl Parts {
    pub(super) async fn start(settings: worker::Settings) -> Self {
        if env!("CARGO_CRATE_NAME") == CLUSTER {
            Self::Cluster(Box::new(Cluster::start(settings).await))
        } else {
            Self::Alone(Worker::start(settings).unwrap())
        }
    }

    pub(super) fn backend(&self) -> Arc<dyn Backend> {
        match self {
            Self::Alone(worker) => Arc::<Worker>::clone(worker),
            Self::Cluster(cluster) => Arc::<Router>::clone(&cluster.router),
        }
    }

    /// The same by another way.
    pub(super) fn another_backend(&mut self) -> Arc<dyn Backend> {
        match self {
            Self::Alone(worker) => Arc::<Worker>::clone(worker),
            Self::Cluster(cluster) => cluster.another_router(),
        }
    }

    pub(super) async fn stop(self, grace: Duration) {
        match self {
            Self::Alone(worker) => assert!(worker.shutdown(grace).await, "sessions did not end"),
            Self::Cluster(cluster) => cluster.stop(grace).await,
        }
    }
}

impl Cluster {
    async fn start(settings: worker::Settings) -> Self {
        let redis = Redis::start().await;
        let registry = || Arc::new(RedisRegistry::connect(&redis.url()).unwrap());
        let key = ClusterKey::new("a key that all of them have").unwrap();
        let ring = Arc::new(KeyRing::random().unwrap());
        let tasks = Tasks::new();
        let (mut workers, mut members) = (Vec::new(), Vec::new());
        for number in 1..=WORKERS {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let advertise = listener.local_addr().unwrap().to_string();
            let worker = Worker::start(worker::Settings {
                registry: registry(),
                sealing_keys: Some(Arc::clone(&ring)),
                is_alone: false,
                name: format!("worker-{number}"),
                ..settings.clone()
            })
            .unwrap();
            let member = Member::join(
                Arc::clone(&worker),
                MemberSettings { advertise, key: key.clone(), trust: None },
            );
            let (owner, stop) = (Arc::<Member>::clone(&member), tasks.stop_signal());
            tasks.spawn(serve(listener, owner, key.clone(), None, async move { stop.cancelled().await }));
            workers.push(worker);
            members.push(member);
        }
        let known = registry();
        eventually("all workers are known", async || {
            let workers = registry::Workers::workers(known.as_ref()).await;
            (workers.unwrap().len() == WORKERS).then_some(())
        })
        .await;
        let router = Arc::new(Router::new(registry(), &key, RouterSettings::new("front"), &tasks));
        Self { router, others: Vec::new(), key, workers, members, tasks, redis }
    }

    fn another_router(&mut self) -> Arc<Router> {
        let registry = Arc::new(RedisRegistry::connect(&self.redis.url()).unwrap());
        let settings = RouterSettings::new(format!("front-{}", self.others.len() + 2));
        let router = Arc::new(Router::new(registry, &self.key, settings, &self.tasks));
        self.others.push(Arc::clone(&router));
        router
    }

    async fn stop(self, grace: Duration) {
        for router in self.others.iter().chain([&self.router]) {
            router.shutdown().await;
        }
        for member in &self.members {
            member.leave(grace).await;
        }
        assert!(self.tasks.finish(grace).await, "workers did not stop serving");
        for worker in &self.workers {
            assert!(worker.shutdown(grace).await, "sessions did not end");
        }
    }
}
