//! The roles of a cluster.

use std::net::SocketAddr;
use std::sync::Arc;

use cluster::ClusterKey;
use registry::RedisRegistry;
use seal::KeyRing;
use worker::Secret;

use super::check::{ApiRole, ClusterLink, Mistakes, Role, WorkerRole};
use super::{ApiArgs, ClusterArgs, WorkerArgs};

/// More sessions than any machine carries.
const SESSIONS_MAX: usize = 1_000_000;
/// More logins than any broker takes.
const LOGINS_MAX: u32 = 100_000;
/// It stands in every key.
const PREFIX_MAX: usize = 64;

impl Mistakes {
    pub(super) fn api(&mut self, args: ApiArgs) -> Option<Role> {
        let log = self.log(&args.log);
        let listen = self.address("--listen", &args.listen);
        let front = self.front(&args.front);
        let auth = self.auth(&args.front, true);
        let cluster = self.cluster(args.cluster);
        let (listen, front, cluster) = (listen?, front?, cluster?);
        Some(Role::Api(log?, Box::new(ApiRole { listen, front, auth: auth?, cluster })))
    }

    pub(super) fn worker(&mut self, args: WorkerArgs) -> Option<Role> {
        let log = self.log(&args.log);
        let listen = self.address("--listen", &args.listen);
        let advertise = self.advertise(listen, args.advertise);
        let tls = self.identity("--internal-tls", args.internal_tls_cert, args.internal_tls_key);
        let sealing_keys = self.sealing_keys(args.sealing_keys, args.sealing_keys_file);
        let sessions_max = self.within("--sessions-max", &args.sessions_max, 1, SESSIONS_MAX);
        let logins = self.within("--logins-per-second", &args.logins_per_second, 1, LOGINS_MAX);
        let owner = self.owner(args.owner, Some(&args.egress));
        let cluster = self.cluster(args.cluster);
        let role = WorkerRole {
            listen: listen?,
            advertise: advertise?,
            tls: tls?,
            sealing_keys: Arc::new(sealing_keys?),
            sessions_max: sessions_max?,
            logins_per_second: logins?,
            owner: owner?,
            cluster: cluster?,
        };
        Some(Role::Worker(log?, Box::new(role)))
    }

    fn cluster(&mut self, args: ClusterArgs) -> Option<ClusterLink> {
        let url = self.secret("--redis-url", args.redis_url, args.redis_url_file);
        let url = match url {
            Some(None) => self.note(
                "--redis-url is missing: give the Redis that all processes of the cluster share, such as \
                 redis://127.0.0.1:6379",
            ),
            Some(Some(url)) => match RedisRegistry::connect(&url) {
                Ok(_) => Some(url),
                Err(wrong) => self.note(format_args!("--redis-url: {wrong}")),
            },
            None => None,
        };
        let key = self.secret("--cluster-key", args.cluster_key, args.cluster_key_file);
        let key = match key {
            Some(None) => self.note(
                "--cluster-key is missing: give all processes of the cluster the same secret, made with \
                 `openssl rand -base64 32`",
            ),
            Some(Some(key)) => match ClusterKey::new(key) {
                Ok(key) => Some(key),
                Err(wrong) => self.note(format_args!("--cluster-key: {}", wrong.detail())),
            },
            None => None,
        };
        let redis_prefix = self.redis_prefix(args.redis_prefix);
        let trust = self.trust("--internal-tls-ca", args.internal_tls_ca);
        let (redis_url, redis_prefix) = (Secret::new(url?), redis_prefix?);
        Some(ClusterLink { redis_url, redis_prefix, key: key?, trust: trust? })
    }

    /// Braces would choose the slot of every key in a Redis Cluster.
    pub(super) fn redis_prefix(&mut self, given: String) -> Option<String> {
        let is_plain = given.chars().all(|one| one.is_ascii_graphic() && !"{}".contains(one));
        if (1..=PREFIX_MAX).contains(&given.len()) && is_plain {
            return Some(given);
        }
        self.note(format_args!(
            "--redis-prefix '{}' is not 1 to {PREFIX_MAX} printable ASCII characters without blanks and braces",
            given.escape_debug()
        ))
    }

    /// Others must be able to dial it, which "all networks" is no address for.
    fn advertise(&mut self, listen: Option<SocketAddr>, given: Option<String>) -> Option<Option<String>> {
        let given = given.map(|given| given.trim().to_owned()).filter(|given| !given.is_empty());
        match given {
            None if listen.is_some_and(|listen| listen.ip().is_unspecified()) => self.note(
                "--advertise is missing: a worker that listens on all networks must say under which address others \
                 reach it, such as worker-1:5100",
            ),
            Some(given) if given.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err()) => {
                self.note(format_args!("--advertise '{given}' is not HOST:PORT"))
            }
            given => Some(given),
        }
    }

    fn sealing_keys(&mut self, keys: Option<String>, file: Option<String>) -> Option<KeyRing> {
        match self.secret("--sealing-keys", keys, file)? {
            None => self.note(
                "--sealing-keys is missing: login data leave a worker sealed only. Give NAME:KEY, with a key made by \
                 `openssl rand -base64 32`, the same to all workers",
            ),
            Some(keys) => match KeyRing::parse(&keys) {
                Ok(ring) => Some(ring),
                Err(wrong) => self.note(format_args!("--sealing-keys: {wrong}")),
            },
        }
    }
}
