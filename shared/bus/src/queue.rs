//! The bounded queue of one subscriber.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::frame::{Frame, Topic};

/// Lossless events one reader may lag behind; a busy account makes some tens a second, so this is half a minute.
pub const EVENTS_MAX: usize = 1024;

/// States one reader may have waiting: more than the symbols of the largest servers known.
pub const STATES_MAX: usize = 16_384;

/// Texts that may wait for one reader, in bytes. One may be longer by itself.
pub const QUEUE_BYTES_MAX: usize = 8 << 20;

/// Why a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The reader was too slow for lossless events: come back and read the present state first.
    Lagged,
    /// The owner stops or hands the session over: come back.
    Moved,
    /// The session is over: do not come back with this token.
    Closed,
}

/// Frames waiting for one reader. A state that waits already is replaced where it stands.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    order: VecDeque<Slot>,
    states: HashMap<(Topic, Option<Arc<str>>), Arc<Frame>>,
    events: usize,
    bytes: usize,
    end: Option<End>,
}

#[derive(Debug)]
enum Slot {
    Event(Arc<Frame>),
    State(Topic, Option<Arc<str>>),
}

impl Queue {
    /// Puts a frame in; past a bound the queue ends instead. False when it has ended.
    pub(crate) fn push(&mut self, frame: Arc<Frame>) -> bool {
        if self.end.is_some() {
            return false;
        }
        let fits = if frame.topic.is_state() { self.push_state(frame) } else { self.push_event(frame) };
        if !fits {
            self.lag();
        }
        fits
    }

    /// Ends it at once, without what waits: its reader is behind. One that had ended before keeps its end, but not what
    /// waited, so that nothing is ever behind afterwards.
    pub(crate) fn lag(&mut self) {
        *self = Self { end: Some(self.end.unwrap_or(End::Lagged)), ..Self::default() };
    }

    fn push_state(&mut self, frame: Arc<Frame>) -> bool {
        let at = (frame.topic, frame.key.clone());
        self.bytes += frame.text.len();
        if let Some(waiting) = self.states.get_mut(&at) {
            self.bytes -= waiting.text.len();
            *waiting = frame;
            return self.fits();
        }
        self.order.push_back(Slot::State(at.0, at.1.clone()));
        self.states.insert(at, frame);
        self.states.len() <= STATES_MAX && self.fits()
    }

    fn fits(&self) -> bool {
        self.bytes <= QUEUE_BYTES_MAX || self.order.len() == 1
    }

    fn push_event(&mut self, frame: Arc<Frame>) -> bool {
        self.bytes += frame.text.len();
        self.order.push_back(Slot::Event(frame));
        self.events += 1;
        self.events <= EVENTS_MAX && self.fits()
    }

    /// No more frames will come; those that wait are still delivered.
    pub(crate) fn end(&mut self, why: End) {
        self.end.get_or_insert(why);
    }

    /// Lossless events that wait.
    pub(crate) const fn events(&self) -> usize {
        self.events
    }

    /// What waits, in bytes.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no more frames will come.
    pub(crate) const fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// The next frame, or the end, or nothing yet.
    pub(crate) fn pop(&mut self) -> Option<Result<Arc<Frame>, End>> {
        while let Some(slot) = self.order.pop_front() {
            match slot {
                Slot::Event(frame) => {
                    self.events -= 1;
                    self.bytes -= frame.text.len();
                    return Some(Ok(frame));
                }
                // Every slot has its state; a missing one would only mean there is nothing to send.
                Slot::State(topic, key) => match self.states.remove(&(topic, key)) {
                    Some(frame) => {
                        self.bytes -= frame.text.len();
                        return Some(Ok(frame));
                    }
                    None => continue,
                },
            }
        }
        self.end.map(Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(topic: Topic, key: &str, text: &'static str) -> Arc<Frame> {
        let key = (!key.is_empty()).then_some(key);
        Arc::new(Frame::new(topic, key, text.into()))
    }

    fn drained(queue: &mut Queue) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(Ok(frame)) = queue.pop() {
            texts.push(String::from_utf8(frame.text.to_vec()).unwrap());
        }
        texts
    }

    #[test]
    fn the_latest_state_of_each_symbol_wins_and_keeps_its_place() {
        let mut queue = Queue::default();
        for (key, text) in [("A", "a1"), ("B", "b1"), ("A", "a2"), ("A", "a3")] {
            assert!(queue.push(frame(Topic::Quote, key, text)));
        }
        assert!(queue.push(frame(Topic::OrderProfit, "", "p1")));
        assert!(queue.push(frame(Topic::OrderProfit, "", "p2")));
        assert_eq!(drained(&mut queue), ["a3", "b1", "p2"]);
        assert!(queue.push(frame(Topic::Quote, "A", "a4")));
        assert_eq!(drained(&mut queue), ["a4"]);
    }

    #[test]
    fn events_are_kept_whole_and_in_order_among_states() {
        let mut queue = Queue::default();
        for (topic, text) in [(Topic::OrderUpdate, "1"), (Topic::Quote, "q"), (Topic::OrderUpdate, "2")] {
            queue.push(frame(topic, "", text));
        }
        queue.push(frame(Topic::Quote, "", "q2"));
        assert_eq!(drained(&mut queue), ["1", "q2", "2"]);
    }

    #[test]
    fn too_many_events_end_the_queue_and_free_its_memory() {
        let mut queue = Queue::default();
        for _ in 0..EVENTS_MAX {
            assert!(queue.push(frame(Topic::OrderUpdate, "", "e")));
        }
        assert!(!queue.push(frame(Topic::OrderUpdate, "", "one too many")));
        assert_eq!(queue.pop(), Some(Err(End::Lagged)));
        assert!(!queue.push(frame(Topic::Quote, "", "late")));
        assert_eq!(queue.pop(), Some(Err(End::Lagged)));
    }

    #[test]
    fn too_many_bytes_end_the_queue_but_one_long_event_does_not() {
        let long = |topic, bytes: usize| Arc::new(Frame::new(topic, None, vec![b'x'; bytes].into()));
        for topic in [Topic::OrderUpdate, Topic::OrderProfit] {
            let mut queue = Queue::default();
            assert!(queue.push(long(topic, 2 * QUEUE_BYTES_MAX)), "it is alone");
            assert!(!queue.push(long(Topic::TickHistory, 1)));
            assert_eq!((queue.bytes(), queue.pop()), (0, Some(Err(End::Lagged))));
            let mut queue = Queue::default();
            for _ in 0..4 {
                assert!(queue.push(long(topic, QUEUE_BYTES_MAX / 4)));
            }
            let waits = if topic.is_state() { QUEUE_BYTES_MAX / 4 } else { QUEUE_BYTES_MAX };
            assert_eq!(queue.bytes(), waits);
            assert_eq!(queue.push(long(topic, 1)), topic.is_state());
            while let Some(Ok(_)) = queue.pop() {}
            assert_eq!(queue.bytes(), 0);
        }
    }

    #[test]
    fn one_that_had_ended_has_nothing_behind_it_either() {
        let mut queue = Queue::default();
        queue.push(frame(Topic::OrderUpdate, "", "never read"));
        queue.end(End::Closed);
        queue.lag();
        assert_eq!((queue.bytes(), queue.events()), (0, 0));
        assert_eq!(queue.pop(), Some(Err(End::Closed)));
    }

    #[test]
    fn what_waits_is_delivered_before_the_end() {
        let mut queue = Queue::default();
        queue.push(frame(Topic::OrderUpdate, "", "last"));
        queue.end(End::Closed);
        queue.end(End::Moved);
        assert_eq!(drained(&mut queue), ["last"]);
        assert_eq!(queue.pop(), Some(Err(End::Closed)));
    }
}
