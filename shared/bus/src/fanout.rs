//! Copies the frames of one session to all who listen to it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use error::Error;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::budget::{Budget, PROCESS};
use crate::frame::{Frame, Interest, Position, Topic};
use crate::kept::Replay;
use crate::queue::{End, Queue};

/// Sockets that may listen to one session: a screen opens a few, and a public page about one account has many.
pub const SUBSCRIPTIONS_MAX: usize = 2048;

/// The publisher's side: one per session. Cheap while nobody listens. Dropping it tells readers to come back.
#[derive(Debug)]
pub struct Fanout(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    budget: &'static Budget,
    subscribers: Mutex<Subscribers>,
    /// How many listen to each topic, so that asking costs no lock.
    listeners: [AtomicU32; Topic::ALL.len()],
}

#[derive(Debug, Default)]
struct Subscribers {
    list: Vec<Arc<Subscriber>>,
    /// The last frame of each topic that is retained.
    retained: Vec<Arc<Frame>>,
    end: Option<End>,
}

#[derive(Debug)]
pub(crate) struct Subscriber {
    interest: Interest,
    queue: Mutex<Queue>,
    changed: Notify,
}

impl Subscriber {
    /// Sends its reader away, who comes back and finds what it missed, or that it is not kept.
    pub(crate) fn lag(&self) {
        locked(&self.queue).lag();
        self.changed.notify_one();
    }
}

impl Shared {
    pub(crate) fn has_readers(&self) -> bool {
        !locked(&self.subscribers).list.is_empty()
    }

    /// The reader with most behind it, and how many bytes that are; none if nothing waits.
    pub(crate) fn furthest_behind(&self) -> Option<(usize, Arc<Subscriber>)> {
        let subscribers = locked(&self.subscribers);
        let waiting = subscribers.list.iter().map(|one| (locked(&one.queue).bytes(), one));
        let furthest = waiting.filter(|(bytes, _)| *bytes > 0).max_by_key(|(bytes, _)| *bytes);
        furthest.map(|(bytes, one)| (bytes, Arc::clone(one)))
    }
}

impl Default for Fanout {
    fn default() -> Self {
        Self::within(&PROCESS)
    }
}

impl Fanout {
    /// A session nobody listens to yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn within(budget: &'static Budget) -> Self {
        Self(Arc::new(Shared { budget, subscribers: Mutex::default(), listeners: <_>::default() }))
    }

    /// Starts listening.
    pub fn subscribe(&self, interest: impl Into<Interest>) -> Result<Subscription, Error> {
        let interest = interest.into();
        let mut subscribers = locked(&self.0.subscribers);
        if subscribers.list.len() >= SUBSCRIPTIONS_MAX {
            return Err(Error::busy(format!(
                "This session has {SUBSCRIPTIONS_MAX} sockets open, the most allowed. Close some first."
            )));
        }
        let mut queue = Queue::default();
        for frame in subscribers.retained.iter().filter(|frame| interest.topics.contains(frame.topic)) {
            queue.push(Arc::clone(frame));
        }
        if let Some(end) = subscribers.end {
            queue.end(end);
        }
        let subscriber = Arc::new(Subscriber { interest, queue: Mutex::new(queue), changed: Notify::new() });
        subscribers.list.push(Arc::clone(&subscriber));
        let is_first = subscribers.list.len() == 1;
        drop(subscribers);
        if is_first {
            self.0.budget.watch(Arc::downgrade(&self.0));
        }
        for topic in interest.topics.iter() {
            self.0.listeners[topic as usize].fetch_add(1, Ordering::Relaxed);
        }
        Ok(Subscription {
            subscriber,
            fanout: Arc::clone(&self.0),
            due: None,
            missed: None,
            is_cut: false,
            goes_on_after: None,
            last: Position::default(),
        })
    }

    /// True when somebody listens to the topic: ask before encoding.
    pub fn has_listeners(&self, topic: Topic) -> bool {
        self.0.listeners[topic as usize].load(Ordering::Relaxed) > 0
    }

    /// The shortest pace that a listener to the topic wants. `None`: nobody listens who names one.
    pub fn pace(&self, topic: Topic) -> Option<Duration> {
        let subscribers = locked(&self.0.subscribers);
        let listeners = subscribers.list.iter().filter(|one| one.interest.topics.contains(topic));
        listeners.filter_map(|one| one.interest.every).min()
    }

    /// The events that the slowest listener to the topic has not taken yet.
    pub fn backlog(&self, topic: Topic) -> usize {
        let subscribers = locked(&self.0.subscribers);
        let listeners = subscribers.list.iter().filter(|one| one.interest.topics.contains(topic));
        listeners.map(|one| locked(&one.queue).events()).max().unwrap_or(0)
    }

    /// Hands a frame to everyone who listens to its topic, and later to those who begin to, if it is retained. Never waits
    /// for a reader.
    pub fn publish(&self, frame: Frame) {
        let is_heard = self.has_listeners(frame.topic);
        if !is_heard && !frame.topic.is_retained() {
            return;
        }
        let text = if is_heard { self.0.budget.charge(frame.text) } else { frame.text };
        let frame = Arc::new(Frame { text, ..frame });
        let mut subscribers = locked(&self.0.subscribers);
        if frame.topic.is_retained() {
            let is_same = |other: &Arc<Frame>| other.topic == frame.topic && other.text == frame.text;
            if subscribers.retained.iter().any(is_same) {
                // Told again for somebody else; everybody here has it.
                return;
            }
            subscribers.retained.retain(|other| other.topic != frame.topic);
            subscribers.retained.push(Arc::clone(&frame));
        }
        for subscriber in &subscribers.list {
            if subscriber.interest.topics.contains(frame.topic) {
                locked(&subscriber.queue).push(Arc::clone(&frame));
                subscriber.changed.notify_one();
            }
        }
    }

    /// Drops what is retained of topics that nobody listens to: a publisher elsewhere may have left out what came after.
    pub fn forget_unheard(&self) {
        let is_heard = |frame: &Arc<Frame>| self.has_listeners(frame.topic);
        locked(&self.0.subscribers).retained.retain(is_heard);
    }

    /// Ends the subscriptions to a topic, as too slow: they come back and find what they missed, or that it is not kept.
    pub fn end_readers(&self, topic: Topic) {
        for subscriber in &locked(&self.0.subscribers).list {
            if subscriber.interest.topics.contains(topic) {
                subscriber.lag();
            }
        }
    }

    /// Ends all subscriptions, present and future ones, after what waits was delivered.
    pub fn end(&self, why: End) {
        let mut subscribers = locked(&self.0.subscribers);
        subscribers.end.get_or_insert(why);
        for subscriber in &subscribers.list {
            locked(&subscriber.queue).end(why);
            subscriber.changed.notify_one();
        }
    }
}

impl Drop for Fanout {
    /// A publisher that goes without a word, say by a panic, must not leave its readers waiting for ever.
    fn drop(&mut self) {
        self.end(End::Moved);
    }
}

/// The reader's side: one per socket. Dropping it ends listening.
#[derive(Debug)]
pub struct Subscription {
    subscriber: Arc<Subscriber>,
    fanout: Arc<Shared>,
    /// When the pace allows the next frame.
    due: Option<Instant>,
    /// Kept events from before the subscription.
    missed: Option<Replay>,
    is_cut: bool,
    goes_on_after: Option<Position>,
    /// The place of the last kept event that was delivered; those up to it are not delivered again.
    last: Position,
}

impl Subscription {
    /// Goes on after a place in the sequence of kept events: delivers those that were `missed` first, and none a second
    /// time. `end` is the place of the last one there is. `is_cut`: some of those missed are not kept any more; then it goes
    /// on after the end, and the reader has to look at the present state.
    #[must_use]
    pub fn after(mut self, since: Position, end: Position, missed: Replay, is_cut: bool) -> Self {
        self.is_cut = is_cut && since != Position::NOW;
        let goes_on = if self.is_cut || since == Position::NOW { end } else { since };
        if goes_on == since {
            self.missed = Some(missed);
        }
        self.last = goes_on;
        self.goes_on_after = Some(goes_on);
        self
    }

    /// Whether events that the reader asked for are not kept any more: it has to look at the present state.
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The place after which kept events are delivered, if the reader asked for one.
    pub const fn goes_on_after(&self) -> Option<Position> {
        self.goes_on_after
    }

    /// Waits for the next frame, or for the end. Safe to cancel: no frame is lost.
    pub async fn next(&mut self) -> Result<Arc<Frame>, End> {
        if let Some(frame) = self.missed.as_mut().and_then(Replay::next) {
            self.last = self.last.max(frame.at);
            return Ok(Arc::new(frame));
        }
        self.missed = None;
        loop {
            if let Some(due) = self.due.filter(|due| *due > Instant::now())
                && !locked(&self.subscriber.queue).has_ended()
            {
                tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.subscriber.changed.notified() => continue,
                }
            }
            let next = locked(&self.subscriber.queue).pop();
            if let Some(next) = next {
                if let Ok(frame) = &next
                    && frame.at != Position::default()
                    && frame.topic.is_kept()
                {
                    if frame.at <= self.last {
                        continue;
                    }
                    self.last = frame.at;
                }
                self.due = self.subscriber.interest.every.map(|every| Instant::now() + every);
                return next;
            }
            self.subscriber.changed.notified().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        locked(&self.fanout.subscribers).list.retain(|other| !Arc::ptr_eq(other, &self.subscriber));
        for topic in self.subscriber.interest.topics.iter() {
            self.fanout.listeners[topic as usize].fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Locks, also after a panic elsewhere: every critical section here leaves the value whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Topics;

    fn quote(key: &str, text: &'static str) -> Frame {
        Frame::new(Topic::Quote, Some(key), text.into())
    }

    #[tokio::test]
    async fn each_listener_gets_its_topics_only() {
        let fanout = Fanout::new();
        let mut quotes = fanout.subscribe(Topic::Quote).unwrap();
        let mut all = fanout.subscribe(Topics::ALL).unwrap();
        fanout.publish(Frame::new(Topic::OrderUpdate, None, "update".into()));
        fanout.publish(quote("A", "quote"));
        assert_eq!(quotes.next().await.unwrap().text, "quote");
        assert_eq!(all.next().await.unwrap().text, "update");
        assert_eq!(all.next().await.unwrap().text, "quote");
    }

    #[tokio::test]
    async fn a_paced_reader_gets_the_latest_state_when_it_is_due() {
        let fanout = Fanout::new();
        let every = Duration::from_millis(50);
        let interest = Interest { every: Some(every), ..Topic::Quote.into() };
        let mut reader = fanout.subscribe(interest).unwrap();
        assert_eq!(fanout.pace(Topic::Quote), Some(every));
        assert_eq!(fanout.pace(Topic::Ohlc), None);
        let begun = Instant::now();
        fanout.publish(quote("A", "1"));
        assert_eq!(reader.next().await.unwrap().text, "1");
        fanout.publish(quote("A", "2"));
        fanout.publish(quote("A", "3"));
        assert_eq!(reader.next().await.unwrap().text, "3");
        assert!(begun.elapsed() >= every, "not before it is due");
        fanout.end(End::Closed);
        assert_eq!(reader.next().await, Err(End::Closed), "the end does not wait for the pace");
    }

    #[tokio::test]
    async fn who_comes_back_gets_what_it_missed_once() {
        let event = |epoch, offset, text: &'static str| {
            Frame::new(Topic::OrderUpdate, None, text.into()).at(Position { epoch, offset })
        };
        let fanout = Fanout::new();
        let reader = fanout.subscribe(Topic::OrderUpdate).unwrap();
        // Published between the subscription and the look into the log: it is in both.
        fanout.publish(event(5, 3, "third"));
        let since = Position { epoch: 5, offset: 1 };
        let end = Position { epoch: 5, offset: 3 };
        let missed = Replay::of(vec![event(5, 2, "second"), event(5, 3, "third")], since).unwrap();
        let mut reader = reader.after(since, end, missed, false);
        fanout.publish(event(4, 9, "of an owner that was left behind"));
        fanout.publish(event(6, 1, "fourth"));
        for text in ["second", "third", "fourth"] {
            assert_eq!(reader.next().await.unwrap().text, text);
        }
        assert!(!reader.is_cut() && reader.goes_on_after() == Some(since));
    }

    #[tokio::test]
    async fn what_is_not_kept_any_more_is_said_and_left_out() {
        let event = |offset, text: &'static str| {
            Frame::new(Topic::OrderUpdate, None, text.into()).at(Position { epoch: 5, offset })
        };
        let (fanout, end) = (Fanout::new(), Position { epoch: 5, offset: 8 });
        for (since, is_cut) in [(Position { epoch: 5, offset: 1 }, true), (Position::NOW, false)] {
            let reader = fanout.subscribe(Topic::OrderUpdate).unwrap();
            let missed = Replay::of(vec![event(7, "a part")], since).unwrap();
            let mut reader = reader.after(since, end, missed, true);
            assert_eq!((reader.is_cut(), reader.goes_on_after()), (is_cut, Some(end)));
            fanout.publish(event(8, "known"));
            fanout.publish(event(9, "new"));
            assert_eq!(reader.next().await.unwrap().text, "new");
        }
    }

    #[tokio::test]
    async fn who_comes_later_gets_the_last_frame_of_what_is_retained() {
        let fanout = Fanout::new();
        let status = |text: &'static str| Frame::new(Topic::ConnectionStatus, None, text.into());
        for text in ["lost", "restored", "restored"] {
            fanout.publish(status(text));
            fanout.publish(quote("A", "not retained"));
        }
        for _ in 0..2 {
            let mut reader = fanout.subscribe(Topics::ALL).unwrap();
            assert_eq!(reader.next().await.unwrap().text, "restored");
            fanout.publish(status("restored"));
            fanout.publish(quote("A", "now"));
            assert_eq!(reader.next().await.unwrap().text, "now");
        }
        let heard = fanout.subscribe(Topic::ConnectionStatus).unwrap();
        fanout.forget_unheard();
        assert_eq!(fanout.subscribe(Topics::ALL).unwrap().next().await.unwrap().text, "restored");
        drop(heard);
        fanout.forget_unheard();
        let mut reader = fanout.subscribe(Topics::ALL).unwrap();
        fanout.publish(status("new"));
        assert_eq!(reader.next().await.unwrap().text, "new");
    }

    #[test]
    fn the_slowest_listener_makes_the_backlog() {
        let fanout = Fanout::new();
        let _slow = fanout.subscribe(Topic::TickHistory).unwrap();
        let _other = fanout.subscribe(Topic::Quote).unwrap();
        for _ in 0..3 {
            fanout.publish(Frame::new(Topic::TickHistory, None, "portion".into()));
        }
        assert_eq!((fanout.backlog(Topic::TickHistory), fanout.backlog(Topic::Quote)), (3, 0));
    }

    #[tokio::test]
    async fn the_reader_with_most_behind_makes_room_in_its_process() {
        let budget: &'static Budget = Box::leak(Box::new(Budget::new(1_000)));
        let fanouts = [Fanout::within(budget), Fanout::within(budget)];
        let mut readers: Vec<_> =
            fanouts.iter().map(|one| one.subscribe(Topic::OrderUpdate).unwrap()).collect();
        // Who shares a text with others takes no more.
        let shared: Vec<_> = (0..50).map(|_| fanouts[0].subscribe(Topic::OrderUpdate).unwrap()).collect();
        let event = |bytes: usize| Frame::new(Topic::OrderUpdate, None, vec![b'x'; bytes].into());
        fanouts[0].publish(event(400));
        drop(shared);
        fanouts[1].publish(event(300));
        fanouts[1].publish(event(300));
        fanouts[1].publish(event(100));
        assert_eq!(readers[1].next().await, Err(End::Lagged), "it had 600 waiting");
        assert_eq!(readers[0].next().await.unwrap().text.len(), 400);
        // What was read is free, and so is what readers had that are gone.
        for _ in 0..3 {
            fanouts[0].publish(event(900));
            assert_eq!(readers[0].next().await.unwrap().text.len(), 900);
        }
        fanouts[0].publish(event(900));
        drop(readers.remove(0));
        let mut reader = fanouts[0].subscribe(Topic::OrderUpdate).unwrap();
        fanouts[0].publish(event(900));
        assert_eq!(reader.next().await.unwrap().text.len(), 900);
    }

    #[tokio::test]
    async fn an_ended_reader_with_most_behind_makes_room_too() {
        let budget: &'static Budget = Box::leak(Box::new(Budget::new(1_000)));
        let fanouts = [Fanout::within(budget), Fanout::within(budget)];
        let mut readers: Vec<_> =
            fanouts.iter().map(|one| one.subscribe(Topic::OrderUpdate).unwrap()).collect();
        let event = |bytes: usize| Frame::new(Topic::OrderUpdate, None, vec![b'x'; bytes].into());
        fanouts[0].publish(event(800));
        // Its last frames are never read.
        fanouts[0].end(End::Closed);
        fanouts[1].publish(event(400));
        assert_eq!(readers[1].next().await.unwrap().text.len(), 400);
        assert_eq!(readers[0].next().await, Err(End::Closed));
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken() {
        let fanout = Fanout::new();
        let mut reader = fanout.subscribe(Topics::ALL).unwrap();
        let (got, ()) = tokio::join!(reader.next(), async { fanout.publish(quote("A", "late")) });
        assert_eq!(got.unwrap().text, "late");
    }

    #[test]
    fn interest_follows_subscriptions() {
        let fanout = Fanout::new();
        assert!(!fanout.has_listeners(Topic::Quote));
        let first = fanout.subscribe(Topic::Quote).unwrap();
        let second = fanout.subscribe(Topics::ALL).unwrap();
        drop(first);
        assert!(fanout.has_listeners(Topic::Quote));
        drop(second);
        assert!(Topic::ALL.into_iter().all(|topic| !fanout.has_listeners(topic)));
    }

    #[test]
    fn one_listener_too_many_is_told_so() {
        let fanout = Fanout::new();
        let held: Vec<_> = (0..SUBSCRIPTIONS_MAX).map(|_| fanout.subscribe(Topics::ALL).unwrap()).collect();
        assert_eq!(fanout.subscribe(Topics::ALL).unwrap_err().code(), error::Code::ServerBusy);
        drop(held);
        assert!(fanout.subscribe(Topics::ALL).is_ok());
    }

    #[tokio::test]
    async fn the_end_reaches_present_and_future_readers() {
        let fanout = Fanout::new();
        let mut present = fanout.subscribe(Topics::ALL).unwrap();
        fanout.end(End::Closed);
        let mut future = fanout.subscribe(Topics::ALL).unwrap();
        assert_eq!(present.next().await, Err(End::Closed));
        assert_eq!(future.next().await, Err(End::Closed));
    }

    #[tokio::test]
    async fn a_vanished_publisher_tells_readers_to_come_back() {
        let fanout = Fanout::new();
        let mut reader = fanout.subscribe(Topics::ALL).unwrap();
        drop(fanout);
        assert_eq!(reader.next().await, Err(End::Moved));
    }
}
