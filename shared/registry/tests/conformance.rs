//! What the traits promise, tested against both registries.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

#[path = "conformance/events.rs"]
mod events;
#[path = "conformance/governor.rs"]
mod governor;
#[path = "conformance/journal.rs"]
mod journal;
#[path = "conformance/sessions.rs"]
mod sessions;
#[path = "conformance/tools.rs"]
mod tools;
#[path = "conformance/workers.rs"]
mod workers;

/// Runs each of these scenarios against both registries.
macro_rules! on_both {
    ($($name:ident)+) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&registry::MemoryRegistry::new()).await;
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
