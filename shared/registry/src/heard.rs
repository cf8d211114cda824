//! What was heard and waits for its listener.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::Heard;
use crate::limits::{HEARD_BYTES, HEARD_MAX};

/// A bounded queue with one reader. A reader too slow loses what waits and finds [`Heard::Gap`] instead: it has to look
/// at everything anew, as after a lost connection.
#[derive(Debug, Default)]
pub(crate) struct HeardQueue {
    waiting: Mutex<Waiting>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    heard: VecDeque<Heard>,
    bytes: usize,
}

fn bytes_of(heard: &Heard) -> usize {
    match heard {
        Heard::Frame { frame, .. } => frame.text.len(),
        Heard::Changed { .. } | Heard::Gap => 0,
    }
}

impl HeardQueue {
    pub(crate) fn push(&self, heard: Heard) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = waiting.bytes + bytes_of(&heard);
        if waiting.heard.len() >= HEARD_MAX || bytes > HEARD_BYTES {
            *waiting = Waiting { heard: VecDeque::from([Heard::Gap]), bytes: 0 };
        } else {
            waiting.heard.push_back(heard);
            waiting.bytes = bytes;
        }
        drop(waiting);
        self.came.notify_one();
    }

    /// The next thing. Safe to cancel.
    pub(crate) async fn next(&self) -> Heard {
        loop {
            {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(heard) = waiting.heard.pop_front() {
                    waiting.bytes -= bytes_of(&heard);
                    return heard;
                }
            }
            self.came.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use bus::{Frame, Topic};

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
        let frame = Frame::new(Topic::OrderUpdate, None, vec![b'x'; HEARD_BYTES / 4].into());
        let heard = Heard::Frame { token: String::new(), frame };
        for _ in 0..4 {
            queue.push(heard.clone());
        }
        assert_eq!(queue.next().await, heard);
        queue.push(heard.clone());
        assert_eq!(queue.next().await, heard, "there was room again");
        queue.push(heard.clone());
        queue.push(heard);
        assert_eq!(queue.next().await, Heard::Gap);
    }
}
