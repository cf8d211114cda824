//! Pauses between attempts: doubling, with a ceiling, and with jitter so that a thousand sessions that lost the same
//! server do not come back in the same moment.

use std::time::Duration;

/// The next pause of a series of attempts.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    ceiling: Duration,
    attempts: u32,
}

impl Backoff {
    /// Starts with about `first` and never exceeds `ceiling`.
    #[must_use]
    pub const fn new(first: Duration, ceiling: Duration) -> Self {
        Self { first, ceiling, attempts: 0 }
    }

    /// How long to wait before the next attempt: between half and all of the doubled pause.
    pub fn pause(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.attempts.min(16)).min(self.ceiling);
        self.attempts = self.attempts.saturating_add(1);
        doubled.mul_f64(rand::random_range(0.5..=1.0))
    }

    /// Starts again after a success.
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_ceiling_and_start_again() {
        let (first, ceiling) = (Duration::from_secs(1), Duration::from_secs(60));
        let mut backoff = Backoff::new(first, ceiling);
        for attempt in 0..100 {
            let most = first.saturating_mul(1 << attempt.min(16)).min(ceiling);
            let pause = backoff.pause();
            assert!(pause <= most && pause >= most / 2, "{pause:?} at attempt {attempt}");
        }
        backoff.reset();
        assert!(backoff.pause() <= first);
    }
}
