//! How often something may happen.

use std::time::Duration;

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(1);

/// So many in each second.
#[derive(Debug)]
pub(crate) struct Rate {
    max: u32,
    begun: Instant,
    seen: u32,
}

impl Rate {
    pub(crate) fn per_second(max: u32) -> Self {
        Self { max, begun: Instant::now(), seen: 0 }
    }

    /// Counts one; says how long to wait before the next one, if it was the last of its second.
    pub(crate) fn count(&mut self) -> Option<Duration> {
        if self.begun.elapsed() >= WINDOW {
            (self.begun, self.seen) = (Instant::now(), 0);
        }
        self.seen += 1;
        (self.seen >= self.max).then(|| WINDOW.saturating_sub(self.begun.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_of_a_second_waits_for_the_next_one() {
        let mut rate = Rate::per_second(3);
        assert_eq!((rate.count(), rate.count()), (None, None));
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(rate.count(), Some(Duration::from_millis(600)));
        tokio::time::advance(Duration::from_millis(600)).await;
        assert_eq!((rate.count(), rate.count()), (None, None));
    }
}
