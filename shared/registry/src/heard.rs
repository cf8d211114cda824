//! What was heard and waits for its listener.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::Heard;
use crate::limits::HEARD_MAX;

/// A bounded queue with one reader. A reader too slow loses what waits and finds [`Heard::Gap`] instead: it has to look
/// at everything anew, as after a lost connection.
#[derive(Debug, Default)]
pub(crate) struct HeardQueue {
    waiting: Mutex<VecDeque<Heard>>,
    came: Notify,
}

impl HeardQueue {
    pub(crate) fn push(&self, heard: Heard) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= HEARD_MAX {
            waiting.clear();
            waiting.push_back(Heard::Gap);
        } else {
            waiting.push_back(heard);
        }
        drop(waiting);
        self.came.notify_one();
    }

    /// The next thing. Safe to cancel.
    pub(crate) async fn next(&self) -> Heard {
        loop {
            let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            if let Some(heard) = next {
                return heard;
            }
            self.came.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_reader_is_told_of_a_gap() {
        let queue = HeardQueue::default();
        let changed = |token: usize| Heard::Changed { token: token.to_string() };
        for number in 0..=HEARD_MAX {
            queue.push(changed(number));
        }
        queue.push(changed(7));
        assert_eq!(queue.next().await, Heard::Gap);
        assert_eq!(queue.next().await, changed(7));
    }
}
