//! What the traits promise, tested against both registries; the one in Redis with a
//! single server and with a cluster, where each script may only touch keys of one slot.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

#[path = "conformance/api_keys.rs"]
mod api_keys;
#[path = "conformance/audit_log.rs"]
mod audit_log;
#[path = "conformance/ended.rs"]
mod ended;
#[path = "conformance/events.rs"]
mod events;
#[path = "conformance/governor.rs"]
mod governor;
#[path = "conformance/guard_store.rs"]
mod guard_store;
#[path = "conformance/journal.rs"]
mod journal;
#[path = "conformance/quarantine.rs"]
mod quarantine;
#[path = "conformance/rate_buckets.rs"]
mod rate_buckets;
#[path = "conformance/session_count.rs"]
mod session_count;
#[path = "conformance/sessions.rs"]
mod sessions;
#[path = "conformance/tools.rs"]
mod tools;
#[path = "conformance/trial_store.rs"]
mod trial_store;
#[path = "conformance/workers.rs"]
mod workers;

/// Runs each of these scenarios against every registry.
macro_rules! on_both {
    ($($name:ident)+) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&registry::MemoryRegistry::new()).await;
            })+
        }

        mod in_a_cluster {
            $(#[tokio::test]
            async fn $name() {
                let (_servers, registry) = crate::tools::cluster().await;
                super::$name(&registry).await;
            })+
        }

        mod in_redis {
            $(#[tokio::test]
            async fn $name() {
                let (_server, registry) = crate::tools::redis().await;
                super::$name(&registry).await;
            })+
        }
    };
}
use on_both;
