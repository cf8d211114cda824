//! What is said once in a while at most, however often it happens.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// See the module.
#[derive(Debug)]
pub struct Seldom {
    every: Duration,
    last: Mutex<Option<Instant>>,
}

impl Seldom {
    /// Due at once, and then when so much time has passed.
    pub const fn new(every: Duration) -> Self {
        Self { every, last: Mutex::new(None) }
    }

    /// Whether it is due: true once in the time.
    pub fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= self.every);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_in_the_time() {
        let seldom = Seldom::new(Duration::from_secs(3600));
        assert!(seldom.is_due() && !seldom.is_due());
        let always = Seldom::new(Duration::ZERO);
        assert!(always.is_due() && always.is_due());
    }
}
