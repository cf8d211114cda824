//! The clock that all processes of a cluster can compare theirs with.

use std::time::Duration;

use async_trait::async_trait;

use crate::RegistryError;

/// How far the clocks of two processes may be apart: passes between them are good for little longer than that.
pub const CLOCKS_APART_MAX: Duration = Duration::from_secs(30);

/// See the module.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The registry's time, in milliseconds since 1970 UTC.
    async fn time_ms(&self) -> Result<i64, RegistryError>;

    /// By how many milliseconds the clock of this process is ahead of the registry's; negative if it is behind. What the
    /// question takes is left out of it, so a difference is never overstated.
    ///
    /// # Errors
    /// When the registry does not tell its time.
    async fn clock_ahead_ms(&self) -> Result<i64, RegistryError> {
        let asked = runtime::unix_ms();
        let theirs = self.time_ms().await?;
        Ok(ahead_ms(asked, theirs, runtime::unix_ms()))
    }
}

/// The least difference, when the other clock was read at some moment between two readings of the own one.
fn ahead_ms(asked: i64, theirs: i64, answered: i64) -> i64 {
    if theirs < asked { asked - theirs } else { answered.min(theirs) - theirs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_difference() {
        for (asked, theirs, answered, ahead) in [
            (100, 100, 100, 0),
            (100, 150, 200, 0),
            (100, 40, 200, 60),
            (100, 260, 200, -60),
            (100, 99, 99, 1),
        ] {
            assert_eq!(ahead_ms(asked, theirs, answered), ahead, "{asked} {theirs} {answered}");
        }
    }
}
